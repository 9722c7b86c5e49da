"""Process handshake messages at either side, and INSTALL in channels with different hosts.

Every secret is in the vector. secret: the ephemeral secret of the side that reads; key: its channel
key (a wallet's is in its scene if it has one); credential: the certificate of the key, absent for a
bare key; commands, answers: the keys that both sides export at the end.
"""

from binascii import hexlify, unhexlify

from kinds.apdu import Person, Port

from jiaozi.wallet.store_keys import SEED_KEY
from jiaozi.wire import certificates, channel, cose
from jiaozi.wire.edhoc import SUITE_4, Initiator, Responder
from wallet.apps.channel import confirm
from wallet.apps.operator import install
from wallet.channel import identity
from wallet.device import Device

TAKES_STORE = True


def device_of(store):
    return Device(store, Person(), Port())


def known(vector, name, kind):
    """Read a certificate of the vector, None if absent."""
    raw = vector.get(name)
    return None if raw is None else certificates.read(kind, unhexlify(raw), cose.TEST)


def own(vector):
    """Make the party of a side from its key and its optional credential."""
    key = cose.SigningKey(unhexlify(vector["key"]))
    certificate = known(vector, "credential", cose.CHANNEL)
    if certificate is None:
        return channel.bare(key.public), key
    return channel.certified(certificate), key


def exported(side):
    """Return the keys of both directions."""
    labels = (("commands", channel.COMMANDS), ("answers", channel.ANSWERS))
    return {name: hexlify(side.export(label, b"", 32)).decode() for name, label in labels}


def answering(vector, device, message_1):
    """Make a wallet that has read message_1."""
    me, key = identity(device) if device.provisioned else own(vector)
    secret = unhexlify(vector["secret"])
    return Responder(SUITE_4, secret, channel.WALLET, message_1, me, key)


def message_1(vector, raw, device):
    side = answering(vector, device, raw)
    return {"answer": hexlify(side.message_2).decode()}


def message_2(vector, raw, device):
    wallet = known(vector, "certificate", cose.WALLET)
    host = Initiator(SUITE_4, unhexlify(vector["secret"]), channel.HOST)
    me, key = own(vector)
    answer = host.finish(raw, lambda one: channel.read_wallet(one, wallet, cose.TEST), me, key)
    found = exported(host)
    found["answer"] = hexlify(answer).decode()
    return found


def message_3(vector, raw, device):
    side = answering(vector, device, unhexlify(vector["message_1"]))
    device.session.handshake = side
    confirm.run(device, raw)
    found = exported(side)
    found["operator"] = device.session.operator
    return found


def installing(vector, raw, device):
    device.store.commit({SEED_KEY: unhexlify(vector["seed"])})
    device.session.installer = known(vector, "credential", cose.CHANNEL)
    install.run(device, raw)
    return {"id_after": hexlify(device.book.me.id).decode()}


KINDS = {
    "message-1": message_1,
    "message-2": message_2,
    "message-3": message_3,
    "install-command": installing,
}


def run(vector, raw, store):
    return KINDS[vector["kind"]](vector, raw, device_of(store))

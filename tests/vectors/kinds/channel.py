"""Messages of a handshake at either side, and INSTALL by who has opened the channel.

Every secret is in the vector. `secret`: the ephemeral one of the side that reads; `key`: its
channel key (a wallet that has one keeps it in its scene), `credential`: the certificate for it,
none for a bare key. What both sides have exported in the end is `commands` and `answers`.
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
    """A certificate of the vector, None without one."""
    raw = vector.get(name)
    return None if raw is None else certificates.read(kind, unhexlify(raw), cose.TEST)


def own(vector):
    """Who a side is by its key and its credential, if it has one."""
    key = cose.SigningKey(unhexlify(vector["key"]))
    certificate = known(vector, "credential", cose.CHANNEL)
    if certificate is None:
        return channel.bare(key.public), key
    return channel.certified(certificate), key


def exported(side):
    """The keys of both directions."""
    labels = (("commands", channel.COMMANDS), ("answers", channel.ANSWERS))
    return {name: hexlify(side.export(label, b"", 32)).decode() for name, label in labels}


def answering(vector, device, message_1):
    """A wallet that has read message_1."""
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

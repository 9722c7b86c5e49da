"""Read a wallet's certificate, verify it, and check that it is current."""

from binascii import hexlify, unhexlify

from jiaozi.wire import certificates, cose, epochs
from jiaozi.wire.trust import Trust


def run(vector, raw, book):
    network = cose.TEST
    authority = certificates.read(cose.AUTHORITY, unhexlify(vector["authority"]), network)
    operators = [
        certificates.read(cose.OPERATOR, unhexlify(one), network) for one in vector["operators"]
    ]
    trust = Trust(authority, operators, network)
    wallet = trust.wallet(raw)
    trust.check_current(wallet, epochs.read_epoch(unhexlify(vector["epoch"]), network))
    return {"input": hexlify(wallet.raw).decode()}

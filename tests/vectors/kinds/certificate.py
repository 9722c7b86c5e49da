"""A wallet's certificate is read, verified, and asked whether it is current."""

from binascii import hexlify, unhexlify

from jiaozi import certificates, cose, rules


def run(vector, raw, book):
    network = cose.TEST
    authority = certificates.read(cose.AUTHORITY, unhexlify(vector["authority"]), network)
    operators = [
        certificates.read(cose.OPERATOR, unhexlify(one), network) for one in vector["operators"]
    ]
    trust = certificates.Trust(authority, operators, network)
    wallet = trust.wallet(raw)
    trust.check_current(wallet, rules.read_epoch(unhexlify(vector["epoch"]), network))
    return {"input": hexlify(wallet.raw).decode()}

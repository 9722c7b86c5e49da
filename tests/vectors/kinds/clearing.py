"""A clearing file is read by the operator whose certificate's hash is `me`."""

from binascii import unhexlify

from jiaozi import certificates, clearing, cose


def run(vector, raw, book):
    network = cose.TEST
    authority = certificates.read(cose.AUTHORITY, unhexlify(vector["authority"]), network)
    operators = [
        certificates.read(cose.OPERATOR, unhexlify(one), network) for one in vector["operators"]
    ]
    trust = certificates.Trust(authority, operators, network)
    clearing.read(raw, trust.operators[unhexlify(vector["me"])], trust)
    return {}

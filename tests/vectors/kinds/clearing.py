"""Read a clearing file as the operator whose certificate has the hash `me`."""

from binascii import unhexlify

from jiaozi.operator import clearing
from jiaozi.wire import certificates, cose
from jiaozi.wire.trust import Trust


def run(vector, raw, book):
    network = cose.TEST
    authority = certificates.read(cose.AUTHORITY, unhexlify(vector["authority"]), network)
    operators = [
        certificates.read(cose.OPERATOR, unhexlify(one), network) for one in vector["operators"]
    ]
    trust = Trust(authority, operators, network)
    clearing.read(raw, trust.operators[unhexlify(vector["me"])], trust)
    return {}

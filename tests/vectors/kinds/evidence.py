"""Verify a proof; proves: its kind, 0 if an honest wallet may have signed everything in it."""

from binascii import unhexlify

from jiaozi.operator import evidence
from jiaozi.wire import certificates, cose


def run(vector, raw, book):
    authority = certificates.read(cose.AUTHORITY, unhexlify(vector["authority"]), cose.TEST)
    try:
        return {"proves": evidence.verify(raw, authority, cose.TEST).kind}
    except evidence.NotProven:
        return {"proves": 0}

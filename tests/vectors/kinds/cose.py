"""Parse and verify a signed object; return its hash."""

from binascii import hexlify, unhexlify

from jiaozi.wire import cose


def run(vector, raw, book):
    signed = cose.parse(vector["object"], raw, vector["network"])
    signed.verify(unhexlify(vector["public"]), unhexlify(vector["signer"]))
    return {"hash": hexlify(signed.hash).decode()}

"""Decode the input and encode it again; the bytes must be equal."""

from binascii import hexlify

from _jzcbor import dumps
from jiaozi.wire import cose


def run(vector, raw, book):
    return {"input": hexlify(dumps(cose.decode(raw))).decode()}

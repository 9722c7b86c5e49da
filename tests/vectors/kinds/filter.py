"""A piece of a filter is read, and asked about a wallet."""

from binascii import unhexlify

from jiaozi.wire.errors import REVOKED, Refused
from jiaozi.wire.filters import index_of, key_of, read_piece


def run(vector, raw, book):
    piece = read_piece(raw)
    key = key_of(unhexlify(vector["wallet"]))
    if index_of(key, piece.count) != piece.index:
        return {"wallet": "of another piece"}
    if piece.revokes(key):
        raise Refused(REVOKED)
    return {}

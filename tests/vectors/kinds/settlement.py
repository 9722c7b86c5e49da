"""A wallet is settled."""

from binascii import hexlify, unhexlify

from jiaozi.book import STATE_KEY
from jiaozi.sync import settle


def run(vector, raw, book):
    book.store.commit(settle(book, raw, unhexlify(vector["nonce"])))
    return {"state": hexlify(book.store.get(STATE_KEY)).decode()}

"""Process a rotation at a wallet that has named its next key."""

from binascii import hexlify

from jiaozi.wallet.book import Book
from jiaozi.wallet.rotate import rotate
from jiaozi.wallet.store_keys import NEXT_SEED_KEY


def run(vector, raw, book):
    value, done = book.state.balance, False
    while not done:
        changes, done = rotate(book, raw, book.store.get(NEXT_SEED_KEY))
        book.store.commit(changes)
        book = Book(book.store)
    if book.state.balance != value:
        return {"note": "the value has changed"}
    return {"id_after": hexlify(book.me.id).decode()}

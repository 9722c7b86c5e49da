"""A wallet that has named its next key is handed a rotation."""

from binascii import hexlify

from jiaozi.book import NEXT_SEED_KEY, Book
from jiaozi.rotation import rotate


def run(vector, raw, book):
    value, done = book.state.balance, False
    while not done:
        changes, done = rotate(book, raw, book.store.get(NEXT_SEED_KEY))
        book.store.commit(changes)
        book = Book(book.store)
    if book.state.balance != value:
        return {"note": "the value has changed"}
    return {"id_after": hexlify(book.me.id).decode()}

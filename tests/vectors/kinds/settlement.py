"""Settle a wallet, then optionally repeat a payment or a request that it has processed before.

asked, paid: the sender's certificate and the request or payment to repeat; kept: the positions of
the entries and the numbers of the requests that remain.
"""

from binascii import hexlify, unhexlify

from jiaozi.wallet import payee, payer
from jiaozi.wallet.book import Book
from jiaozi.wallet.settle import settle
from jiaozi.wallet.store_keys import JOURNAL_KEY, OPEN_KEY, STATE_KEY


class Settled:
    """A wallet's store after its settlement, to check that a later refusal changes nothing."""

    def __init__(self, store, changes):
        self.store = store
        self.changes = changes

    def get(self, key):
        return self.changes[key] if key in self.changes else self.store.get(key)

    def keys(self):
        known = set(self.store.keys()) | set(self.changes)
        return [key for key in known if self.get(key) is not None]

    def commit(self, changes):
        self.changes.update(changes)

    def holds(self, lengths):
        return self.store.holds(lengths)


def run(vector, raw, book):
    store = Settled(book.store, settle(book, raw, unhexlify(vector["nonce"])))
    keys = sorted(store.keys())
    found = {
        "state": hexlify(store.get(STATE_KEY)).decode(),
        "kept": [
            [key - JOURNAL_KEY for key in keys if key >= JOURNAL_KEY],
            [key - OPEN_KEY for key in keys if OPEN_KEY <= key < OPEN_KEY + 256],
        ],
    }
    if "paid" in vector:
        found["answer"] = receive(Book(store), *map(unhexlify, vector["paid"]))
    if "asked" in vector:
        found["answer"] = pay(Book(store), *map(unhexlify, vector["asked"]))
    book.store.commit(store.changes)
    return found


def receive(book, certificate, payment, request):
    answer, step = payee.receive(book, certificate, payment, request)
    return hexlify(answer if step is None else book.apply(step)).decode()


def pay(book, certificate, request):
    order = payer.read_order(book, certificate, request)
    answer = payer.recall(book, order)
    if answer is None:
        payer.check(book, order, order.request.amount)
        answer = book.apply(payer.pay(book, order, order.request.amount, True))
    return hexlify(answer).decode()

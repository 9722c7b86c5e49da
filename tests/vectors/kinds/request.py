"""Process a request at a payer."""

from binascii import hexlify, unhexlify

from jiaozi.wallet import payer


def run(vector, raw, book):
    order = payer.read_order(book, unhexlify(vector["certificate"]), raw)
    answer = payer.recall(book, order)
    if answer is None:
        payer.check(book, order, vector["amount"])
        answer = book.apply(payer.pay(book, order, vector["amount"], True))
    return {"answer": hexlify(answer).decode()}

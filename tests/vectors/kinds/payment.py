"""Process a payment at a payee."""

from binascii import hexlify, unhexlify

from jiaozi.wallet import payee


def run(vector, raw, book):
    request = vector["request"]
    attached = None if request is None else unhexlify(request)
    answer, step = payee.receive(book, unhexlify(vector["certificate"]), raw, attached)
    if step is not None:
        answer = book.apply(step)
    return {"answer": hexlify(answer).decode(), "credited": book.state.balance}

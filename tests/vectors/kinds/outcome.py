"""Process a receipt or a void at a payer."""

from binascii import hexlify

from jiaozi.wallet import payer
from jiaozi.wire import messages


def run(vector, raw, book):
    wanted = messages.Receipt if vector["kind"] == "receipt" else messages.Void
    step = payer.resolve(book, raw)
    if not isinstance(messages.read_outcome(raw, book.network), wanted):
        return {"kind": "the other one"}
    if step is not None:
        book.apply(step)
    return {"state": hexlify(book.state.encode()).decode()}

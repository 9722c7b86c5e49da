"""Process, at a wallet with purses, a settlement, a request, a payment or an outcome (`kind`).

confirmed: true if the user confirmed.
"""

from binascii import hexlify, unhexlify

from kinds.outcome import run as resolve
from kinds.payment import run as receive
from kinds.settlement import run as settle

from jiaozi.wallet import payer
from jiaozi.wire.errors import CONSENT_NEEDED, Refused


def run(vector, raw, book):
    found = {"request": pay, "payment": receive, "settlement": settle}
    answer = found.get(vector["kind"], resolve)(vector, raw, book)
    if "state" not in answer:
        answer["state"] = hexlify(book.state.encode()).decode()
    return answer


def pay(vector, raw, book):
    order = payer.read_order(book, unhexlify(vector["certificate"]), raw)
    amount = vector["amount"]
    payer.check(book, order, amount)
    if not vector["confirmed"] and payer.needs_consent(book, order, amount):
        raise Refused(CONSENT_NEEDED)
    answer = book.apply(payer.pay(book, order, amount, vector["confirmed"]))
    return {"answer": hexlify(answer).decode()}

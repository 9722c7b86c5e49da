"""Run the vectors of protocol/vectors, on CPython and on MicroPython alike.

    python tests/vectors/run.py protocol/vectors/*.json

Prints one line for each vector that comes out otherwise than it says, and a count at the end; the
exit status is 1 if there was any. A kind's function takes a vector, its input and the wallet of its
scene; it raises Refused, or returns fields as the vector should have them.
"""

import json
import sys
from binascii import hexlify, unhexlify

from _jzcbor import dumps
from jiaozi import certificates, cose, messages, payee, payer, rules
from jiaozi.book import Book
from jiaozi.errors import Refused

OK = 0x9000


class Memory:
    """A wallet's store, filled from a vector file's scene."""

    def __init__(self, scene):
        self.data = {int(key): unhexlify(value) for key, value in scene.items()}

    def get(self, key):
        return self.data.get(key)

    def keys(self):
        return list(self.data)

    def commit(self, changes):
        for key, value in changes.items():
            if value is None:
                self.data.pop(key, None)
            else:
                self.data[key] = value


def text(raw):
    """Bytes as vectors write them."""
    return hexlify(raw).decode()


def run_cbor(vector, raw, book):
    again = dumps(cose.decode(raw))
    return {"input": text(again)}


def run_cose(vector, raw, book):
    signed = cose.parse(vector["object"], raw, vector["network"])
    signed.verify(unhexlify(vector["public"]), unhexlify(vector["signer"]))
    return {"hash": text(signed.hash)}


def run_certificate(vector, raw, book):
    network = cose.TEST
    authority = certificates.read(cose.AUTHORITY, unhexlify(vector["authority"]), network)
    operators = [
        certificates.read(cose.OPERATOR, unhexlify(one), network) for one in vector["operators"]
    ]
    trust = certificates.Trust(authority, operators, network)
    wallet = trust.wallet(raw)
    trust.check_current(wallet, rules.read_epoch(unhexlify(vector["epoch"]), network))
    return {"input": text(wallet.raw)}


def run_request(vector, raw, book):
    order = payer.read_order(book, unhexlify(vector["certificate"]), raw)
    answer = payer.recall(book, order)
    if answer is None:
        payer.check(book, order, vector["amount"])
        answer = book.apply(payer.pay(book, order, vector["amount"], True))
    return {"answer": text(answer)}


def run_payment(vector, raw, book):
    request = vector["request"]
    attached = None if request is None else unhexlify(request)
    answer, step = payee.receive(book, unhexlify(vector["certificate"]), raw, attached)
    if step is not None:
        answer = book.apply(step)
    return {"answer": text(answer), "credited": book.state.balance}


def run_outcome(vector, raw, book):
    wanted = messages.Receipt if vector["kind"] == "receipt" else messages.Void
    step = payer.resolve(book, raw)
    if not isinstance(messages.read_outcome(raw, book.network), wanted):
        return {"kind": "the other one"}
    book.apply(step)
    return {"state": text(book.state.encode())}


KINDS = {
    "cbor": run_cbor,
    "cose": run_cose,
    "certificate": run_certificate,
    "request": run_request,
    "payment": run_payment,
    "receipt": run_outcome,
    "void": run_outcome,
}


def problem(vector, scenes):
    """What is wrong with how a vector comes out, None when nothing is."""
    scene = vector.get("scene")
    book = None if scene is None else Book(Memory(scenes[scene]))
    before = None if book is None else dict(book.store.data)
    found = {}
    try:
        found = KINDS[vector["kind"]](vector, unhexlify(vector["input"]), book)
        sw = OK
    except Refused as refused:
        sw = refused.sw
        if book is not None and book.store.data != before:
            return "refused, but the wallet has changed"
    if sw != int(vector["sw"], 16):
        return "{:04X} instead of {}".format(sw, vector["sw"])
    for name, value in found.items():
        if vector.get(name, value) != value:
            return "another " + name
    return None


def run(path):
    """Run one file; return how many vectors it has, and print and count those that fail."""
    with open(path) as file:
        content = json.load(file)
    failed = 0
    for vector in content["vectors"]:
        wrong = problem(vector, content["scenes"])
        if wrong is not None:
            failed += 1
            print("{} ({}): {}".format(vector["id"], vector["note"], wrong))
    return len(content["vectors"]), failed


def main(paths):
    results = [run(path) for path in paths]
    failed = sum(result[1] for result in results)
    print(f"{sum(result[0] for result in results)} vectors, {failed} failed")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Taps between two wallets in memory: whole, torn, repeated, hostile. For MicroPython and CPython.

    micropython tests/vectors/flow.py request.json payment.json SEED

The wallets are the scenes of these files of protocol/vectors. The invariants are checked after each
step; a failure raises.
"""

import json
import sys

from jiaozi.wallet import payee, payer
from jiaozi.wallet.book import Book
from jiaozi.wire import cose, messages
from jiaozi.wire.errors import Refused
from tests.vectors.check_vectors import Memory, read_scene

STEPS = 60
FLIPS = 3


class Numbers:
    """A pseudo-random generator (xorshift), identical on every interpreter."""

    def __init__(self, seed):
        self.state = seed & 0xFFFFFFFF or 1

    def below(self, limit):
        x = self.state
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        self.state = x
        return x % limit


def scene(path, name):
    with open(path) as file:
        return Memory(read_scene(json.load(file)["scenes"][name]))


class Pair:
    """A payer and a payee, restarted after each power cut."""

    def __init__(self, giver, taker):
        self.stores = giver, taker
        self.start()
        self.total = self.giver.state.balance + self.taker.state.balance

    def start(self):
        self.giver, self.taker = Book(self.stores[0]), Book(self.stores[1])

    def check(self):
        flying = 0
        for entry in self.giver.pending():
            outcome = self.taker.outcome(entry[2])
            if outcome is None or not messages.read_outcome(outcome, self.taker.network).credited:
                flying += sum(entry[6])
        held = self.giver.state.balance + self.taker.state.balance
        if held + flying != self.total:
            raise ValueError(f"{held} held and {flying} in flight of {self.total}")


def pay(pair, request, amount):
    order = payer.read_order(pair.giver, pair.taker.me.raw, request)
    stored = payer.recall(pair.giver, order)
    if stored is None:
        payer.check(pair.giver, order, amount)
        stored = pair.giver.apply(payer.pay(pair.giver, order, amount, True))
    return cose.decode(stored)[0]


def take(pair, payment, request):
    reply, step = payee.receive(pair.taker, pair.giver.me.raw, payment, request)
    return reply if step is None else pair.taker.apply(step)


def resolve(pair, outcome):
    step = payer.resolve(pair.giver, outcome)
    if step is not None:
        pair.giver.apply(step)


def refuse(numbers, call, raw):
    """Check that altered bytes raise Refused and no other exception."""
    for _ in range(FLIPS):
        changed = bytearray(raw)
        changed[numbers.below(len(raw))] ^= 1 << numbers.below(8)
        try:
            call(bytes(changed))
        except Refused:
            continue
        raise ValueError("changed bytes were taken")


def tap(pair, numbers, request, amount, cancelled):
    """Play one tap, torn at random steps and finished; send altered copies of messages first."""
    refuse(numbers, lambda raw: pay(pair, raw, amount), request)
    payment = pay(pair, request, amount)
    if cancelled:
        request_hash = messages.read_request(request, pair.taker.network).hash
        pair.taker.apply(payee.cancel(pair.taker, request_hash))
    for _ in range(1 + numbers.below(2)):
        pair.check()
        pair.start()
        if pay(pair, request, amount) != payment:
            raise ValueError("another payment for the same request")
    refuse(numbers, lambda raw: take(pair, raw, request), payment)
    outcome = take(pair, payment, request)
    for _ in range(1 + numbers.below(2)):
        pair.check()
        pair.start()
        if take(pair, payment, request) != outcome:
            raise ValueError("another outcome for the same payment")
    refuse(numbers, lambda raw: resolve(pair, raw), outcome)
    for _ in range(1 + numbers.below(2)):
        resolve(pair, outcome)
        pair.check()
        pair.start()
    return messages.read_outcome(outcome, pair.taker.network).credited


def main(requests, payments, seed):
    numbers = Numbers(int(seed))
    pair = Pair(scene(requests, "alice"), scene(payments, "bob"))
    for request_hash in list(pair.taker.open):
        pair.taker.apply(payee.cancel(pair.taker, request_hash))
    credited = voided = 0
    most = min(STEPS, pair.giver.policy.offline_count)
    while pair.giver.slots() >= 2 and credited + voided < most:
        amount = 1 + numbers.below(500)
        ceiling = 0 if numbers.below(2) else amount + numbers.below(9)
        request = pair.taker.apply(payee.request(pair.taker, 0 if ceiling else amount, ceiling))
        cancelled = numbers.below(4) == 0
        if tap(pair, numbers, request, amount, cancelled) == cancelled:
            raise ValueError("a cancelled request was credited, or another was not")
        credited += not cancelled
        voided += cancelled
    if pair.giver.unresolved() or pair.giver.state.sequence != credited + voided + 1:
        raise ValueError("something is left over")
    print(f"{credited} credited, {voided} voided")


if __name__ == "__main__":
    main(*sys.argv[1:])

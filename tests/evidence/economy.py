"""An economy: wallets of two operators, an account, and an operator that collects signed objects.

A history is a sequence of random steps. Every message is kept and may be delivered again, to any
wallet; taps tear, power fails, epochs pass, wallets sync at any time, or never.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from _jzcbor import dumps
from jiaozi.operator import evidence, issue, search
from jiaozi.wallet import book, install, payee, payer, settle
from jiaozi.wallet.store_keys import JOURNAL_KEY, SEED_KEY
from jiaozi.wire import certificates, messages
from jiaozi.wire.cose import WALLET, decode
from jiaozi.wire.epochs import Epoch, read_epoch
from jiaozi.wire.errors import Refused
from jiaozi.wire.journal import (
    CREDITED,
    KIND,
    OUTCOME_RAW,
    PAID,
    PAYMENT_HASH,
    PAYMENT_RAW,
    REQUEST_RAW,
    VOIDED,
)
from jiaozi.wire.policies import Policy, read_policy
from jiaozi.wire.settlements import MOST_CLOSED
from jiaozi.wire.statements import NONCE_LENGTH
from jiaozi.wire.trust import Trust
from tests.fixtures.wallets import Bank, MemoryStore, key_of, transfer

FIRST, SECOND = Bank(), Bank(name="second")
NETWORK = FIRST.network
AUTHORITY = FIRST.authority
OPERATORS = [FIRST.operator, SECOND.operator]
HOMES = {"alice": FIRST, "bob": FIRST, "carol": SECOND, "dave": SECOND}
ACCOUNT = "account"
START = 5_000
LIMITS: dict[str, Any] = {
    "balance_cap": 60_000,
    "single": 20_000,
    "unconfirmed_single": 1_500,
    "hops": 6,
}
LAST_EPOCH = 40


@cache
def epoch(number: int) -> bytes:
    """Return the epoch `number`, with both operators."""
    return FIRST.epoch(number, operators=[operator.hash for operator in OPERATORS])


def trust() -> Trust:
    """Return an operator's trust."""
    return Trust(AUTHORITY, OPERATORS, NETWORK)


def epochs() -> list[Epoch]:
    """Return all epochs of a history."""
    return [read_epoch(epoch(number), NETWORK) for number in range(1, LAST_EPOCH)]


def policies() -> list[Policy]:
    """Return the policies of both operators' wallets."""
    return [read_policy(bank.policy(**LIMITS), NETWORK) for bank in (FIRST, SECOND)]


class Recorder(MemoryStore):
    """A store that also keeps the whole journal, with settled and deleted entries."""

    def __init__(self) -> None:
        super().__init__()
        self.journal: list[bytes] = []

    def commit(self, changes: dict[int, bytes | None]) -> None:
        super().commit(changes)
        for key, value in sorted(changes.items()):
            if value is not None and key >= JOURNAL_KEY:
                del self.journal[key - JOURNAL_KEY :]
                self.journal.append(value)

    def copy(self) -> Recorder:
        other = Recorder()
        other.data, other.journal = dict(self.data), list(self.journal)
        return other


class Device:
    """A wallet's memory and key; a cheat may make two devices of one wallet."""

    def __init__(self, name: str, store: Recorder) -> None:
        self.name = name
        self.store = store
        self.retired = False  # its memory was rewritten: it syncs, but taps no more
        self.reopen()

    def reopen(self) -> None:
        """Lose power and start again."""
        self.book = book.Book(self.store)

    def clone(self) -> Device:
        return Device(self.name, self.store.copy())


def _new(
    name: str,
    bank: Bank,
    form: int,
    certificate: certificates.Certificate | None = None,
    **limits: Any,
) -> Recorder:
    store = Recorder()
    wallet = certificate or bank.certificate(name, form)
    package = issue.package(
        NETWORK,
        AUTHORITY.raw,
        [operator.raw for operator in OPERATORS],
        wallet.raw,
        bank.policy(**LIMITS | limits),
        epoch(1),
    )
    changes = install.install(package, key_of(name).public)
    changes[SEED_KEY] = key_of(name)._seed
    store.commit(changes)
    return store


def clone_of(device: Device) -> Device:
    """Make a wallet with a device's id and a key of its own, certified by the other operator."""
    bank = SECOND if device.book.operator.hash == FIRST.operator.hash else FIRST
    name, me = f"clone of {device.name}", device.book.me
    parts = (key_of(name).public, [certificates.CARD, *me.claims[1:]], bank.operator_key)
    certificate = certificates.issue(WALLET, me.id, *parts, bank.operator, NETWORK)
    made = Device(name, _new(name, bank, certificates.CARD, certificate))
    state = made.book.state.copy()
    state.credit(1, START)
    made.book.apply(book.Step(state))
    return made


@cache
def _beginning() -> dict[str, Recorder]:
    """Make the wallets, topped up once, that each history starts from."""
    large = dict.fromkeys(("single", "balance_cap", "unconfirmed_single", "offline_total"), 10**9)
    stores = {ACCOUNT: _new(ACCOUNT, FIRST, certificates.ACCOUNT, **large)}
    account = book.Book(stores[ACCOUNT])
    state = account.state.copy()
    state.credit(0, 10**6)
    account.apply(book.Step(state))
    for name, bank in HOMES.items():
        stores[name] = _new(name, bank, certificates.CARD)
        transfer(account, book.Book(stores[name]), START)
    return stores


class Paid(NamedTuple):
    """A payment that was made."""

    payer: Device
    payee: Device
    raw: bytes
    request: bytes


class Operator:
    """Collects statements and journals, its only source of payments and outcomes."""

    def __init__(self) -> None:
        self.collected: list[search.Journal] = []
        self.bytes: set[bytes] = set()  # every object that has reached the ledger
        self.payments: dict[bytes, tuple[bytes, bytes]] = {}  # hash: raw, request
        self.outcomes: dict[bytes, bytes] = {}
        self.shown: dict[bytes, set[bytes]] = {}
        self.floors: dict[bytes, int] = {}

    def collect(self, device: Device, rng: random.Random) -> None:
        """Ask for a statement and read the journal that it states."""
        me = device.book.me
        shown = self.shown.setdefault(me.hash, set())
        owed = []
        for payment_hash, (raw, _) in self.payments.items():
            signer = messages.read_payment(raw, NETWORK).signer
            if signer == me.hash and payment_hash not in shown:
                owed.append(evidence.digest(raw))
        salt = rng.randbytes(evidence.SALT_LENGTH)
        raw = settle.statement(device.book, evidence.question(salt, owed))
        entries = device.store.journal[: device.book.state.position]
        self.collected.append(search.Journal(me, raw, entries, NETWORK, salt, owed))
        self.floors[me.hash] = device.book.state.floor
        self.bytes.add(raw)
        for entry in entries:
            self._read(entry, shown)

    def _read(self, raw: bytes, shown: set[bytes]) -> None:
        if raw in self.bytes:
            return
        self.bytes.add(raw)
        entry = decode(raw)
        self.bytes.update(part for part in entry[3:] if type(part) is bytes)
        kind, payment_hash = entry[KIND], entry[PAYMENT_HASH]
        if kind in (PAID, CREDITED, VOIDED):
            self.payments[payment_hash] = (entry[PAYMENT_RAW], entry[REQUEST_RAW])
        if kind == PAID:
            shown.add(payment_hash)
        elif kind in (CREDITED, VOIDED):
            self.outcomes.setdefault(payment_hash, entry[OUTCOME_RAW])

    def closed(self, wallet: book.Book) -> list[bytes]:
        """Return a wallet's pending payments whose payees can no longer answer them."""
        found = []
        for entry in wallet.pending():
            request = messages.read_request(entry[REQUEST_RAW], NETWORK)
            passed = request.number < self.floors.get(request.signer, 0)
            if passed and entry[PAYMENT_HASH] not in self.outcomes:
                found.append(entry[PAYMENT_HASH])
        return found


class Economy:
    """The state of a history."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.devices = [Device(name, store.copy()) for name, store in _beginning().items()]
        self.operator = Operator()
        self.requests: list[tuple[Device, bytes]] = []
        self.payments: list[Paid] = []
        self.outcomes: list[tuple[Device, bytes]] = []
        self.epoch = 1
        self.steps: list[str] = []

    def device(self, *others: Device) -> Device:
        """Return a random device that still taps, of another wallet than `others`."""
        names = {other.name for other in others}
        fit = [one for one in self.devices if not one.retired and one.name not in names]
        return self.rng.choice(fit)

    # Taps ---------------------------------------------------------------------------------------

    def ask(self, taker: Device, amount: int, is_open: bool = False) -> bytes | None:
        try:
            step = payee.request(taker.book, *((0, amount) if is_open else (amount, 0)))
        except Refused:
            return None
        raw = taker.book.apply(step)
        self.requests.append((taker, raw))
        return raw

    def pay(self, giver: Device, taker: Device, request: bytes, entered: int) -> Paid | None:
        """Pay a request as the firmware does: an unfinished payment is repeated first."""
        wallet = giver.book
        order = payer.read_order(wallet, taker.book.me.raw, request)
        try:
            reply = payer.recall(wallet, order)
            unfinished = payer.unfinished(wallet, order.payee)
            if reply is None and unfinished is not None:
                reply = payer.resend(unfinished)
            if reply is None:
                amount = order.request.amount or entered
                payer.check(wallet, order, amount)
                asked = payer.needs_consent(wallet, order, amount) or self.rng.random() < 0.5
                reply = wallet.apply(payer.pay(wallet, order, amount, asked))
        except Refused:
            return None
        raw, *attached = decode(reply)
        paid = Paid(giver, taker, raw, attached[0] if attached else request)
        self.payments.append(paid)
        return paid

    def deliver(self, paid: Paid, to: Device | None = None, attached: bool = True) -> bytes | None:
        taker = to or paid.payee
        request = paid.request if attached else None
        try:
            reply, step = payee.receive(taker.book, paid.payer.book.me.raw, paid.raw, request)
        except Refused:
            return None
        outcome = taker.book.apply(step) if step is not None else reply or b""
        self.outcomes.append((paid.payer, outcome))
        return outcome

    def resolve(self, device: Device, outcome: bytes) -> bool:
        try:
            step = payer.resolve(device.book, outcome)
        except Refused:
            return False
        if step is not None:
            device.book.apply(step)
        return True

    def tap(self, giver: Device, taker: Device, amount: int, steps: int = 3) -> Paid | None:
        """Tap, ending after `steps` messages."""
        request = self.ask(taker, amount, self.rng.random() < 0.3)
        if request is None or steps == 0:
            return None
        paid = self.pay(giver, taker, request, self.rng.randint(1, amount))
        if paid is None or steps == 1:
            return paid
        outcome = self.deliver(paid)
        if outcome is not None and steps == 3:
            self.resolve(giver, outcome)
        return paid

    # Random steps ---------------------------------------------------------------------------------

    def random_tap(self) -> None:
        giver = self.device()
        taker = self.device(giver)
        self.tap(giver, taker, self.rng.randint(1, 4_000), self.rng.choice((0, 1, 2, 3, 3, 3)))

    def replay_request(self) -> None:
        if self.requests:
            taker, request = self.rng.choice(self.requests[-8:])
            if not taker.retired:
                self.pay(self.device(), taker, request, self.rng.randint(1, 4_000))

    def replay_payment(self) -> None:
        if self.payments:
            paid = self.rng.choice(self.payments[-8:])
            to = self.device() if self.rng.random() < 0.3 else paid.payee
            if not to.retired:
                self.deliver(paid, to, self.rng.random() < 0.7)

    def replay_outcome(self) -> None:
        if self.outcomes:
            device, outcome = self.rng.choice(self.outcomes[-8:])
            if self.rng.random() < 0.3:
                device = self.device()
            if not device.retired:
                self.resolve(device, outcome)

    def cancel(self) -> None:
        device = self.device()
        for request_hash in list(device.book.open)[:1]:
            device.book.apply(payee.cancel(device.book, request_hash))

    def power_cut(self) -> None:
        self.device().reopen()

    def torn_commit(self) -> None:
        """Sign a payment, but lose power before the commit: nothing is sent or stored."""
        giver = self.device()
        taker = self.device(giver)
        request = self.ask(taker, 100)
        if request is None:
            return
        order = payer.read_order(giver.book, taker.book.me.raw, request)
        if giver.book.state.balance >= 100:
            payer.pay(giver.book, order, 100, True)
            giver.reopen()

    def time_passes(self) -> None:
        self.epoch = min(self.epoch + self.rng.randint(1, 2), LAST_EPOCH - 1)

    def random_sync(self) -> None:
        self.sync(self.rng.choice(self.devices))

    def sync(self, device: Device) -> None:
        """Sync: update, collect, deliver pending messages, collect again, settle."""
        if device.retired:
            self.operator.collect(device, self.rng)
            return
        if self.rng.random() < 0.7:
            self._update(device)
        self.operator.collect(device, self.rng)
        self._deliver_due(device)
        for entry in device.book.pending():
            outcome = self.operator.outcomes.get(entry[PAYMENT_HASH])
            if outcome is not None:
                self.resolve(device, outcome)
        self.operator.collect(device, self.rng)
        if self.rng.random() < 0.7:
            self._settle(device)

    def _update(self, device: Device) -> None:
        operators = [operator.raw for operator in OPERATORS]
        raw = dumps([operators, device.book.policy.raw, epoch(self.epoch)])
        try:
            device.store.commit(install.update(device.book, raw))
        except Refused:
            return
        device.reopen()

    def _deliver_due(self, device: Device) -> None:
        """Deliver payments that the operator has from payers' journals only."""
        wallet = device.book
        for payment_hash, (raw, request_raw) in list(self.operator.payments.items()):
            if payment_hash in self.operator.outcomes:
                continue
            if messages.read_request(request_raw, NETWORK).signer != wallet.me.hash:
                continue
            signer = messages.read_payment(raw, NETWORK).signer
            payers = [one for one in self.devices if one.book.me.hash == signer]
            if payers:
                self.deliver(Paid(payers[0], device, raw, request_raw))

    def _settle(self, device: Device) -> None:
        wallet = device.book
        bank = next(bank for bank in (FIRST, SECOND) if bank.operator.hash == wallet.operator.hash)
        nonce = self.rng.randbytes(NONCE_LENGTH)
        closed = self.operator.closed(wallet)[:MOST_CLOSED]
        place = (wallet.me.hash, nonce, wallet.state.position, wallet.state.head)
        raw = issue.make_settlement(*place, bank.operator_key, bank.operator, NETWORK, closed)
        acknowledged = wallet.state.position
        changes = settle.settle(wallet, raw, nonce)
        while changes:
            device.store.commit(changes)
            device.reopen()
            changes = settle.forget(device.book, acknowledged)

    def steps_known(self) -> list[Callable[[], None]]:
        """Return the random steps, likely ones more than once."""
        return [
            *[self.random_tap] * 7,
            *[self.random_sync] * 3,
            *[self.replay_payment] * 2,
            *[self.replay_outcome] * 2,
            self.replay_request,
            self.cancel,
            self.power_cut,
            self.torn_commit,
            self.time_passes,
        ]

    def step(self) -> None:
        """Do one random step."""
        self.rng.choice(self.steps_known())()

"""What a thief does who has opened a wallet: it has the key, signs anything, rewrites memory.

Each cheat acts on a world and says what has to have reached the ledger for it to be named, and by
which kinds of proof.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from _jzcbor import dumps
from jiaozi.operator import evidence
from jiaozi.operator.audit import CREDIT_WITHOUT_DEBIT, FALSE_ENTRY, OVERDRAFT, chain
from jiaozi.wallet import book, payee
from jiaozi.wire import certificates, cose, messages
from jiaozi.wire.cose import decode
from jiaozi.wire.journal import (
    CREDITED,
    KIND,
    OUTCOME_RAW,
    PAID,
    PAYMENT_HASH,
    PAYMENT_RAW,
    PEER_RAW,
    REFUNDED,
    REQUEST_HASH,
    REQUEST_RAW,
    TAKEN,
)
from tests.evidence.world import NETWORK, Device, World
from tests.fixtures.wallets import Bank, key_of


class Cheat(NamedTuple):
    """A cheat done: whose, what tells that it touched the ledger, what proves it."""

    name: str
    device: Device
    touched: Callable[[], bool]
    kinds: tuple[int, ...]


class Maker:
    """Makes a device of a world cheat. Each method returns None when there was no occasion."""

    def __init__(self, world: World, device: Device) -> None:
        self.world = world
        self.device = device

    def _known(self, *objects: bytes) -> Callable[[], bool]:
        return lambda: self.world.operator.bytes.issuperset(objects)

    def _cheat(self, name: str, kinds: tuple[int, ...], *objects: bytes) -> Cheat:
        return Cheat(name, self.device, self._known(*objects), kinds)

    def _clone(self) -> Device:
        twin = self.device.clone()
        self.world.devices.append(twin)
        return twin

    # A copy of the memory -------------------------------------------------------------------------

    def pay_twice(self) -> Cheat | None:
        """Two copies of one memory pay with the same value."""
        world, twin = self.world, self._clone()
        amount = world.rng.randint(1, 500)
        first = world.tap(self.device, world.device(twin), amount, 3)
        second = world.tap(twin, world.device(twin), amount + 1, 3)
        if first is None or second is None or first.raw == second.raw:
            return None
        # A tap may have brought an older payment to its end instead.
        if _sequence(first.raw) != _sequence(second.raw):
            return None
        return self._cheat("pay twice", (evidence.FORKED_SEQUENCE,), first.raw, second.raw)

    def receive_twice(self) -> Cheat | None:
        """Two copies of one memory receive, each at the same place of its journal."""
        twin = self._clone()
        first, second = self._receive(self.device, 200), self._receive(twin, 300)
        if first is None or second is None or first == second:
            return None
        return self._cheat("receive twice", (evidence.FORKED_POSITION,), first, second)

    def _receive(self, device: Device, amount: int) -> bytes | None:
        """The receipt or void for a new payment to a device, given at the end of its journal."""
        world, before = self.world, device.book.state.position
        world.tap(world.device(device), device, amount, 3)
        if device.book.state.position == before:
            return None
        entry = decode(device.store.journal[before])
        return entry[OUTCOME_RAW] if entry[KIND] != PAID else None

    def hide_a_receipt(self) -> Cheat | None:
        """One copy receives and never syncs; the other goes on without."""
        world, twin = self.world, self._clone()
        world.devices.remove(twin)
        receipt = self._receive(twin, 200)
        if receipt is None:
            return None
        position = messages.read_outcome(receipt, NETWORK).position
        world.tap(self.device, world.device(self.device), 100, 3)
        me = self.device.book.me.hash

        def touched() -> bool:
            # The same payment may reach the other copy after all, which then signs the very same.
            journals = [one for one in world.operator.collected if one.wallet.hash == me]
            longer = [one.entries[position] for one in journals if len(one.entries) > position]
            hidden = any(receipt not in decode(entry) for entry in longer)
            return receipt in world.operator.bytes and hidden

        kinds = (evidence.OUTCOME_MISSING, evidence.FORKED_POSITION)
        return Cheat("hide a receipt", self.device, touched, kinds)

    def put_memory_back(self) -> Cheat | None:
        """Pay, then put the memory of before back: the debit is gone."""
        world = self.world
        image = self.device.store.copy()
        paid = world.tap(self.device, world.device(self.device), 150, world.rng.randint(1, 3))
        if paid is None or paid.raw in self._own_payments(image):
            return None
        self._restore(image)
        if world.rng.random() < 0.5:
            self.device.retired = True
        one, me = evidence.digest(paid.raw), self.device.book.me.hash
        payment = messages.read_payment(paid.raw, NETWORK)

        def touched() -> bool:
            for journal in world.operator.collected:
                shown = any(entry[38:70] == payment.hash for entry in journal.entries)
                if journal.wallet.hash == me and one in journal.digests and not shown:
                    return True
            return False

        # Once it pays again it has also used the number twice.
        return Cheat("put memory back", self.device, touched, (evidence.DEBIT_MISSING,))

    def _own_payments(self, store: book.Store) -> set[bytes]:
        return {entry[PAYMENT_RAW] for entry in book.Book(store).pending()}

    def _restore(self, image: object) -> None:
        self.device.store = image  # type: ignore[assignment]
        self.device.reopen()

    def rewrite_history(self) -> Cheat | None:
        """Show one journal, then one that went another way from before."""
        world = self.world
        image = self.device.store.copy()
        if world.tap(world.device(self.device), self.device, 120, 3) is None:
            return None
        world.operator.collect(self.device, world.rng)
        first = world.operator.collected[-1]
        self._restore(image)
        if world.tap(world.device(self.device), self.device, 130, 3) is None:
            return None
        world.operator.collect(self.device, world.rng)
        second = world.operator.collected[-1]
        if (
            second.heads[: len(first.heads)] == first.heads
            or first.heads[: len(second.heads)] == second.heads
        ):
            return None
        statements = (first.statement.raw, second.statement.raw)
        return self._cheat("rewrite history", (evidence.FORKED_JOURNAL,), *statements)

    # Signing what is not so -----------------------------------------------------------------------

    def receipt_and_void(self) -> Cheat | None:
        """Credit a payment, and give the payer a void for it."""
        world, me = self.world, self.device.book
        giver = world.device(self.device)
        paid = world.tap(giver, self.device, 90, 1)
        receipt = world.deliver(paid) if paid else None
        if paid is None or receipt is None or me.me.hash == giver.book.me.hash:
            return None
        outcome = messages.read_outcome(receipt, NETWORK)
        if not outcome.credited:
            return None
        position = outcome.position + world.rng.randint(0, 2)
        request_hash = messages.read_payment(paid.raw, NETWORK).request_hash
        body = [request_hash, outcome.payment_hash, position, outcome.epoch]
        void = cose.sign(cose.VOID, body, me.key, me.me.hash, NETWORK)
        world.resolve(giver, void.raw)
        kinds = (evidence.RECEIPT_AND_VOID,)
        return self._cheat("receipt and void", kinds, receipt, void.raw)

    def overdraw(self) -> Cheat | None:
        """Pay more than there is."""
        world, wallet = self.world, self.device.book
        journal, sequence = wallet.state.balance, wallet.state.sequence
        state = wallet.state.copy()
        state.credit(1, 3_000)
        wallet.apply(book.Step(state))
        taker = world.device(self.device)
        request = world.ask(taker, journal + 1)
        paid = world.pay(self.device, taker, request, 0) if request else None
        if paid is None or _sequence(paid.raw) != sequence:
            self.device.retired = True  # an older payment came first
            return None
        world.deliver(paid)
        return self._shown("overdraw", (OVERDRAFT,))

    def state_more(self) -> Cheat | None:
        """State a balance that the journal does not come to."""
        state = self.device.book.state.copy()
        state.credit(1, self.world.rng.randint(1, 1_000))
        self.device.book.apply(book.Step(state))
        return self._shown("state more", (evidence.FALSE_BALANCE,))

    # Journals that are not so ---------------------------------------------------------------------

    def drop_a_debit(self) -> Cheat | None:
        """Take a payment, and what resolved it, out of the journal; another one follows it."""
        world = self.world
        for _ in range(2):
            world.tap(self.device, world.device(self.device), 50, world.rng.randint(1, 3))
        entries = [decode(raw) for raw in self.device.store.journal]
        payments = [entry for entry in entries if entry[KIND] == PAID]
        if len(payments) < 2:
            return None
        gone = world.rng.choice(payments[:-1])[PAYMENT_HASH]
        left = [entry for entry in entries if entry[PAYMENT_HASH] != gone]
        self._rewrite(left)
        # Behind the gap, answers stand at other positions than they say.
        return self._shown("drop a debit", (FALSE_ENTRY, CREDIT_WITHOUT_DEBIT, OVERDRAFT))

    def lower_a_debit(self) -> Cheat | None:
        """Have the journal say that less was taken than was paid."""
        entries = [decode(raw) for raw in self.device.store.journal]
        for entry in entries:
            if entry[KIND] == PAID and sum(entry[TAKEN]) > 1:
                entry[TAKEN] = [sum(entry[TAKEN]) - 1]
                self._rewrite(entries)
                return self._shown("lower a debit", (FALSE_ENTRY,))
        return None

    def forge_a_credit(self) -> Cheat | None:
        """Credit a payment by a payer of one's own making."""
        bank = Bank(name=self.world.rng.choice(("operator", "second", "nobody")))
        ghost = "ghost"
        identity = hashlib.sha256(ghost.encode()).digest()[:8]
        claims = [certificates.CARD, 3, 0, 100]
        signer = key_of("forger")
        payer_ = certificates.issue(
            cose.WALLET, identity, key_of(ghost).public, claims, signer, bank.operator, NETWORK
        )
        request = self._own_request()
        body = [1, request.hash, request.amount, 0, 1, 1, 1]
        payment = cose.sign(
            cose.PAYMENT, body, key_of(ghost), payer_.hash, NETWORK, messages.Payment
        )
        return self._credit("forge a credit", payer_, payment, request)

    def steal_a_credit(self) -> Cheat | None:
        """Credit what somebody paid to somebody else."""
        for paid in reversed(self.world.payments):
            names = {paid.payer.name, paid.payee.name}
            if self.device.name not in names:
                payment = messages.read_payment(paid.raw, NETWORK)
                request = messages.read_request(paid.request, NETWORK)
                return self._credit("steal a credit", paid.payer.book.me, payment, request)
        return None

    def credit_again(self) -> Cheat | None:
        """Credit a payment once more, with another receipt."""
        entries = [decode(raw) for raw in self.device.store.journal]
        entry = next((one for one in entries if one[KIND] == CREDITED), None)
        if entry is None:
            return None
        payer_ = certificates.read(cose.WALLET, entry[PEER_RAW], NETWORK)
        payment = messages.read_payment(entry[PAYMENT_RAW], NETWORK)
        request = messages.read_request(entry[REQUEST_RAW], NETWORK)
        return self._credit("credit again", payer_, payment, request)

    def refund_oneself(self) -> Cheat | None:
        """Write a refund with a void of one's own, or the same refund twice."""
        wallet = self.device.book
        entries = [decode(raw) for raw in self.device.store.journal]
        refunds = [entry for entry in entries if entry[KIND] == REFUNDED]
        payments = [entry for entry in entries if entry[KIND] == PAID]
        if refunds and self.world.rng.random() < 0.5:
            entry = refunds[0]
        elif payments:
            paid = payments[-1]
            body = [paid[REQUEST_HASH], paid[PAYMENT_HASH], 1, 1]
            void = cose.sign(cose.VOID, body, wallet.key, wallet.me.hash, NETWORK)
            entry = [REFUNDED, *paid[1:3], void.raw]
        else:
            return None
        state = wallet.state.copy()
        state.credit(1, 10)
        wallet.apply(book.Step(state, entry=entry))
        return self._shown("refund oneself", (CREDIT_WITHOUT_DEBIT,))

    def _own_request(self) -> messages.Request:
        wallet = self.device.book
        body = [900, 77, 0, "CNY", [0], 50]
        return cose.sign(cose.REQUEST, body, wallet.key, wallet.me.hash, NETWORK, messages.Request)

    def _credit(
        self,
        name: str,
        payer_: certificates.Certificate,
        payment: messages.Payment,
        request: messages.Request,
    ) -> Cheat:
        wallet = self.device.book
        wallet.apply(payee._credit(wallet, payment, request, payer_))
        return self._shown(name, (CREDIT_WITHOUT_DEBIT,))

    def _rewrite(self, entries: list[list]) -> None:
        """Make these entries the journal, with the balance that fits them."""
        journal = [dumps(entry) for entry in entries]
        state = self.device.book.state.copy()
        state.position, state.head = len(journal), chain(journal)
        self.device.store.journal = journal
        self.device.book.apply(book.Step(state))

    def _shown(self, name: str, kinds: tuple[int, ...]) -> Cheat:
        """A cheat that its own journal tells of, from the next sync on."""
        self.device.retired = True
        before = len(self.world.operator.collected)
        me = self.device.book.me.hash

        def touched() -> bool:
            new = self.world.operator.collected[before:]
            return any(one.wallet.hash == me and one.entries == journal for one in new)

        journal = list(self.device.store.journal)
        return Cheat(name, self.device, touched, kinds)


def _sequence(payment: bytes) -> int:
    return messages.read_payment(payment, NETWORK).sequence


Kind = Callable[[Maker], Cheat | None]
ALL: tuple[Kind, ...] = (
    Maker.pay_twice,
    Maker.receive_twice,
    Maker.hide_a_receipt,
    Maker.put_memory_back,
    Maker.rewrite_history,
    Maker.receipt_and_void,
    Maker.overdraw,
    Maker.state_more,
    Maker.drop_a_debit,
    Maker.lower_a_debit,
    Maker.forge_a_credit,
    Maker.steal_a_credit,
    Maker.credit_again,
    Maker.refund_oneself,
)

"""Cheats by the owner of an opened wallet, who has its key, signs anything and rewrites memory.

Each cheat acts on an economy. It says which objects in the ledger make it provable, and by which
kinds of proof.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from _jzcbor import dumps
from jiaozi.operator import evidence
from jiaozi.operator.audit import (
    CREDIT_WITHOUT_DEBIT,
    FALSE_ENTRY,
    OVER_LIMITS,
    OVERDRAFT,
    chain,
)
from jiaozi.wallet import book, payee, payer
from jiaozi.wire import certificates, cose, messages
from jiaozi.wire.cose import decode
from jiaozi.wire.journal import (
    CREDITED,
    KIND,
    MOST_VOIDS_A_PAYER,
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
from tests.evidence.economy import LIMITS, NETWORK, Device, Economy, Paid, clone_of
from tests.fixtures.wallets import Bank, key_of


class Cheat(NamedTuple):
    """A cheat that was done.

    device: whose; touched: returns True if the ledger has enough to prove it; kinds: of proof.
    """

    name: str
    device: Device
    touched: Callable[[], bool]
    kinds: tuple[int, ...]


class Cheater:
    """Cheats with a device of an economy. Each method returns None if it was not possible."""

    def __init__(self, economy: Economy, device: Device) -> None:
        self.economy = economy
        self.device = device

    def _known(self, *objects: bytes) -> Callable[[], bool]:
        return lambda: self.economy.operator.bytes.issuperset(objects)

    def _cheat(self, name: str, kinds: tuple[int, ...], *objects: bytes) -> Cheat:
        return Cheat(name, self.device, self._known(*objects), kinds)

    def _clone(self) -> Device:
        twin = self.device.clone()
        self.economy.devices.append(twin)
        return twin

    # A copy of the memory -------------------------------------------------------------------------

    def pay_twice(self) -> Cheat | None:
        """Pay with the same value from two copies of one memory."""
        economy, twin = self.economy, self._clone()
        amount = economy.rng.randint(1, 500)
        first = economy.tap(self.device, economy.device(twin), amount, 3)
        second = economy.tap(twin, economy.device(twin), amount + 1, 3)
        if first is None or second is None or first.raw == second.raw:
            return None
        # A tap may have completed an older payment instead.
        if _sequence(first.raw) != _sequence(second.raw):
            return None
        return self._cheat("pay twice", (evidence.FORKED_SEQUENCE,), first.raw, second.raw)

    def wear_an_id(self) -> Cheat | None:
        """Pay twice with a wallet that a corrupt operator certified under an honest wallet's id."""
        clone = clone_of(self.economy.device(self.device))
        self.economy.devices.append(clone)
        cheat = Cheater(self.economy, clone).pay_twice()
        # It holds more than its journal, so it is a cheat even if it could not pay twice.
        return cheat._replace(name="wear an id") if cheat else self._unseen(clone)

    def _unseen(self, device: Device) -> Cheat:
        return Cheat("wear an id", device, lambda: False, ())

    def receive_twice(self) -> Cheat | None:
        """Receive with two copies of one memory, at the same position of their journals."""
        twin = self._clone()
        first, second = self._receive(self.device, 200), self._receive(twin, 300)
        if first is None or second is None or first == second:
            return None
        return self._cheat("receive twice", (evidence.FORKED_POSITION,), first, second)

    def _receive(self, device: Device, amount: int) -> bytes | None:
        """Pay a device; return the receipt or void that it appends to its journal, if any."""
        economy, before = self.economy, device.book.state.position
        economy.tap(economy.device(device), device, amount, 3)
        if device.book.state.position == before:
            return None
        entry = decode(device.store.journal[before])
        return entry[OUTCOME_RAW] if entry[KIND] != PAID else None

    def hide_a_receipt(self) -> Cheat | None:
        """Receive with one copy, which never syncs, and go on with the other."""
        economy, twin = self.economy, self._clone()
        economy.devices.remove(twin)
        receipt = self._receive(twin, 200)
        if receipt is None:
            return None
        position = messages.read_outcome(receipt, NETWORK).position
        economy.tap(self.device, economy.device(self.device), 100, 3)
        me = self.device.book.me.hash

        def touched() -> bool:
            # The same payment may reach the other copy too, which then signs the same receipt.
            journals = [one for one in economy.operator.collected if one.wallet.hash == me]
            longer = [one.entries[position] for one in journals if len(one.entries) > position]
            hidden = any(receipt not in decode(entry) for entry in longer)
            return receipt in economy.operator.bytes and hidden

        kinds = (evidence.OUTCOME_MISSING, evidence.FORKED_POSITION)
        return Cheat("hide a receipt", self.device, touched, kinds)

    def put_memory_back(self) -> Cheat | None:
        """Pay, then restore the memory from before: the debit is gone."""
        economy = self.economy
        image = self.device.store.copy()
        paid = economy.tap(self.device, economy.device(self.device), 150, economy.rng.randint(1, 3))
        if paid is None or paid.raw in self._own_payments(image):
            return None
        self._restore(image)
        if economy.rng.random() < 0.5:
            self.device.retired = True
        one, me = evidence.digest(paid.raw), self.device.book.me.hash
        payment = messages.read_payment(paid.raw, NETWORK)

        def touched() -> bool:
            for journal in economy.operator.collected:
                shown = any(entry[38:70] == payment.hash for entry in journal.entries)
                if journal.wallet.hash == me and one in journal.digests and not shown:
                    return True
            return False

        # When it pays again, it also uses the number twice.
        return Cheat("put memory back", self.device, touched, (evidence.DEBIT_MISSING,))

    def _own_payments(self, store: book.Store) -> set[bytes]:
        return {entry[PAYMENT_RAW] for entry in book.Book(store).pending()}

    def _restore(self, image: object) -> None:
        self.device.store = image  # type: ignore[assignment]
        self.device.reopen()

    def rewrite_history(self) -> Cheat | None:
        """Show one journal, then another that forks from an earlier position."""
        economy = self.economy
        image = self.device.store.copy()
        if economy.tap(economy.device(self.device), self.device, 120, 3) is None:
            return None
        economy.operator.collect(self.device, economy.rng)
        first = economy.operator.collected[-1]
        self._restore(image)
        if economy.tap(economy.device(self.device), self.device, 130, 3) is None:
            return None
        economy.operator.collect(self.device, economy.rng)
        second = economy.operator.collected[-1]
        if (
            second.heads[: len(first.heads)] == first.heads
            or first.heads[: len(second.heads)] == second.heads
        ):
            return None
        statements = (first.statement.raw, second.statement.raw)
        return self._cheat("rewrite history", (evidence.FORKED_JOURNAL,), *statements)

    # Signing what is false ------------------------------------------------------------------------

    def receipt_and_void(self) -> Cheat | None:
        """Credit a payment, and give the payer a void for it."""
        economy, me = self.economy, self.device.book
        giver = economy.device(self.device)
        paid = economy.tap(giver, self.device, 90, 1)
        receipt = economy.deliver(paid) if paid else None
        if paid is None or receipt is None or me.me.hash == giver.book.me.hash:
            return None
        outcome = messages.read_outcome(receipt, NETWORK)
        if not outcome.credited:
            return None
        position = outcome.position + economy.rng.randint(0, 2)
        request_hash = messages.read_payment(paid.raw, NETWORK).request_hash
        body = [request_hash, outcome.payment_hash, position, outcome.epoch]
        void = cose.sign(cose.VOID, body, me.key, me.me.hash, NETWORK)
        economy.resolve(giver, void.raw)
        kinds = (evidence.RECEIPT_AND_VOID,)
        return self._cheat("receipt and void", kinds, receipt, void.raw)

    def overdraw(self) -> Cheat | None:
        """Pay more than the balance."""
        economy, wallet = self.economy, self.device.book
        journal, sequence = wallet.state.balance, wallet.state.sequence
        state = wallet.state.copy()
        state.credit(1, 3_000)
        wallet.apply(book.Step(state))
        taker = economy.device(self.device)
        request = economy.ask(taker, journal + 1)
        paid = economy.pay(self.device, taker, request, 0) if request else None
        if paid is None or _sequence(paid.raw) != sequence:
            self.device.retired = True  # an older payment came first
            return None
        economy.deliver(paid)
        return self._shown("overdraw", (OVERDRAFT,))

    def state_more(self) -> Cheat | None:
        """State a balance above the journal's sum."""
        state = self.device.book.state.copy()
        state.credit(1, self.economy.rng.randint(1, 1_000))
        self.device.book.apply(book.Step(state))
        return self._shown("state more", (evidence.FALSE_BALANCE,))

    def void_amiss(self) -> Cheat | None:
        """Void a payment in a way that its payer refuses: the void names another request."""
        economy, wallet = self.economy, self.device.book
        paid = economy.tap(economy.device(self.device), self.device, 90, 1)
        if paid is None:
            return None
        payment = messages.read_payment(paid.raw, NETWORK)
        request = messages.read_request(paid.request, NETWORK)
        if request.signer != wallet.me.hash or wallet.outcome(payment.hash) is not None:
            return None  # an older payment came first
        payer_ = paid.payer.book.me
        step = payee._void(wallet, payment, request, payer_, None)
        body = [bytes(32), *cose.body_of(step.reply)[1:]]
        void = cose.sign(cose.VOID, body, wallet.key, wallet.me.hash, NETWORK).raw
        step.entry[-1] = void
        wallet.apply(step)
        return self._shown("void amiss", (FALSE_ENTRY,))

    # False journals -------------------------------------------------------------------------------

    def drop_a_debit(self) -> Cheat | None:
        """Remove a payment and its resolution from the journal, before a later payment."""
        economy = self.economy
        for _ in range(2):
            economy.tap(self.device, economy.device(self.device), 50, economy.rng.randint(1, 3))
        entries = [decode(raw) for raw in self.device.store.journal]
        payments = [entry for entry in entries if entry[KIND] == PAID]
        if len(payments) < 2:
            return None
        gone = economy.rng.choice(payments[:-1])[PAYMENT_HASH]
        left = [entry for entry in entries if entry[PAYMENT_HASH] != gone]
        self._rewrite(left)
        # After the gap, receipts are not at the positions that they name.
        return self._shown("drop a debit", (FALSE_ENTRY, CREDIT_WITHOUT_DEBIT, OVERDRAFT))

    def lower_a_debit(self) -> Cheat | None:
        """Journal a smaller debit than was paid."""
        entries = [decode(raw) for raw in self.device.store.journal]
        for entry in entries:
            if entry[KIND] == PAID and sum(entry[TAKEN]) > 1:
                entry[TAKEN] = [sum(entry[TAKEN]) - 1]
                self._rewrite(entries)
                return self._shown("lower a debit", (FALSE_ENTRY,))
        return None

    def pay_over_limits(self) -> Cheat | None:
        """Pay without the confirmation that the policy wants."""
        economy, wallet = self.economy, self.device.book
        taker, amount = economy.device(self.device), LIMITS["unconfirmed_single"] + 1
        if amount > min(wallet.state.balance, wallet.state.held(0)):
            return None
        order = self._order(taker, amount)
        if order is None:
            return None
        wallet.apply(payer.pay(wallet, order, amount, False))
        return self._shown("pay over limits", (OVER_LIMITS,))

    def pay_another_amount(self) -> Cheat | None:
        """Pay less than was asked for, to take a slot of the payee's journal."""
        wallet = self.device.book
        taker = self.economy.device(self.device)
        order = self._order(taker, 90)
        if order is None or wallet.state.balance < 90:
            return None
        order.request.amount = 89
        step = payer.pay(wallet, order, 89, True)
        payment = decode(wallet.apply(step))[0]
        self.economy.deliver(Paid(self.device, taker, payment, order.request.raw))
        return self._shown("pay another amount", (FALSE_ENTRY,))

    def _order(self, taker: Device, amount: int) -> payer.Order | None:
        """A request of another wallet that the device has not paid."""
        request = self.economy.ask(taker, amount)
        wallet = self.device.book
        return None if request is None else payer.read_order(wallet, taker.book.me.raw, request)

    def void_too_often(self) -> Cheat:
        """Void a third payment of one payer for one request."""
        wallet, name = self.device.book, f"payer of {self.device.name}"
        ghost = Bank().certificate(name)
        request = self._own_request()
        for number in range(MOST_VOIDS_A_PAYER + 1):
            body = [number + 1, request.hash, request.amount, 0, 1, 1, 1]
            payment = cose.sign(
                cose.PAYMENT, body, key_of(name), ghost.hash, NETWORK, messages.Payment
            )
            wallet.apply(payee._void(wallet, payment, request, ghost, None))
        return self._shown("void too often", (FALSE_ENTRY,))

    def forge_a_credit(self) -> Cheat | None:
        """Credit a payment by a forged payer."""
        bank = Bank(name=self.economy.rng.choice(("operator", "second", "nobody")))
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
        """Credit a payment between two other wallets."""
        for paid in reversed(self.economy.payments):
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
        """Journal a refund with a self-signed void, or the same refund twice."""
        wallet = self.device.book
        entries = [decode(raw) for raw in self.device.store.journal]
        refunds = [entry for entry in entries if entry[KIND] == REFUNDED]
        payments = [entry for entry in entries if entry[KIND] == PAID]
        if refunds and self.economy.rng.random() < 0.5:
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
        """Replace the journal, and the state's position and head to match."""
        journal = [dumps(entry) for entry in entries]
        state = self.device.book.state.copy()
        state.position, state.head = len(journal), chain(journal)
        self.device.store.journal = journal
        self.device.book.apply(book.Step(state))

    def _shown(self, name: str, kinds: tuple[int, ...]) -> Cheat:
        """Return a cheat that its own journal proves, from the next sync on."""
        self.device.retired = True
        before = len(self.economy.operator.collected)
        me = self.device.book.me.hash

        def touched() -> bool:
            new = self.economy.operator.collected[before:]
            return any(one.wallet.hash == me and one.entries == journal for one in new)

        journal = list(self.device.store.journal)
        return Cheat(name, self.device, touched, kinds)


def _sequence(payment: bytes) -> int:
    return messages.read_payment(payment, NETWORK).sequence


Kind = Callable[[Cheater], Cheat | None]
ALL: tuple[Kind, ...] = (
    Cheater.pay_twice,
    Cheater.wear_an_id,
    Cheater.receive_twice,
    Cheater.hide_a_receipt,
    Cheater.put_memory_back,
    Cheater.rewrite_history,
    Cheater.receipt_and_void,
    Cheater.void_amiss,
    Cheater.overdraw,
    Cheater.state_more,
    Cheater.drop_a_debit,
    Cheater.lower_a_debit,
    Cheater.pay_over_limits,
    Cheater.pay_another_amount,
    Cheater.void_too_often,
    Cheater.forge_a_credit,
    Cheater.steal_a_credit,
    Cheater.credit_again,
    Cheater.refund_oneself,
)

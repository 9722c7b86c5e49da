"""The operator's account: a wallet (`jiaozi.wallet.book`) that is stored in the ledger's database.

It pays top-ups and receives cash-outs by the rules of every wallet, and its journal is posted like
any other, from a statement it signs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from _jzcbor import dumps
from jiaozi.wallet import install, payee, settle
from jiaozi.wallet.book import JOURNAL_LIMIT, MOST_VOIDS, OPEN_LIMIT, Book, Step
from jiaozi.wallet.store_keys import NETWORK_KEY, SEED_KEY, STATE_KEY
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.errors import OVER_BALANCE, OVER_CAP, Refused
from jiaozi.wire.journal import REFUNDED, RESOLVED, TAKEN
from jiaozi.wire.messages import Request, read_request
from jiaozi.wire.statements import NONCE_LENGTH
from jiaozi_host.errors import LedgerError
from jiaozi_host.ledger import deliveries, tables
from jiaozi_host.ledger.checks import Posting
from jiaozi_host.ledger.ledger import Ledger
from jiaozi_host.vault import Operator


class AccountStore:
    """The store of `jiaozi.wallet.book` in a table; the account's key comes from the vault.

    Records are read once, when the store is opened. A commit fails if another process has changed
    the account's state since.
    """

    def __init__(self, ledger: Ledger, seed: bytes) -> None:
        self._ledger = ledger
        self._joined: list[Callable[[Session], None]] = []
        with ledger.transaction() as session:
            records = session.scalars(select(tables.AccountRecord)).all()
        self._data = {record.key: record.value for record in records}
        self._seed = seed

    def get(self, key: int) -> bytes | None:
        """Return the value of a key, or None."""
        return self._seed if key == SEED_KEY else self._data.get(key)

    def keys(self) -> Iterable[int]:
        """Return all keys."""
        return list(self._data)

    def commit_with(self, change: Callable[[Session], None]) -> None:
        """Run a change of the ledger in the transaction of the next commit."""
        self._joined.append(change)

    def commit(self, changes: dict[int, bytes | None]) -> None:
        """Write all changes or none. Raises LedgerError if another process changed the state."""
        joined, self._joined = self._joined, []
        table = tables.AccountRecord
        with self._ledger.transaction() as session:
            stored = session.get(table, STATE_KEY, with_for_update=True)
            if (stored.value if stored else None) != self._data.get(STATE_KEY):
                raise LedgerError(
                    "another process changed the operator's account; nothing was committed",
                    "run the command again",
                )
            for key, value in changes.items():
                if value is None:
                    session.execute(delete(table).where(table.key == key))
                else:
                    session.merge(table(key=key, value=value))
            for change in joined:
                change(session)
        for key, value in changes.items():
            if value is None:
                self._data.pop(key, None)
            else:
                self._data[key] = value

    def holds(self, lengths: Iterable[int]) -> bool:
        """Return True: a database has room for any records."""
        return True


class Account(Book):
    """The operator's account: a wallet without the limits of a device's memory."""

    def __init__(self, store: AccountStore, ledger: Ledger, operator: Operator) -> None:
        super().__init__(store)
        self._records = store
        self._ledger = ledger
        self._operator = operator

    def slots(self) -> int:
        """Return the free places in the journal: always the most there can be."""
        return JOURNAL_LIMIT

    def free_voids(self) -> int:
        """Return the voids that may still be given: always the most there can be."""
        return MOST_VOIDS

    # Value --------------------------------------------------------------------------------------

    def issue(self, amount: int) -> None:
        """Add value issued by the authority, in minor units. Raises Refused(OVER_CAP)."""
        if self.state.balance + self.reserved + amount > self.policy.balance_cap:
            raise Refused(OVER_CAP)
        self._issue(amount)

    def redeem(self, amount: int) -> None:
        """Remove value redeemed to the authority. Raises Refused(OVER_BALANCE)."""
        if amount > self.state.balance:
            raise Refused(OVER_BALANCE)
        self._issue(-amount)

    def _issue(self, amount: int) -> None:
        state = self.state.copy()
        state.levels = [state.balance + amount]

        def note(session: Session) -> None:
            session.add(tables.Issuance(amount=amount))
            row = session.get_one(tables.Wallet, self.me.id)
            row.balance += amount

        self._records.commit_with(note)
        self.apply(Step(state))

    def receive(self, payer_raw: bytes, payment: bytes, request: bytes | None = None) -> bytes:
        """Credit or void a payment; return the committed receipt or void. Raises Refused.

        payer_raw: the payer's certificate; request: given when the account may no longer hold it.
        """
        stored, step = payee.receive(self, payer_raw, payment, request)
        if step is None:
            return stored or b""
        return bytes(self.apply(step))

    def request_from(self, wallet: Certificate, amount: int) -> Request:
        """Return the open request for a wallet's cash-out of `amount`, or make one.

        An open request to the wallet for another amount is cancelled, and the oldest of all when
        too many are open. A payment for a cancelled request is voided and thereby refunded.
        Raises Refused.
        """
        table = tables.CounterTransfer
        with self._ledger.transaction() as session:
            rows = session.scalars(select(table).where(table.wallet == wallet.hash)).all()
        for row in rows:
            request = self.open.get(row.request_hash)
            if request is None:
                continue
            if row.amount == amount and request.expiry >= self.epoch.number:
                return request
            self.apply(payee.cancel(self, request.hash))
        while len(self.open) >= OPEN_LIMIT:
            oldest = min(self.open.values(), key=lambda request: request.number)
            self.apply(payee.cancel(self, oldest.hash))
        step = payee.request(self, amount)
        raised = read_request(step.reply, self.network)
        self.begin_transfer(raised.hash, wallet, amount)
        self.apply(step)
        return raised

    # The counter --------------------------------------------------------------------------------

    def begin_transfer(self, request_hash: bytes, wallet: Certificate, amount: int) -> None:
        """Record a cash-out or top-up in the transaction of the account's next commit."""
        row = tables.CounterTransfer(request_hash=request_hash, wallet=wallet.hash, amount=amount)
        self._records.commit_with(lambda session: session.add(row))

    def acknowledge(self, request_hash: bytes) -> None:
        """Note that the counter has been shown the outcome of a cash-out or top-up."""
        with self._ledger.transaction() as session:
            row = session.get(tables.CounterTransfer, request_hash)
            if row is not None:
                row.acknowledged = True

    def unacknowledged_cash_outs(self, wallet: Certificate) -> list[tables.Payment]:
        """Return cash-outs the account has answered and the counter has not acknowledged."""
        return self._unacknowledged(tables.Payment.payer, wallet)

    def unacknowledged_top_ups(self, wallet: Certificate) -> list[tables.Payment]:
        """Return top-ups the wallet has answered and the counter has not acknowledged."""
        return self._unacknowledged(tables.Payment.payee, wallet)

    def _unacknowledged(self, party: Any, wallet: Certificate) -> list[tables.Payment]:
        """Return payments with an outcome, between the account and any key of a wallet."""
        table, row = tables.CounterTransfer, tables.Payment
        hashes = self._ledger.hashes_of(wallet)
        wanted = (
            select(row)
            .join(table, table.request_hash == row.request_hash)
            .where(
                party.in_(hashes),
                table.acknowledged.is_(False),
                row.outcome.is_not(None),
                row.refunds == 0,
            )
        )
        with self._ledger.transaction() as session:
            return list(session.scalars(wanted.order_by(row.sequence)))

    def is_resolved(self, payment: tables.Payment) -> bool:
        """True if the posted journal of the payer shows the outcome of its payment."""
        table = tables.Entry
        resolved = select(table.position).where(
            table.payment_hash == payment.hash, table.kind.in_((RESOLVED, REFUNDED))
        )
        with self._ledger.transaction() as session:
            return session.scalar(resolved.limit(1)) is not None

    # Ledger -------------------------------------------------------------------------------------

    def post(self) -> Posting:
        """Post the account's journal to the ledger if it has new entries or a new balance."""
        row = self._ledger.wallet(self.me.id)
        if (row.head, row.balance) == (self.state.head, self.state.balance):
            return Posting()
        trust = self._operator.published.trust
        question = self._ledger.make_question(self.me.id)
        raw = settle.statement(self, question.nonce)
        statement = self._ledger.read_statement(question, raw, trust)
        entries = [self.entry(at) for at in range(question.position, statement.position)]
        return self._ledger.post(question, statement, [e for e in entries if e is not None], trust)

    def settle(self) -> None:
        """Reset the offline counters. Entries are kept: a database has room for them."""
        state = self.state.copy()
        state.synced_epoch = self.epoch.number
        state.restart_counters(state.position)
        self.apply(Step(state))

    def refund(self, payment: tables.Payment) -> None:
        """Refund a payment that its payee has closed; do nothing if it has an outcome."""
        paid = self.paid(payment.request_hash)
        if paid is None or self.resolution(payment.hash) is not None:
            return
        nonce = os.urandom(NONCE_LENGTH)
        state = self.state.copy()
        state.refund(paid[TAKEN])
        settlement = self._operator.settlement(
            self.me, nonce, state.position, state.head, [payment.hash]
        )
        entry = [REFUNDED, payment.request_hash, payment.hash, settlement]
        self.apply(Step(state, entry=entry))


def open_account(ledger: Ledger, operator: Operator) -> Account:
    """Open the operator's account, up to date: journal posted, refunds made, rules renewed.

    It is created at first use. Raises LedgerError when the ledger belongs to another operator, or
    the account has findings.
    """
    store = AccountStore(ledger, operator.account_seed)
    wallet = operator.account
    if store.get(NETWORK_KEY) is None:
        if ledger.wallet_of_key(wallet.public) is None:
            ledger.register(wallet, tables.INSTALLED)
        store.commit(install.install(operator.package(wallet), wallet.public))
    account = Account(store, ledger, operator)
    if account.me.hash != wallet.hash:
        raise LedgerError(
            "this ledger belongs to another operator; nothing was changed", "check --home"
        )
    posted = account.post()
    blamed = ledger.unsettling(wallet.id, posted.findings)
    if blamed:
        detail = blamed[0].detail
        raise LedgerError(
            f"the operator's account does not add up: {detail}",
            "stop trading and look at the findings: jiaozi ledger show",
        )
    deliveries.hold_overdue(ledger, operator.published.epoch.number, operator.network)
    for payment in deliveries.refunds_due(ledger, wallet):
        account.refund(payment)
    account.post()
    published = operator.published
    if account.epoch.raw != published.epoch.raw or account.state.offline_count:
        rules = _rules(operator, wallet.tier)
        store.commit(install.update(account, rules))
        account = Account(store, ledger, operator)
        account.settle()
    return account


def _rules(operator: Operator, tier: int) -> bytes:
    return bytes(dumps([operator.operators, operator.policy(tier), operator.published.epoch.raw]))

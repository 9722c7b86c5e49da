"""The operator's own account: a wallet (`jiaozi.wallet.book`) whose store is the ledger's database.

It pays top-ups and receives what is cashed out, by the same rules as every wallet. Its journal is
posted like theirs, from its own statement.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from _jzcbor import dumps
from jiaozi.wallet import install, payee, settle
from jiaozi.wallet.book import JOURNAL_LIMIT, OPEN_LIMIT, Book, Step
from jiaozi.wallet.store_keys import NETWORK_KEY, SEED_KEY, STATE_KEY
from jiaozi.wire.errors import OVER_BALANCE, OVER_CAP, Refused
from jiaozi.wire.journal import REFUNDED, RESOLVED, TAKEN
from jiaozi.wire.messages import Request, read_request
from jiaozi.wire.statements import NONCE_LENGTH
from jiaozi_host.errors import LedgerError
from jiaozi_host.ledger import Ledger, tables
from jiaozi_host.ledger.posting import Posting
from jiaozi_host.vault import Operator


class AccountStore:
    """The store's interface over a table. The key is not in it: the vault keeps that, encrypted.

    What is read is what was there when the store was opened; a commit fails when another process
    has changed the state since.
    """

    def __init__(self, ledger: Ledger, seed: bytes) -> None:
        self._ledger = ledger
        self._beside: list[Callable[[Session], None]] = []
        with ledger.transaction() as session:
            records = session.scalars(select(tables.AccountRecord)).all()
        self._data = {record.key: record.value for record in records}
        self._seed = seed

    def get(self, key: int) -> bytes | None:
        """The value of a key, None without."""
        return self._seed if key == SEED_KEY else self._data.get(key)

    def keys(self) -> Iterable[int]:
        """All keys."""
        return list(self._data)

    def beside(self, change: Callable[[Session], None]) -> None:
        """Have a change to the ledger committed in one with the next change here."""
        self._beside.append(change)

    def commit(self, changes: dict[int, bytes | None]) -> None:
        """Write all of the changes or none. Raises LedgerError when the state changed elsewhere."""
        beside, self._beside = self._beside, []
        table = tables.AccountRecord
        with self._ledger.transaction() as session:
            stored = session.get(table, STATE_KEY, with_for_update=True)
            if (stored.value if stored else None) != self._data.get(STATE_KEY):
                raise LedgerError(
                    "the account was changed by another process", "run the command again"
                )
            for key, value in changes.items():
                if value is None:
                    session.execute(delete(table).where(table.key == key))
                else:
                    session.merge(table(key=key, value=value))
            for change in beside:
                change(session)
        for key, value in changes.items():
            if value is None:
                self._data.pop(key, None)
            else:
                self._data[key] = value

    def holds(self, lengths: Iterable[int]) -> bool:
        """A database has always room."""
        return True


class Account(Book):
    """The operator's account: a wallet by all its rules, with a database's room."""

    def __init__(self, store: AccountStore, ledger: Ledger, operator: Operator) -> None:
        super().__init__(store)
        self._records = store
        self._ledger = ledger
        self._operator = operator

    def slots(self) -> int:
        """A database has always room."""
        return JOURNAL_LIMIT

    # Value --------------------------------------------------------------------------------------

    def issue(self, amount: int) -> None:
        """Take in what the authority issues. Raises Refused(OVER_CAP)."""
        if self.state.balance + self.reserved + amount > self.policy.balance_cap:
            raise Refused(OVER_CAP)
        self._issue(amount)

    def redeem(self, amount: int) -> None:
        """Give value back to the authority. Raises Refused(OVER_BALANCE)."""
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

        self._records.beside(note)
        self.apply(Step(state))

    def receive(self, payer_raw: bytes, payment: bytes, request: bytes | None = None) -> bytes:
        """The receipt or void for a payment, committed. Raises Refused."""
        stored, step = payee.receive(self, payer_raw, payment, request)
        if step is None:
            return stored or b""
        return bytes(self.apply(step))

    def request_from(self, wallet: bytes, amount: int) -> Request:
        """The request for a wallet's cash-out: the one that is open already, or a new one.

        An open request of the wallet for another amount is cancelled, and the oldest of all when
        too many are open: a payment that still comes for it is voided, and so refunded.
        Raises Refused.
        """
        with self._ledger.transaction() as session:
            rows = session.scalars(
                select(tables.CashOut).where(tables.CashOut.wallet == wallet)
            ).all()
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
        row = tables.CashOut(request_hash=raised.hash, wallet=wallet, amount=amount)
        self._records.beside(lambda session: session.add(row))
        self.apply(step)
        return raised

    def untold(self, wallet: bytes) -> list[tables.Payment]:
        """Cash-outs that were answered here, while the wallet is not known to have heard it."""
        resolved = select(tables.Entry.payment_hash).where(
            tables.Entry.wallet == wallet, tables.Entry.kind.in_((RESOLVED, REFUNDED))
        )
        with self._ledger.transaction() as session:
            wanted = (
                select(tables.Payment)
                .join(tables.CashOut, tables.CashOut.request_hash == tables.Payment.request_hash)
                .where(
                    tables.CashOut.wallet == wallet,
                    tables.CashOut.told.is_(False),
                    tables.Payment.outcome.is_not(None),
                    tables.Payment.hash.not_in(resolved),
                )
            )
            return list(session.scalars(wanted))

    def told(self, request_hash: bytes) -> None:
        """The wallet has got the outcome of its cash-out."""
        with self._ledger.transaction() as session:
            row = session.get(tables.CashOut, request_hash)
            if row is not None:
                row.told = True

    # Ledger -------------------------------------------------------------------------------------

    def post(self) -> Posting:
        """Post this account's journal to the ledger, if there is anything new in it."""
        row = self._ledger.wallet(self.me.id)
        if (row.head, row.balance) == (self.state.head, self.state.balance):
            return Posting()
        trust = self._operator.published.trust
        question = self._ledger.ask(self.me.id)
        raw = settle.statement(self, question.nonce)
        statement = self._ledger.read_statement(question, raw, trust)
        entries = [self.entry(at) for at in range(question.position, statement.position)]
        return self._ledger.post(question, statement, [e for e in entries if e is not None], trust)

    def settle(self) -> None:
        """Start the counters anew. A database has room: nothing is forgotten."""
        state = self.state.copy()
        state.synced_epoch = self.epoch.number
        state.offline_count = state.offline_total = 0
        self.apply(Step(state))

    def refund(self, payment: tables.Payment) -> None:
        """Take back a payment whose payee can answer it no more."""
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
    """The operator's account, made at first use, its rules up to date and its journal posted.

    Raises LedgerError when the ledger belongs to another operator, or the account does not add up.
    """
    store = AccountStore(ledger, operator.account_seed)
    wallet = operator.account
    if store.get(NETWORK_KEY) is None:
        if ledger.wallet_of_key(wallet.public) is None:
            ledger.register(wallet, tables.INSTALLED)
        store.commit(install.install(operator.package(wallet), wallet.public))
    account = Account(store, ledger, operator)
    if account.me.hash != wallet.hash:
        raise LedgerError("this ledger belongs to another operator", "check --home")
    posted = account.post()
    if posted.findings:
        detail = posted.findings[0].detail
        raise LedgerError(f"the operator's account does not add up: {detail}", "see: ledger show")
    ledger.hold(operator.published.epoch.number, operator.network)
    for payment in ledger.refunds_due(wallet.id):
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

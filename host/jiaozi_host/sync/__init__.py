"""Sync: post what a wallet did offline, deliver what others have for it, reset its counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from jiaozi.wallet import payer
from jiaozi.wire.certificates import Certificate, read
from jiaozi.wire.commands import FROZEN, READY
from jiaozi.wire.cose import WALLET
from jiaozi.wire.errors import NOT_ALLOWED, Refused
from jiaozi.wire.policies import read_policy
from jiaozi.wire.settlements import MOST_CLOSED
from jiaozi.wire.statements import Statement
from jiaozi_host.errors import BadAnswer, HostError, WalletRefused
from jiaozi_host.ledger import Ledger, tables
from jiaozi_host.ledger.account import Account, open_account
from jiaozi_host.ledger.findings import CHAIN_BROKEN
from jiaozi_host.ledger.posting import Question
from jiaozi_host.links import Link
from jiaozi_host.sync.reclaim import reclaim_all
from jiaozi_host.vault import Operator
from jiaozi_host.vault.operator import WALLET_LIFE
from jiaozi_host.wallet import WalletClient

Progress = Callable[[str], None]
"""Called with what is being done."""


@dataclass
class Synced:
    """What a sync did.

    entries: journal entries that were new; delivered: payments of others handed to the wallet;
    resolved: receipts and voids handed to it; refunded: amount given back, of payments that their
    payees can answer no more; reclaimed: amount brought back from expired purses; undelivered:
    what it would not take, with its reason;
    rotated: the id it had until now, if it has got another;
    balance, epoch: as it stated last; firmware: as it says; outdated: whether its policy wants a
    newer one; settled: whether its counters were reset; findings: what did not add up, which is why
    it was not settled; frozen: whether it begins nothing new any more, as some are against it.
    """

    wallet: bytes
    entries: int = 0
    delivered: int = 0
    resolved: int = 0
    refunded: int = 0
    reclaimed: int = 0
    undelivered: list[str] = field(default_factory=list)
    balance: int = 0
    epoch: int = 0
    rotated: bytes | None = None
    firmware: int = 0
    outdated: bool = False
    settled: bool = False
    frozen: bool = False
    findings: list[tables.Finding] = field(default_factory=list)


def sync_wallet(
    link: Link,
    operator: Operator,
    ledger: Ledger,
    progress: Progress = lambda what: None,
    rotate_after: int | None = None,
) -> Synced:
    """Sync the wallet on the reader. Safe to repeat: a torn sync is begun anew and loses nothing.

    rotate_after: give the wallet a new key and id if it has had these for so many epochs (0: now).
    Raises WalletRefused, BadAnswer, LedgerError (unknown wallet), and what links raise.
    """
    account = open_account(ledger, operator)
    client = WalletClient(link, operator.published.trust, operator.speaker())
    session = _Session(client, operator, ledger, account, progress)
    done, wallet = session.run()
    age = operator.published.epoch.number - (wallet.expiry - WALLET_LIFE)
    if done.settled and rotate_after is not None and age >= rotate_after:
        session.rotate(wallet, done)
    return done


def set_pin(link: Link, operator: Operator, pin: str) -> bytes:
    """Set a new PIN in the operator's name, blocked or not; return the wallet's id."""
    client = WalletClient(link, operator.published.trust, operator.speaker())
    wallet = _select(client, operator)
    client.unblock(pin)
    return bytes(wallet.id)


def _select(client: WalletClient, operator: Operator) -> Certificate:
    hello = client.select()
    if hello.status not in (READY, FROZEN) or hello.certificate is None:
        raise WalletRefused(NOT_ALLOWED)
    try:
        wallet = operator.published.trust.wallet(hello.certificate)
    except Refused as refusal:
        raise BadAnswer(f"the wallet's certificate does not verify ({refusal})") from refusal
    if wallet.issuer != operator.certificate.hash:
        raise HostError("the wallet is another operator's", "sync it with its own operator")
    return wallet


class _Session:
    """One operator session with one wallet."""

    def __init__(
        self,
        client: WalletClient,
        operator: Operator,
        ledger: Ledger,
        account: Account,
        progress: Progress,
    ) -> None:
        self._client = client
        self._operator = operator
        self._ledger = ledger
        self._account = account
        self._progress = progress

    def run(self) -> tuple[Synced, Certificate]:
        """Open, update, post, deliver, post again, settle, and see that all is as it should be."""
        client, operator, ledger = self._client, self._operator, self._ledger
        self._progress("opening a channel")
        wallet = _select(client, operator)
        done = Synced(wallet.id)
        row = ledger.wallet(wallet.id)
        if row.certificate != wallet.raw:
            raise BadAnswer("the wallet shows another certificate than it was given")
        if row.status == tables.ISSUED:
            ledger.installed(wallet.id)
        nonce = client.challenge()
        policy = operator.policy(wallet.tier)
        client.update(operator.operators, policy, operator.published.epoch.raw)
        done.firmware = client.info().firmware
        done.outdated = done.firmware < read_policy(policy, operator.network).firmware
        statement = self._post(wallet, done)
        if self._deliver(wallet, done) + self._reclaim(wallet, done):
            statement = self._post(wallet, done)
        lasting = ledger.lasting_findings(wallet.id)
        done.findings += [found for found in lasting if found.id not in _ids(done.findings)]
        if lasting:
            self._progress("freezing")
            client.freeze()
            done.frozen = True
        if not done.findings:
            self._settle(wallet, nonce, statement, done)
            self._post(wallet, done)
            done.settled = not done.findings
        return done, wallet

    def rotate(self, wallet: Certificate, done: Synced) -> None:
        """Have the wallet change to a new key, under a new id, and post what that brings over.

        Torn before the wallet has changed over, nothing has happened, and the next rotation goes on
        with the same key; torn after, the next sync posts the new journal's first entry.
        """
        self._progress("rotating the key")
        ledger, operator = self._ledger, self._operator
        question = ledger.ask(wallet.id)
        raw = self._client.successor(question.nonce)
        statement = ledger.read_statement(question, raw, operator.published.trust)
        if statement.successor is None:
            raise BadAnswer("the wallet's last statement names no next key")
        posting = ledger.post(question, statement, [], operator.published.trust)
        if posting.findings:
            done.findings += posting.findings
            done.settled = False
            return
        known = ledger.wallet_of_key(statement.successor)
        if known is None:
            claims = (wallet.form, wallet.tier, wallet.category)
            certificate = operator.certify(statement.successor, *claims)
            ledger.succeed(wallet.id, certificate)
        elif known.predecessor == wallet.id:
            certificate = read(WALLET, known.certificate, operator.network)
        else:
            raise BadAnswer("the wallet's next key is another wallet's")
        rotation = operator.rotation(raw, certificate)
        ledger.settled(wallet.id, statement.position, rotation)
        self._client.rotate(rotation)
        ledger.installed(certificate.id)
        self._post(certificate, done)
        done.rotated, done.wallet = wallet.id, certificate.id
        done.settled = not done.findings

    def _post(self, wallet: Certificate, done: Synced) -> Statement:
        """Ask for a statement and the journal behind it, and post them."""
        trust = self._operator.published.trust
        question = self._ledger.ask(wallet.id)
        raw = self._client.statement(question.nonce)
        statement = self._ledger.read_statement(question, raw, trust)
        entries = []
        for position in range(question.position, statement.position):
            self._progress(f"reading entry {position + 1} of {statement.position}")
            entries.append(self._client.entry(position))
        posting = self._ledger.post(question, statement, entries, trust)
        if any(found.kind == CHAIN_BROKEN for found in posting.findings):
            posting.findings += self._find_fork(question, statement, entries)
        done.entries += posting.entries
        done.findings += [
            found for found in posting.findings if found.id not in _ids(done.findings)
        ]
        done.balance, done.epoch = statement.balance, statement.epoch
        return statement

    def _find_fork(
        self, question: Question, statement: Statement, entries: list[bytes]
    ) -> list[tables.Finding]:
        """Read back to where the wallet's journal leaves the one posted: its memory was put back.

        A wallet that has dropped those entries shows nothing; that is left to people.
        """
        trust = self._operator.published.trust
        read: list[bytes] = []
        for position in range(question.position - 1, -1, -1):
            try:
                raw = self._client.entry(position)
            except WalletRefused:
                return []
            if raw == self._ledger.entry(question.wallet, position):
                break
            read.insert(0, raw)
        return self._ledger.forked(question, statement, read, entries, trust)

    def _deliver(self, wallet: Certificate, done: Synced) -> bool:
        """Hand over what others have for the wallet; return whether its journal has grown."""
        account = self._account
        for payment in self._ledger.payments_due(account.me.id):
            if payment.payer == wallet.id:
                account.receive(wallet.raw, payment.raw, payment.request)
        account.post()
        for payment in self._ledger.payments_due(wallet.id):
            self._progress("delivering a payment")
            self._deliver_payment(payment, done)
        for payment in self._ledger.outcomes_due(wallet.id):
            self._progress("delivering a receipt")
            try:
                self._client.resolve(payment.outcome or b"")
                done.resolved += 1
            except WalletRefused as refusal:
                done.undelivered.append(f"outcome of {payment.hash.hex()[:16]}: {refusal}")
        return done.delivered + done.resolved > 0

    def _reclaim(self, wallet: Certificate, done: Synced) -> bool:
        """Bring back what is in purses past their expiry; return whether there was any."""
        purses = self._ledger.purses(wallet.id)
        done.reclaimed, kept = reclaim_all(self._client, self._account, wallet, purses)
        done.undelivered += kept
        return done.reclaimed > 0

    def _deliver_payment(self, payment: tables.Payment, done: Synced) -> None:
        try:
            outcome = self._client.payment(payment.payer_certificate, payment.raw, payment.request)
        except WalletRefused as refusal:
            done.undelivered.append(f"payment {payment.hash.hex()[:16]}: {refusal}")
            return
        done.delivered += 1
        if payment.payer == self._account.me.id:
            step = payer.resolve(self._account, outcome)
            if step is not None:
                self._account.apply(step)
            self._account.post()

    def _settle(
        self, wallet: Certificate, nonce: bytes, statement: Statement, done: Synced
    ) -> None:
        self._progress("settling")
        # Those that are left are closed by the next sync.
        closed = self._ledger.refunds_due(wallet.id)[:MOST_CLOSED]
        settlement = self._operator.settlement(
            wallet,
            nonce,
            statement.position,
            statement.head,
            [payment.hash for payment in closed],
        )
        self._ledger.settled(wallet.id, statement.position, settlement)
        self._client.settle(settlement)
        done.refunded = sum(payment.amount for payment in closed)


def _ids(found: list[tables.Finding]) -> set[int]:
    return {finding.id for finding in found}

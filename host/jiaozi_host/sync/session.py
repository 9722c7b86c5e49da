"""Sync: post what a wallet did offline, deliver what it is due, and reset its counters."""

from __future__ import annotations

from jiaozi.wallet import payer
from jiaozi.wire.certificates import Certificate
from jiaozi.wire.errors import BUSY
from jiaozi.wire.policies import read_policy
from jiaozi.wire.settlements import MOST_CLOSED
from jiaozi.wire.statements import Statement
from jiaozi_host.errors import BadAnswer, WalletRefused
from jiaozi_host.ledger import deliveries, tables
from jiaozi_host.ledger.account import Account, open_account
from jiaozi_host.ledger.ledger import Ledger
from jiaozi_host.links import Link
from jiaozi_host.sync.own_wallet import select_own
from jiaozi_host.sync.readout import Readout
from jiaozi_host.sync.reclaim import reclaim_all
from jiaozi_host.sync.result import Progress, Synced
from jiaozi_host.sync.rotation import rotate
from jiaozi_host.vault import Operator
from jiaozi_host.vault.operator import WALLET_LIFE
from jiaozi_host.wallet import WalletClient


def sync_wallet(
    link: Link,
    operator: Operator,
    ledger: Ledger,
    progress: Progress = lambda step: None,
    rotate_after: int | None = None,
) -> Synced:
    """Sync the wallet on the reader. Safe to break off and repeat.

    rotate_after: rotate the wallet's key if it is this many epochs old or older (0: always).
    Raises WalletRefused, BadAnswer, HostError (another operator's wallet), LedgerError (unknown
    wallet), and what links raise.
    """
    client = WalletClient(link, operator.published.trust, operator.channel_identity())
    progress("opening a channel")
    wallet = select_own(client, operator)
    account = open_account(ledger, operator)
    readout = Readout(client, ledger, operator, progress)
    done = _Session(client, operator, ledger, account, wallet, readout, progress).run()
    age = operator.published.epoch.number - (wallet.expiry - WALLET_LIFE)
    if done.settled and rotate_after is not None and age >= rotate_after:
        progress("rotating the key")
        rotate(client, operator, ledger, readout, wallet, done)
    return done


class _Session:
    """One operator session with one wallet."""

    def __init__(
        self,
        client: WalletClient,
        operator: Operator,
        ledger: Ledger,
        account: Account,
        wallet: Certificate,
        readout: Readout,
        progress: Progress,
    ) -> None:
        self._client = client
        self._operator = operator
        self._ledger = ledger
        self._account = account
        self._wallet = wallet
        self._readout = readout
        self._progress = progress
        self._done = Synced(wallet.id)

    def run(self) -> Synced:
        """Check registration, update the rules, post, deliver, post again, settle or freeze."""
        done, wallet = self._done, self._wallet
        row = self._ledger.wallet(wallet.id)
        if row.certificate != wallet.raw:
            raise BadAnswer("the wallet shows a certificate that is not the registered one")
        if row.status == tables.ISSUED:
            self._ledger.mark_installed(wallet.id)
        nonce = self._client.challenge()
        self._update()
        statement = self._readout.post(wallet.id, done)
        if self._deliver() + self._reclaim():
            statement = self._readout.post(wallet.id, done)
        blocking = self._ledger.blocking_findings(wallet.id)
        done.add_findings(blocking)
        if blocking:
            self._progress("freezing")
            self._client.freeze()
            done.frozen = True
        if not self._ledger.unsettling(wallet.id, done.findings):
            self._settle(nonce, statement)
            self._readout.post(wallet.id, done)
            done.settled = not self._ledger.unsettling(wallet.id, done.findings)
        return done

    def _update(self) -> None:
        """Bring the wallet's rules up to date and compare its firmware with the policy."""
        operator = self._operator
        policy = operator.policy(self._wallet.tier)
        self._ledger.add_policy(read_policy(policy, operator.network))
        self._client.update(operator.operators, policy, operator.published.epoch.raw)
        self._done.firmware = self._client.info().firmware
        required = read_policy(policy, operator.network).firmware
        self._done.outdated = self._done.firmware < required

    def _deliver(self) -> bool:
        """Deliver payments and outcomes due; return True if the wallet's journal has grown."""
        account, ledger, wallet, done = self._account, self._ledger, self._wallet, self._done
        for payment in deliveries.payments_due(ledger, account.me):
            if payment.payer == wallet.hash:
                account.receive(wallet.raw, payment.raw, payment.request)
        account.post()
        for payment in deliveries.payments_due(ledger, wallet):
            self._progress("delivering a payment")
            self._deliver_payment(payment)
        for payment in deliveries.outcomes_due(ledger, wallet):
            self._progress("delivering a receipt")
            try:
                self._client.resolve(payment.outcome or b"")
                done.resolved += 1
            except WalletRefused as refusal:
                done.undelivered.append(f"outcome of {payment.hash.hex()[:16]}: {refusal}")
                if refusal.status != BUSY:
                    trust = self._operator.published.trust
                    done.add_findings([ledger.note_refused(payment, trust, str(refusal))])
        return done.delivered + done.resolved > 0

    def _deliver_payment(self, payment: tables.Payment) -> None:
        try:
            outcome = self._client.payment(payment.payer_certificate, payment.raw, payment.request)
        except WalletRefused as refusal:
            self._done.undelivered.append(f"payment {payment.hash.hex()[:16]}: {refusal}")
            return
        self._done.delivered += 1
        if payment.payer == self._account.me.hash:
            step = payer.resolve(self._account, outcome)
            if step is not None:
                self._account.apply(step)
            self._account.post()

    def _reclaim(self) -> bool:
        """Take back the money of expired purses; return True if there was any."""
        purses = self._ledger.purses(self._wallet.id)
        amount, refused = reclaim_all(self._client, self._account, self._wallet, purses)
        self._done.reclaimed = amount
        self._done.undelivered += refused
        return amount > 0

    def _settle(self, nonce: bytes, statement: Statement) -> None:
        self._progress("settling")
        # A settlement holds only so many refunds; the next sync makes the others.
        closed = deliveries.refunds_due(self._ledger, self._wallet)[:MOST_CLOSED]
        settlement = self._operator.settlement(
            self._wallet,
            nonce,
            statement.position,
            statement.head,
            [payment.hash for payment in closed],
        )
        self._ledger.add_settlement(self._wallet.id, statement.position, settlement)
        self._client.settle(settlement)
        self._done.refunded = sum(payment.amount for payment in closed)

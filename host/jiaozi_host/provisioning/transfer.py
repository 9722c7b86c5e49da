"""Top-up and cash-out: ordinary payments between a wallet and the operator's account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jiaozi.wallet import payee, payer
from jiaozi.wire.certificates import Certificate, read
from jiaozi.wire.commands import CARD, READY
from jiaozi.wire.cose import WALLET, decode
from jiaozi.wire.errors import OVER_BALANCE, Refused
from jiaozi.wire.journal import PAYMENT_RAW, PEER_RAW, REQUEST_RAW, TAKEN
from jiaozi.wire.messages import Request, read_outcome, read_payment, read_request
from jiaozi.wire.terms import GENERAL
from jiaozi_host.errors import AccountRefused, BadAnswer, WalletRefused
from jiaozi_host.ledger.account import Account, open_account
from jiaozi_host.ledger.ledger import Ledger
from jiaozi_host.links import Link
from jiaozi_host.sync.own_wallet import select
from jiaozi_host.vault import Operator
from jiaozi_host.wallet import WalletClient
from jiaozi_host.wallet_answers import Selected

# Fewer payments than this can be pending between a wallet and the account.
_MOST_PENDING = 32


@dataclass
class Transfer:
    """Result of a top-up or cash-out. Amounts are in minor units.

    wallet: its id; amount: of this call's own payment, 0 if a torn one for the same amount was
    finished instead. Of earlier torn payments: resumed: amounts of those finished; voided: of those
    refunded; stuck: of those the wallet refused, which are left to sync.
    """

    wallet: bytes
    amount: int = 0
    resumed: list[int] = field(default_factory=list)
    voided: list[int] = field(default_factory=list)
    stuck: list[int] = field(default_factory=list)

    def note(self, account: Account, payment: bytes, outcome: bytes, torn: bool) -> None:
        """Record a payment and its outcome. torn: True if an earlier call began it."""
        amount = read_payment(payment, account.network).amount
        if not read_outcome(outcome, account.network).credited:
            self.voided.append(amount)
        elif torn:
            self.resumed.append(amount)
        else:
            self.amount = amount


def top_up(
    link: Link, operator: Operator, ledger: Ledger, pin: str, amount: int, purse: int = GENERAL
) -> Transfer:
    """Pay `amount` from the operator's account to a purse of the wallet on the reader.

    A torn top-up is finished first; if it was for the same amount, no other payment is made.
    Raises AccountRefused, WalletRefused (WrongPin, PinBlocked), BadAnswer, and what links raise.
    """
    client, hello, account = _begin(link, operator, ledger)
    hello, wallet = _bring_up_to_date(client, hello, account, operator)
    done = Transfer(wallet.id)
    for entry in _pending_to(account, wallet):
        try:
            _deliver(client, account, entry[PAYMENT_RAW], done, entry[REQUEST_RAW])
        except WalletRefused:
            done.stuck.append(sum(entry[TAKEN]))
    account.post()
    for payment in account.unacknowledged_top_ups(wallet):
        done.note(account, payment.raw, payment.outcome or b"", True)
        account.acknowledge(payment.request_hash)
    if amount in done.resumed:
        return done
    request = _request_of(hello, account, amount, purse)
    if request is None:
        if amount > account.state.balance:  # refuse before the wallet is armed
            raise AccountRefused(Refused(OVER_BALANCE))
        if purse != GENERAL:
            client.terms(operator.terms(purse))
        client.verify(pin)
        client.arm_receive(amount, CARD, purse)
        request = _request_of(client.select(), account, amount, purse)
    if request is None:
        raise BadAnswer("the wallet does not show the request it was armed with")
    with _account_rules():
        order = payer.read_order(account, wallet.raw, request.raw)
        payer.check(account, order, amount)
        step = payer.pay(account, order, amount, True)
        account.begin_transfer(request.hash, wallet, amount)
        answer = account.apply(step)
    _deliver(client, account, _only(answer), done)
    account.post()
    return done


def cash_out(link: Link, operator: Operator, ledger: Ledger, pin: str, amount: int) -> Transfer:
    """Collect `amount` from the wallet on the reader into the operator's account.

    A torn cash-out is finished first; if it was for the same amount, no other payment is made.
    Raises AccountRefused, WalletRefused (WrongPin, PinBlocked), BadAnswer, and what links raise.
    """
    client, hello, account = _begin(link, operator, ledger)
    _, wallet = _bring_up_to_date(client, hello, account, operator)
    done = Transfer(wallet.id)
    client.verify(pin)
    _finish_answered(client, account, wallet, done)
    if amount in done.resumed:
        return done
    asked_before = set(account.open)
    with _account_rules():
        request = account.request_from(wallet, amount)
    client.arm_pay(amount, CARD, account.me.hash)
    try:
        paid = _collect_all(client, account, wallet, request, done)
    except WalletRefused:
        client.disarm()
        raise
    if not paid or request.hash in asked_before:
        client.disarm()  # the armed payment may be unused
    account.post()
    return done


def _finish_answered(
    client: WalletClient, account: Account, wallet: Certificate, done: Transfer
) -> None:
    """Finish cash-outs that the account has answered, whatever a sync did in between.

    What is credited is owed to the person, even if the wallet has forgotten the payment since. The
    void of another is left to sync if the wallet refuses it.
    """
    for payment in account.unacknowledged_cash_outs(wallet):
        if not account.is_resolved(payment):
            try:
                client.resolve(payment.outcome or b"")
            except WalletRefused:
                if not payment.received:
                    continue
        account.acknowledge(payment.request_hash)
        done.note(account, payment.raw, payment.outcome or b"", True)


def _collect_all(
    client: WalletClient,
    account: Account,
    wallet: Certificate,
    request: Request,
    done: Transfer,
) -> bool:
    """Collect pending payments, then the requested one; return True if that was paid."""
    for _ in range(_MOST_PENDING):
        payment, other = client.pay(account.me.raw, request.raw)
        _collect(client, account, wallet, payment, other, done)
        if other is None:
            return True
        if request.amount in done.resumed:
            account.apply(payee.cancel(account, request.hash))
            return False
    raise BadAnswer("the wallet returns pending payments without end")


def _begin(
    link: Link, operator: Operator, ledger: Ledger
) -> tuple[WalletClient, Selected, Account]:
    """Select the wallet, then open the account in the later epoch of the two."""
    client = WalletClient(link, operator.published.trust, operator.channel_identity())
    hello = select(client, operator)
    return client, hello, open_account(ledger, operator)


def _bring_up_to_date(
    client: WalletClient, hello: Selected, account: Account, operator: Operator
) -> tuple[Selected, Certificate]:
    """Verify the selected wallet's certificate and bring it to the current epoch.

    A request made in an older epoch would have expired for the account.
    """
    if hello.status != READY or hello.certificate is None:
        raise WalletRefused(hello.obstacle)
    with _account_rules():
        wallet = account.trust.wallet(hello.certificate)
    epoch = operator.published.epoch
    if hello.epoch < epoch.number and wallet.issuer == operator.certificate.hash:
        client.update(operator.operators, operator.policy(wallet.tier), epoch.raw)
        hello = client.select()
    return hello, wallet


def _pending_to(account: Account, wallet: Certificate) -> list[Any]:
    """Return PAID entries of payments to the wallet that have no known outcome."""
    return [
        entry
        for entry in account.pending()
        if read(WALLET, entry[PEER_RAW], account.network).hash == wallet.hash
    ]


def _deliver(
    client: WalletClient,
    account: Account,
    payment: bytes,
    done: Transfer,
    request: bytes | None = None,
) -> None:
    """Deliver a committed payment and apply its outcome. request: given for a torn payment."""
    outcome = client.payment(account.me.raw, payment, request)
    with _account_rules():
        step = payer.resolve(account, outcome)
        if step is not None:
            account.apply(step)
    account.acknowledge(read_payment(payment, account.network).request_hash)
    done.note(account, payment, outcome, request is not None)


def _collect(
    client: WalletClient,
    account: Account,
    wallet: Certificate,
    payment: bytes,
    request: bytes | None,
    done: Transfer,
) -> None:
    """Credit or void a payment of the wallet, then deliver the outcome to it."""
    with _account_rules():
        outcome = account.receive(wallet.raw, payment, request)
    client.resolve(outcome)
    account.acknowledge(read_payment(payment, account.network).request_hash)
    done.note(account, payment, outcome, request is not None)


def _request_of(hello: Selected, account: Account, amount: int, purse: int) -> Request | None:
    """Return the request a wallet shows if it fits `amount` and `purse` and can be paid."""
    if hello.request is None:
        return None
    with _account_rules():
        request = read_request(hello.request, account.network)
    fits = (
        request.amount == amount and request.takes(purse) and request.expiry >= account.epoch.number
    )
    return request if fits and account.paid(request.hash) is None else None


def _only(answer: bytes) -> bytes:
    """Return the payment in the answer made by `payer.pay`."""
    body = decode(answer)
    if not isinstance(body, list):
        raise BadAnswer("the account's own payment is malformed")
    return bytes(body[0])


@contextmanager
def _account_rules() -> Iterator[None]:
    """Convert Refused to AccountRefused."""
    try:
        yield
    except Refused as refusal:
        raise AccountRefused(refusal) from refusal

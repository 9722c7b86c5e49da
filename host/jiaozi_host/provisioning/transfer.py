"""Value in and out of a wallet: ordinary payments between it and the operator's account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jiaozi.wallet import payee, payer
from jiaozi.wire.certificates import Certificate, read
from jiaozi.wire.commands import CARD, READY
from jiaozi.wire.cose import WALLET, decode
from jiaozi.wire.errors import NOT_ALLOWED, OVER_BALANCE, Refused
from jiaozi.wire.journal import PAYMENT_RAW, PEER_RAW, REQUEST_RAW, TAKEN
from jiaozi.wire.messages import Request, read_outcome, read_payment, read_request
from jiaozi.wire.terms import GENERAL
from jiaozi_host.errors import AccountRefused, BadAnswer, WalletRefused
from jiaozi_host.ledger import Ledger
from jiaozi_host.ledger.account import Account, open_account
from jiaozi_host.links import Link
from jiaozi_host.vault import Operator
from jiaozi_host.wallet import Selected, WalletClient

# More payments than this cannot be pending between a wallet and the account.
_MOST_PENDING = 32


@dataclass
class Transfer:
    """What a top-up or cash-out did.

    wallet: its id; amount: value moved by this call's own payment, 0 when a torn one for the same
    amount was finished instead; resumed: amounts of torn payments that were finished first;
    voided: amounts of those that were given back; stuck: amounts of those the wallet would not
    answer, which only sync can clear up.
    """

    wallet: bytes
    amount: int = 0
    resumed: list[int] = field(default_factory=list)
    voided: list[int] = field(default_factory=list)
    stuck: list[int] = field(default_factory=list)

    def note(self, account: Account, payment: bytes, outcome: bytes, torn: bool) -> None:
        """Count a payment with its outcome; torn: it was begun by an earlier call."""
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
    """Pay `amount` from the operator's account to the wallet on the reader, for one of its purses.

    A top-up that was torn before is finished first; if it was for the same amount, it was this.
    Raises AccountRefused, WalletRefused (WrongPin, PinBlocked), and what links raise.
    """
    client, account = _client(link, operator), open_account(ledger, operator)
    hello, wallet = _meet(client, account, operator)
    done = Transfer(wallet.id)
    for entry in _pending_to(account, wallet):
        try:
            _deliver(client, account, entry[PAYMENT_RAW], done, entry[REQUEST_RAW])
        except WalletRefused:
            done.stuck.append(sum(entry[TAKEN]))
    if amount in done.resumed:
        account.post()
        return done
    request = _request_of(hello, account, amount, purse)
    if request is None:
        if amount > account.state.balance:  # before the wallet is armed in vain
            raise AccountRefused(Refused(OVER_BALANCE))
        if purse != GENERAL:
            client.terms(operator.terms(purse))
        client.verify(pin)
        client.arm_receive(amount, CARD, purse)
        request = _request_of(client.select(), account, amount, purse)
    if request is None:
        raise BadAnswer("the wallet does not show the request it was armed for")
    with _account_rules():
        order = payer.read_order(account, wallet.raw, request.raw)
        payer.check(account, order, amount)
        answer = account.apply(payer.pay(account, order, amount, True))
    _deliver(client, account, _only(answer), done)
    account.post()
    return done


def cash_out(link: Link, operator: Operator, ledger: Ledger, pin: str, amount: int) -> Transfer:
    """Take `amount` from the wallet on the reader into the operator's account.

    A cash-out that was torn before is finished first; if it was for the same amount, it was this.
    Raises AccountRefused, WalletRefused (WrongPin, PinBlocked), and what links raise.
    """
    client, account = _client(link, operator), open_account(ledger, operator)
    _, wallet = _meet(client, account, operator)
    done = Transfer(wallet.id)
    client.verify(pin)
    for payment in account.untold(wallet.id):
        client.resolve(payment.outcome or b"")
        account.told(payment.request_hash)
        done.note(account, payment.raw, payment.outcome or b"", True)
    if amount in done.resumed:
        return done
    asked_before = set(account.open)
    with _account_rules():
        request = account.request_from(wallet.id, amount)
    client.arm_pay(amount, CARD)
    try:
        paid = _collect_all(client, account, wallet, request, done)
    except WalletRefused:
        client.disarm()
        raise
    if not paid or request.hash in asked_before:
        client.disarm()  # what was armed may not have been used up
    account.post()
    return done


def _collect_all(
    client: WalletClient,
    account: Account,
    wallet: Certificate,
    request: Request,
    done: Transfer,
) -> bool:
    """Ask for the payment, taking those pending first; return whether the request was paid."""
    for _ in range(_MOST_PENDING):
        payment, other = client.pay(account.me.raw, request.raw)
        _collect(client, account, wallet, payment, other, done)
        if other is None:
            return True
        if request.amount in done.resumed:
            account.apply(payee.cancel(account, request.hash))
            return False
    raise BadAnswer("the wallet answers with one pending payment after another")


def _client(link: Link, operator: Operator) -> WalletClient:
    return WalletClient(link, operator.published.trust, operator.speaker())


def _meet(
    client: WalletClient, account: Account, operator: Operator
) -> tuple[Selected, Certificate]:
    """Select the wallet, believe its certificate, and bring it to the current epoch.

    A wallet of an older epoch makes requests that have expired for the account.
    """
    hello = client.select()
    if hello.status != READY or hello.certificate is None:
        raise WalletRefused(NOT_ALLOWED)
    with _account_rules():
        wallet = account.trust.wallet(hello.certificate)
    epoch = operator.published.epoch
    if hello.epoch < epoch.number and wallet.issuer == operator.certificate.hash:
        client.update(operator.operators, operator.policy(wallet.tier), epoch.raw)
        hello = client.select()
    return hello, wallet


def _pending_to(account: Account, wallet: Certificate) -> list[Any]:
    """PAID entries of payments to the wallet whose outcome the account does not know yet."""
    return [
        entry
        for entry in account.pending()
        if read(WALLET, entry[PEER_RAW], account.network).id == wallet.id
    ]


def _deliver(
    client: WalletClient,
    account: Account,
    payment: bytes,
    done: Transfer,
    request: bytes | None = None,
) -> None:
    """Hand a committed payment over and take its outcome; a torn one goes with its request."""
    outcome = client.payment(account.me.raw, payment, request)
    with _account_rules():
        step = payer.resolve(account, outcome)
        if step is not None:
            account.apply(step)
        done.note(account, payment, outcome, request is not None)


def _collect(
    client: WalletClient,
    account: Account,
    wallet: Certificate,
    payment: bytes,
    request: bytes | None,
    done: Transfer,
) -> None:
    """Credit or void a payment of the wallet, then hand it the outcome."""
    with _account_rules():
        outcome = account.receive(wallet.raw, payment, request)
    client.resolve(outcome)
    account.told(read_payment(payment, account.network).request_hash)
    done.note(account, payment, outcome, request is not None)


def _request_of(hello: Selected, account: Account, amount: int, purse: int) -> Request | None:
    """The request a wallet shows, if it is for `amount` and may still be paid."""
    if hello.request is None:
        return None
    with _account_rules():
        request = read_request(hello.request, account.network)
    fits = (
        request.amount == amount and request.takes(purse) and request.expiry >= account.epoch.number
    )
    return request if fits and account.paid(request.hash) is None else None


def _only(answer: bytes) -> bytes:
    """The payment in the answer that `payer.pay` makes."""
    body = decode(answer)
    if not isinstance(body, list):
        raise BadAnswer("the account's payment is malformed")
    return bytes(body[0])


@contextmanager
def _account_rules() -> Iterator[None]:
    """Turn refusals of the rules into errors that name the account."""
    try:
        yield
    except Refused as refusal:
        raise AccountRefused(refusal) from refusal

"""Purses with terms: how terms come into a wallet, and which purse pays (chapter 08).

    step = purposes.adopt(book, terms)      # None when they are in force already
    book.apply(step)                        # one record: the journal entry is where terms are kept
    purse = purposes.choose(book, payee, request, amount)

Money comes into such a purse from an account of its funder alone, for a request that names it. It
is paid on to payees that the terms permit, as general money, or goes back to its funder.
"""

from jiaozi.wallet.book import TERMS_LENGTH, Book, Step
from jiaozi.wire.certificates import ACCOUNT, Certificate
from jiaozi.wire.errors import (
    EXPIRED,
    OVER_BALANCE,
    PURSE_REFUSED,
    REVOKED,
    TERMS_REFUSED,
    TOO_MANY_PURSES,
    UNKNOWN_OPERATOR,
    WRONG_CURRENCY,
    Refused,
)
from jiaozi.wire.journal import ADOPTED, KIND, TERMS_HASH
from jiaozi.wire.messages import Payment, Request
from jiaozi.wire.terms import ANY_PURPOSE, GENERAL, Terms, read_terms
from micropython import const

# Purses with terms that a wallet has at once; each keeps a slot of the journal.
MOST_PURPOSES = const(4)


def adopt(book: Book, raw: bytes) -> "Step | None":
    """Take the terms of a purse; None when the same are in force already.

    Terms stay as they are until they have expired and the purse is empty (see
    `jiaozi.wallet.settle.forget`).
    Raises Refused (TERMS_REFUSED for other terms of that number, TOO_MANY_PURSES, EXPIRED, REVOKED,
    WRONG_CURRENCY, UNKNOWN_OPERATOR, BAD_SIGNATURE, MALFORMED, JOURNAL_FULL).
    """
    terms = read_terms(raw, book.network)
    known = book.terms.get(terms.number)
    if known is not None and known.hash == terms.hash:
        return None
    funder = book.trust.operators.get(terms.signer)
    if funder is None:
        raise Refused(UNKNOWN_OPERATOR)
    terms.verify(funder.public, funder.hash)
    if known is not None:
        raise Refused(TERMS_REFUSED)
    if min(terms.expiry, funder.expiry) < book.epoch.number:
        raise Refused(EXPIRED)
    if funder.hash not in book.epoch.operators:
        raise Refused(REVOKED)
    if funder.currency != book.policy.currency:
        raise Refused(WRONG_CURRENCY)
    if len(book.terms) >= MOST_PURPOSES:
        raise Refused(TOO_MANY_PURSES)
    book.check_room(1, [TERMS_LENGTH + len(raw)])
    return Step(book.state.copy(), b"", [ADOPTED, terms.hash, terms.signer, terms.raw])


def choose(book: Book, payee: Certificate, request: Request, amount: int) -> int:
    """The purse to pay from: one with terms that permit it, the first to expire; else general.

    Raises Refused (OVER_BALANCE; TERMS_REFUSED or PURSE_REFUSED when general money is not taken).
    """
    if book.me.form == ACCOUNT:
        return _to_fund(book, request, amount)
    state, asked = book.state, False
    operator = book.trust.operators.get(payee.issuer)
    chosen: Terms | None = None
    for number, terms in book.terms.items():
        if not request.takes(number):
            continue
        asked = True
        if state.held(number) < amount or not terms.permit(
            payee, operator, amount, book.epoch.number
        ):
            continue
        if chosen is None or (terms.expiry, number) < (chosen.expiry, chosen.number):
            chosen = terms
    if chosen is not None:
        return chosen.number
    if not request.takes(GENERAL):
        raise Refused(TERMS_REFUSED if asked else PURSE_REFUSED)
    if amount > state.held(GENERAL):
        raise Refused(OVER_BALANCE)
    return GENERAL


def _to_fund(book: Book, request: Request, amount: int) -> int:
    """The purse that an account's payment names: what the payee wants funded."""
    purse = GENERAL if request.takes(GENERAL) else request.purses[0]
    if purse == ANY_PURPOSE:
        raise Refused(PURSE_REFUSED)
    if amount > book.state.balance:
        raise Refused(OVER_BALANCE)
    return purse


def returns(book: Book, payee: Certificate, purse: int) -> bool:
    """Whether a payment brings money past its expiry back to its funder."""
    terms = book.terms.get(purse)
    return terms is not None and terms.expiry < book.epoch.number and terms.is_funder(payee)


def may_ask(book: Book, purse: int) -> bool:
    """Whether a wallet may ask for money for one of its purses; an account asks for any back."""
    if purse == GENERAL:
        return True
    if book.me.form == ACCOUNT:
        return purse > ANY_PURPOSE
    terms = book.terms.get(purse)
    return terms is not None and terms.expiry >= book.epoch.number


def may_credit(book: Book, payer: Certificate, payment: Payment) -> bool:
    """Whether the purse that a payment goes to takes it."""
    purse = payment.credited_purse(payer, book.me)
    if purse == GENERAL:
        return True
    return may_ask(book, purse) and book.terms[purse].is_funder(payer)


def ended(book: Book, acknowledged: int) -> "list[int]":
    """Positions of terms past their expiry, acknowledged, whose purse is empty and stays so."""
    over = [
        number
        for number, terms in book.terms.items()
        if terms.expiry < book.epoch.number and not book.state.held(number)
    ]
    if not over:
        return []
    awaited = [book.source(paid) for paid in book.pending()]
    hashes = [book.terms[number].hash for number in over if number not in awaited]
    return [
        at
        for at, entry in book.entries()
        if at < acknowledged and entry[KIND] == ADOPTED and entry[TERMS_HASH] in hashes
    ]

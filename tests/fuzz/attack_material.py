"""Material of the attacks: wallets, valid commands, and objects signed by their right keys.

Everything is made by the protocol's own rules, with the same keys in each run. The attacker has the
keys of other wallets (eve and mallory, who pay, and bob, who requests) and of the operator's desk,
but not those of the wallet under attack (alice) and of the authority.
"""

from __future__ import annotations

import hashlib

from _jzcbor import dumps
from jiaozi.operator import issue
from jiaozi.wallet import payee
from jiaozi.wallet.book import Book
from jiaozi.wallet.store_keys import PIN_KEY, PIN_TRIES_KEY
from jiaozi.wire import apdu, commands, cose
from protocol.tools.vector_world import forge
from tests.fixtures.wallets import Bank, MemoryStore, answer, ask, take, transfer
from tests.fuzz.wallet_on_cpython import PIN

BANK = Bank()
FUNDS, AMOUNT = 40_000, 500
NONCE = bytes(16)


def _copy(wallet: Book) -> Book:
    store = MemoryStore()
    store.data.update(_data(wallet))
    return Book(store)


def _data(wallet: Book) -> dict[int, bytes]:
    return {key: wallet.store.get(key) or b"" for key in wallet.store.keys()}  # noqa: SIM118


def _funded(name: str) -> Book:
    wallet = BANK.wallet(name, unconfirmed_single=1_000)
    transfer(BANK.account(f"funds of {name}"), wallet, FUNDS)
    return wallet


def _alice() -> Book:
    """Make the wallet under attack, with money and a PIN with a fixed salt."""
    wallet = _funded("alice")
    salt = hashlib.sha256(b"salt").digest()[:16]
    wallet.store.commit(
        {PIN_KEY: salt + hashlib.sha256(salt + PIN).digest(), PIN_TRIES_KEY: b"\x03"}
    )
    return wallet


ALICE, BOB, EVE, MALLORY = _alice(), _funded("bob"), _funded("eve"), _funded("mallory")

# alice requests an amount, and two payers pay; alice requests any amount; alice has paid bob.
_ASKING, _OPEN, _PENDING = _copy(ALICE), _copy(ALICE), _copy(ALICE)
REQUEST = ask(_ASKING, AMOUNT)
PAYMENT, SECOND = answer(EVE, ALICE.me.raw, REQUEST), answer(MALLORY, ALICE.me.raw, REQUEST)
CEILING = ask(_OPEN, 0, AMOUNT)
OPEN_PAYMENT = answer(EVE, ALICE.me.raw, CEILING, AMOUNT - 1)
BOBS, BOBS_NEXT, BOBS_LARGE = ask(BOB, AMOUNT), ask(BOB, AMOUNT + 1), ask(BOB, 30_000)
PAID = answer(_PENDING, BOB.me.raw, BOBS)
RECEIPT = take(_copy(BOB), ALICE.me.raw, PAID)
_CLOSED = _copy(BOB)
_CLOSED.apply(payee.cancel(_CLOSED, cose.parse(cose.REQUEST, BOBS, BANK.network).hash))
VOID = take(_CLOSED, ALICE.me.raw, PAID, BOBS)

WALLETS: dict[str, dict[int, bytes]] = {
    "ready": _data(ALICE),
    "asking": _data(_ASKING),
    "asking for any amount": _data(_OPEN),
    "pending": _data(_PENDING),
    "one try left": _data(ALICE) | {PIN_TRIES_KEY: b"\x01"},
    "blocked": _data(ALICE) | {PIN_TRIES_KEY: b"\x00"},
    "blank": {},
}

DESK = (BANK.operator_key, BANK.operator, BANK.network)
TRUST = ALICE.trust
_PACKAGE = issue.package(
    BANK.network,
    BANK.authority.raw,
    [BANK.operator.raw],
    BANK.certificate("blank").raw,
    BANK.policy(),
    BANK.epoch(),
)


_UPDATE = dumps([[BANK.operator.raw], BANK.policy(version=2), BANK.epoch(2)])


def command(ins: int, data: bytes = b"") -> bytes:
    """Build a command of the wallet's class."""
    return apdu.build_command(apdu.CLA, ins, 0, 0, data, apdu.LE_ANY)


def _arm(direction: int, amount: int, role: int = commands.AUTO) -> bytes:
    return command(commands.ARM, dumps([direction, amount, role]))


# Valid commands, some of them in one wallet only. At most thirty: five bits choose.
POOL: list[bytes] = [
    apdu.select(),
    command(commands.INFO),
    command(commands.VERIFY, PIN),
    command(commands.VERIFY, b"0000"),
    command(commands.CHANGE, dumps([PIN, b"135790"])),
    command(commands.CHANGE, dumps([b"0000", b"1111"])),
    _arm(commands.RECEIVE, AMOUNT),
    _arm(commands.RECEIVE, 0),
    _arm(commands.PAY_OUT, AMOUNT),
    command(commands.DISARM),
    command(commands.PAY, dumps([BOB.me.raw, BOBS])),
    command(commands.PAY, dumps([BOB.me.raw, BOBS_NEXT])),
    command(commands.PAY, dumps([BOB.me.raw, BOBS_LARGE])),
    command(commands.PAYMENT, dumps([EVE.me.raw, PAYMENT])),
    command(commands.PAYMENT, dumps([MALLORY.me.raw, SECOND, REQUEST])),
    command(commands.PAYMENT, dumps([EVE.me.raw, OPEN_PAYMENT])),
    command(commands.RESOLVE, RECEIPT),
    command(commands.RESOLVE, VOID),
    command(commands.EPOCH),
    command(commands.EPOCH, BANK.epoch(2)),
    command(commands.CHALLENGE),
    command(commands.UPDATE, _UPDATE),
    command(commands.STATEMENT, NONCE),
    command(commands.ENTRY, dumps(0)),
    command(commands.TERMS, BANK.terms(number=7)),
    command(commands.UNBLOCK, b"135790"),
    command(commands.SUCCESSOR, NONCE),
    command(commands.CREATE),
    command(commands.INSTALL, dumps([_PACKAGE, PIN])),
]

# Objects to alter in one field: kind, valid object, key and certificate hash of its signer.
SIGNABLE = {
    "request": (cose.REQUEST, BOBS_NEXT, BOB.key, BOB.me.hash),
    "payment": (cose.PAYMENT, PAYMENT, EVE.key, EVE.me.hash),
    "payment of any amount": (cose.PAYMENT, OPEN_PAYMENT, EVE.key, EVE.me.hash),
    "receipt": (cose.RECEIPT, RECEIPT, BOB.key, BOB.me.hash),
    "void": (cose.VOID, VOID, BOB.key, BOB.me.hash),
    "payer": (cose.WALLET, EVE.me.raw, BANK.operator_key, BANK.operator.hash),
    "payee": (cose.WALLET, BOB.me.raw, BANK.operator_key, BANK.operator.hash),
}


def signed_command(name: str, field: int, value: object) -> bytes:
    """Build a command with an object of SIGNABLE in which one field of the body is replaced.

    A value that cannot be encoded leaves the object unchanged.
    """
    kind, good, key, signer = SIGNABLE[name]
    body = cose.parse(kind, good, BANK.network).body
    places = range(len(body)) if type(body) is list else sorted(body)
    body[places[field % len(places)]] = value
    try:
        raw = forge(kind, body, key, signer)
    except ValueError:
        raw = good
    if name == "request":
        return command(commands.PAY, dumps([BOB.me.raw, raw]))
    if name == "payee":
        return command(commands.PAY, dumps([raw, BOBS_NEXT]))
    if name == "payer":
        return command(commands.PAYMENT, dumps([raw, PAYMENT, REQUEST]))
    if kind == cose.PAYMENT:
        return command(commands.PAYMENT, dumps([EVE.me.raw, raw]))
    return command(commands.RESOLVE, raw)

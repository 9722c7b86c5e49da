"""The book: all that a wallet remembers, kept in an atomic key-value store.

The store (`Store` below) writes all of a commit's changes in one record or none. On a device it is
the log in NVM, at an operator a database. Entries of the
journal are described in `jiaozi.wire.journal`.
"""

from _jzcbor import dumps
from jiaozi.wallet.state import State
from jiaozi.wallet.store_keys import (
    AUTHORITY_KEY,
    CERTIFICATE_KEY,
    EPOCH_KEY,
    FROZEN_KEY,
    JOURNAL_KEY,
    NETWORK_KEY,
    OPEN_KEY,
    OPERATORS_KEY,
    POLICY_KEY,
    SEED_KEY,
    STATE_KEY,
    open_key,
)
from jiaozi.wire.certificates import ACCOUNT, Certificate, read
from jiaozi.wire.cose import AUTHORITY, OPERATOR, WALLET, SigningKey, decode
from jiaozi.wire.epochs import Epoch, read_epoch
from jiaozi.wire.errors import (
    BUSY,
    FIRMWARE_OLDER,
    FROZEN,
    JOURNAL_FULL,
    TOO_MANY_VOIDS,
    Refused,
)
from jiaozi.wire.journal import (
    ADOPTED,
    CREDITED,
    MOST_VOIDS_A_PAYER,
    OPENED,
    OUTCOME_RAW,
    PAID,
    PAYMENT_RAW,
    REQUEST_HASH,
    TAKEN,
    TERMS_RAW,
    VOIDED,
)
from jiaozi.wire.messages import Request, read_payment, read_request
from jiaozi.wire.policies import Policy, read_policy
from jiaozi.wire.suites import HASH_LENGTH, HEADER_LENGTH
from jiaozi.wire.terms import GENERAL, Terms, read_terms
from jiaozi.wire.trust import Trust
from micropython import const

# As typing.TYPE_CHECKING, which MicroPython lacks.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Protocol

    from jiaozi.wire.messages import Payment

    class Store(Protocol):
        """Where a book is kept."""

        def get(self, key: int) -> bytes | None:
            """The value of a key, None when there is none."""

        def keys(self) -> Iterable[int]:
            """All keys that have a value."""

        def commit(self, changes: "dict[int, bytes | None]") -> None:
            """Write all changes in one record or none; None deletes."""

        def holds(self, lengths: "Iterable[int]") -> bool:
            """Whether new values of these lengths find a place beside all that is kept."""


# Requests that may be open at once, and slots of the journal between two settlements: a payment
# made and its resolution take one each, together about as much memory as an answer, which takes
# two. What the store has no room for is refused before (`Book.check_room`).
OPEN_LIMIT = const(4)
JOURNAL_LIMIT = const(128)
PAYMENT_SLOTS = const(2)
ANSWER_SLOTS = const(2)

# Voids that the journal holds at once: what thieves can take of its slots.
MOST_VOIDS = const(16)

# The most bytes of what is kept: a request of one's own, an answer, a resolution (a settlement that
# closes four payments), and of an entry beside terms, or beside request and payee's certificate.
REQUEST_LENGTH = const(140)
ANSWER_LENGTH = const(770)
RESOLUTION_LENGTH = const(411)
PAYMENT_LENGTH = const(372)
TERMS_LENGTH = const(74)
STATE_LENGTH = const(512)

# Room for what must never find none: the largest state; an epoch, operators and a policy that come
# at sync; the next key, sealed; the mark of a frozen wallet. A PIN and its tries are there from the
# first.
_KEPT_BACK = (STATE_LENGTH, 2048, 1024, 256, 60, 1)


# What UPDATE brings.
_RULES = (OPERATORS_KEY, POLICY_KEY, EPOCH_KEY)

# Where, in an entry that begins with a payment (after kind and hashes: 0x58, its length), the
# signer's hash and the sequence number stand: array head, 0x58 0x26 and the header before the hash;
# empty map, 0x58, length and array head behind it.
_SIGNER_AT = 75 + HEADER_LENGTH
_NUMBER_AT = _SIGNER_AT + HASH_LENGTH + 4
_ONE_BYTE = const(24)  # CBOR: from here on the number is in the 1, 2, 4 or 8 bytes that follow

# Of a book that no wallet's firmware keeps: an operator's account.
_ANY_FIRMWARE = const(0x3FFFFFFF)


class Step:
    """One change to a book, committed whole by `Book.apply`.

    state: the new state; entry: the journal entry or None; opened: a request raised; closed: the
    hash of a request that is open no longer; reply: the bytes to answer with once the step is
    committed; amount: the value of the payment it is about, for the person to be told.
    """

    def __init__(
        self,
        state: State,
        reply: bytes = b"",
        entry: "list[Any] | None" = None,
        opened: "Request | None" = None,
        closed: "bytes | None" = None,
        amount: int = 0,
    ) -> None:
        self.amount = amount
        self.state = state
        self.reply = reply
        self.entry = entry
        self.opened = opened
        self.closed = closed


class Book:
    """A provisioned wallet's memory. Its attributes are what was last committed: not to be changed.

    What is read from the store was checked when it was installed (see `jiaozi.wallet.install`); no
    signature is checked again here, so that a wallet is ready soon after it gets power.

    firmware: the number of the firmware that keeps it; frozen: whether the operator has frozen it.
    """

    def __init__(self, store: "Store", firmware: int = _ANY_FIRMWARE) -> None:
        self.store = store
        self.firmware = firmware
        self.frozen = store.get(FROZEN_KEY) is not None
        self.network = network = self._need(NETWORK_KEY)[0]
        authority = read(AUTHORITY, self._need(AUTHORITY_KEY), network)
        self.me = read(WALLET, self._need(CERTIFICATE_KEY), network)
        self.key = SigningKey(self._need(SEED_KEY), self.me.public)
        rules = [self._need(key) for key in _RULES]
        self.trust, self.operator, self.policy, self.epoch = self._read_rules(authority, *rules)
        self.state = State.decode(self._need(STATE_KEY))
        self.open: dict[bytes, Request] = {}
        self._paid: dict[bytes, int] = {}
        self._outcomes: dict[bytes, int] = {}
        self._resolved: dict[bytes, int] = {}
        self.terms: dict[int, Terms] = {}  # of purses, by number
        self._pending: dict[bytes, int] = {}  # of `_paid`, by payment: a tap must not scan them all
        self._numbers: dict[int, int] = {}  # of payments answered, by payer and number
        self._voids: list[bytes] = []  # request and payer's certificate of each void kept
        self._opened = 0  # entries that brought value over
        self._index()

    def _read_rules(
        self, authority: Certificate, operators: bytes, policy: bytes, epoch: bytes
    ) -> "tuple[Trust, Certificate, Policy, Epoch]":
        """What the values of `_RULES` say, and which operator is this wallet's own."""
        network = self.network
        known = [read(OPERATOR, raw, network) for raw in decode(operators)]
        trust = Trust(authority, known, network)
        own = trust.operator(self.me)
        return trust, own, read_policy(policy, network), read_epoch(epoch, network)

    def _index(self) -> None:
        for key in sorted(self.store.keys()):
            if key >= JOURNAL_KEY:
                self._note(key - JOURNAL_KEY, self._need(key))
            elif OPEN_KEY <= key < OPEN_KEY + 256:
                request = read_request(self._need(key), self.network)
                self.open[request.hash] = request

    def _note(self, position: int, entry: bytes) -> None:
        # array head, kind, 0x58 0x20, request hash, 0x58 0x20, payment hash
        kind, request_hash, payment_hash = entry[1], entry[4:36], entry[38:70]
        if kind == PAID:
            self._paid[request_hash] = self._pending[payment_hash] = position
        elif kind in (CREDITED, VOIDED):
            self._outcomes[payment_hash] = position
            signer = entry[_SIGNER_AT : _SIGNER_AT + 4]
            self._numbers[_number_key(signer, _number(entry))] = position
            if kind == VOIDED:
                self._voids.append(request_hash + entry[_SIGNER_AT : _SIGNER_AT + HASH_LENGTH])
        elif kind == ADOPTED:
            terms = read_terms(decode(entry)[TERMS_RAW], self.network)
            self.terms[terms.number] = terms
        elif kind == OPENED:
            self._opened = 1
        else:
            self._resolved[payment_hash] = position
            self._pending.pop(payment_hash, None)

    def entry(self, position: int) -> "bytes | None":
        """The encoded journal entry at a position, None when there is none (any longer)."""
        return self.store.get(JOURNAL_KEY + position)

    def _need(self, key: int) -> bytes:
        value = self.store.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def _entry(self, position: int) -> bytes:
        return self._need(JOURNAL_KEY + position)

    def positions(self) -> "list[int]":
        """Positions of the journal entries still kept, oldest first."""
        keys = self.store.keys()
        return sorted(key - JOURNAL_KEY for key in keys if key >= JOURNAL_KEY)

    def entries(self) -> "Iterable[tuple[int, list[Any]]]":
        """Position and decoded entry of each journal entry still kept, oldest first."""
        for position in self.positions():
            yield position, decode(self._entry(position))

    def resolved_position(self, payment_hash: bytes) -> "int | None":
        """Position of the RESOLVED or REFUNDED entry of a payment made."""
        return self._resolved.get(payment_hash)

    def paid(self, request_hash: bytes) -> "list | None":
        """The PAID entry that answers a request."""
        position = self._paid.get(request_hash)
        return None if position is None else decode(self._entry(position))

    def paid_hash(self, payment_hash: bytes) -> "list | None":
        """The PAID entry of a payment."""
        position = self._pending.get(payment_hash)
        if position is not None:
            return decode(self._entry(position))
        resolution = self.resolution(payment_hash)
        return None if resolution is None else self.paid(resolution[REQUEST_HASH])

    def resolution(self, payment_hash: bytes) -> "list | None":
        """The RESOLVED or REFUNDED entry of a payment made."""
        position = self._resolved.get(payment_hash)
        return None if position is None else decode(self._entry(position))

    def outcome(self, payment_hash: bytes) -> "bytes | None":
        """The receipt or void given for a payment received."""
        position = self._outcomes.get(payment_hash)
        return None if position is None else decode(self._entry(position))[OUTCOME_RAW]

    def has_twin(self, payment: "Payment") -> bool:
        """Whether another payment of the same payer with this number was answered: no honest wallet
        signs two. Its memory was put back, or copied.
        """
        position = self._numbers.get(_number_key(payment.signer, payment.sequence))
        if position is None:
            return False
        other = read_payment(decode(self._entry(position))[PAYMENT_RAW], self.network)
        return other.signer == payment.signer and other.sequence == payment.sequence

    def pending(self) -> list:
        """PAID entries of payments whose outcome is not known yet, oldest first."""
        return [decode(self._entry(position)) for position in sorted(self._pending.values())]

    def unresolved(self) -> int:
        """Number of payments made whose outcome is not known yet."""
        return len(self._pending)

    @property
    def reserved(self) -> int:
        """Balance room promised to open requests."""
        return sum(request.amount or request.ceiling for request in self.open.values())

    @property
    def in_flight(self) -> int:
        """Amount of the payments whose outcome is not known yet; a void brings it back."""
        return sum(sum(entry[TAKEN]) for entry in self.pending())

    def source(self, paid: list) -> int:
        """The purse that a PAID entry's amounts were taken from.

        An account has general money only; its payments name the purse that they fund.
        """
        if self.me.form == ACCOUNT:
            return GENERAL
        return read_payment(paid[PAYMENT_RAW], self.network).purse

    def slots(self) -> int:
        """Slots of the journal left beside those promised to requests and pending payments."""
        used = len(self._paid) + len(self._resolved) + len(self.terms) + self.unresolved()
        used += self._opened
        return JOURNAL_LIMIT - used - ANSWER_SLOTS * (len(self._outcomes) + len(self.open))

    def check_room(self, slots: int, lengths: "list[int]") -> None:
        """Whether the journal has these slots and the store room for values of these lengths.

        Beside all that has been promised: answers to open requests, outcomes of pending payments,
        and what must always fit. So ask before anything is promised or signed, for all that follows
        from it. Raises Refused(JOURNAL_FULL).
        """
        promised = [ANSWER_LENGTH] * len(self.open) + [RESOLUTION_LENGTH] * len(self._pending)
        promised.extend(_KEPT_BACK)
        promised.extend(lengths)
        if self.slots() < slots or not self.store.holds(promised):
            raise Refused(JOURNAL_FULL)

    def free_voids(self) -> int:
        """Number of voids that the journal may still take."""
        return MOST_VOIDS - len(self._voids)

    def check_void(self, request_hash: bytes, payer_hash: bytes) -> None:
        """Check that a void may be given to a payer's certificate for a request.

        Raises Refused(TOO_MANY_VOIDS).
        """
        given = self._voids.count(request_hash + payer_hash)
        if given >= MOST_VOIDS_A_PAYER or self.free_voids() <= 0:
            raise Refused(TOO_MANY_VOIDS)

    def check_free(self) -> None:
        """Whether this wallet may begin anything new. Raises Refused (FROZEN, FIRMWARE_OLDER)."""
        if self.frozen:
            raise Refused(FROZEN)
        if self.firmware < self.policy.firmware:
            raise Refused(FIRMWARE_OLDER)

    def update(self, changes: "dict[int, bytes | None]") -> None:
        """Commit verified rules (`jiaozi.wallet.install.update`) and go by them from now on.

        Not within a transaction. When it fails, nothing has changed.
        """
        raws = [changes[key] or b"" for key in _RULES]
        rules = self._read_rules(self.trust.authority, *raws)
        self.store.commit(changes)
        self.trust, self.operator, self.policy, self.epoch = rules

    def adopt(self, epoch: Epoch) -> None:
        """Commit a verified epoch and go by it from now on. Not within a transaction."""
        self.store.commit({EPOCH_KEY: epoch.raw})
        self.epoch = epoch

    def apply(self, step: Step) -> bytes:
        """Commit a step in one record and adopt it; return its reply.

        When the commit fails, nothing has changed and the step may be applied again. Raises
        Refused(BUSY) for a step made from another state than the present one: what it signed may
        bear a number that has been used since.
        """
        if step.state.base is not self.state:
            raise Refused(BUSY)
        state = step.state.copy()
        state.base = None
        changes: dict[int, bytes | None] = {}
        entry = None
        if step.entry is not None:
            entry = dumps(step.entry)
            changes[JOURNAL_KEY + state.position] = entry
            state.append(entry)
        if step.opened is not None:
            changes[open_key(step.opened.number)] = step.opened.raw
        closed = None if step.closed is None else self.open.get(step.closed)
        if closed is not None:
            changes[open_key(closed.number)] = None
        changes[STATE_KEY] = state.encode()
        self.store.commit(changes)
        self.state = state
        if entry is not None:
            self._note(state.position - 1, entry)
        if step.opened is not None:
            self.open[step.opened.hash] = step.opened
        if closed is not None:
            del self.open[closed.hash]
        return step.reply


def _number_key(signer: "bytes | memoryview", number: int) -> int:
    return (int.from_bytes(signer[:4], "little") + number) & 0x3FFFFFFF


def _number(entry: bytes) -> int:
    """The sequence number of the payment in an answer's entry, read where it stands."""
    first = entry[_NUMBER_AT]
    if first < _ONE_BYTE:
        return first
    length = 1 << (first - _ONE_BYTE)
    return int.from_bytes(entry[_NUMBER_AT + 1 : _NUMBER_AT + 1 + length], "big")

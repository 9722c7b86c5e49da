"""What changes with every payment: counters, levels of value and the head of the journal."""

from _jzcbor import dumps
from _jzcrypto import sha256
from jiaozi.wire.cose import LIST, MAP, UINT, decode, expect
from jiaozi.wire.errors import OVER_BALANCE, Refused
from jiaozi.wire.journal import MOST_COUNTS_RETURNED, OFFLINE, UNCONFIRMED
from jiaozi.wire.messages import TOP_LEVEL
from jiaozi.wire.statements import read_purses
from jiaozi.wire.suites import HASH_LENGTH
from jiaozi.wire.terms import GENERAL

_NAMES = (
    "sequence",
    "position",
    "head",
    "levels",
    "next_request",
    "floor",
    "synced_epoch",
    "offline_count",
    "offline_total",
    "unconfirmed_count",
    "unconfirmed_total",
    "settled_at",
    "counts_returned",
    "purses",
)
_FIELDS = (UINT, UINT, HASH_LENGTH, LIST, UINT, UINT, UINT, UINT, UINT, UINT, UINT, UINT, UINT, MAP)


class State:
    """The mutable part of a wallet.

    sequence: number of the next payment; position, head: where the next journal entry goes and the
    hash chained so far; levels: amounts of purse 0 by hop level; next_request, floor: number of the
    next request and the lowest that may still be credited; synced_epoch: epoch of the last
    settlement; offline_count, offline_total, unconfirmed_count, unconfirmed_total: payments since;
    settled_at: journal position of that settlement; counts_returned: voids since that gave back a
    place in the counts;
    purses: amounts by hop level of each purse with terms, by its number; base: the state that this
    one is a changed copy of, not kept in the store.
    """

    def __init__(self) -> None:
        self.sequence = 1
        self.position = 0
        self.head = bytes(HASH_LENGTH)
        self.levels: list[int] = []
        self.next_request = 1
        self.floor = 1
        self.synced_epoch = 0
        self.offline_count = 0
        self.offline_total = 0
        self.unconfirmed_count = 0
        self.unconfirmed_total = 0
        self.settled_at = 0
        self.counts_returned = 0
        self.purses: dict[int, list[int]] = {}
        self.base: State | None = None

    def encode(self) -> bytes:
        """The state as a CBOR array in the order of the attributes."""
        return dumps([getattr(self, name) for name in _NAMES])

    @staticmethod
    def decode(raw: bytes) -> "State":
        """Read what `encode` wrote. Raises Refused(MALFORMED)."""
        body = decode(raw)
        expect(body, _FIELDS)
        state = State()
        for name, value in zip(_NAMES, body):
            setattr(state, name, value)
        expect(state.levels, (UINT,) * len(state.levels))
        read_purses(state.purses)
        return state

    def copy(self) -> "State":
        """A copy to change; the original stays what was last committed."""
        other = State()
        for name in _NAMES:
            setattr(other, name, getattr(self, name))
        other.levels = list(self.levels)
        other.purses = {number: list(levels) for number, levels in self.purses.items()}
        other.base = self
        return other

    @property
    def balance(self) -> int:
        """Value held in all purses, in minor units."""
        return sum(self.levels) + sum([sum(levels) for levels in self.purses.values()])

    def held(self, purse: int) -> int:
        """Value held in one purse, in minor units."""
        return sum(self.levels if purse == GENERAL else self.purses.get(purse, ()))

    def _levels(self, purse: int) -> "list[int]":
        return self.levels if purse == GENERAL else self.purses.setdefault(purse, [])

    def debit(self, amount: int, purse: int = GENERAL) -> "list[int]":
        """Take `amount` from the lowest levels first; return the amounts taken by level.

        Raises Refused(OVER_BALANCE) and takes nothing when there is not enough.
        """
        if amount > self.held(purse):
            raise Refused(OVER_BALANCE)
        taken = []
        levels = self._levels(purse)
        for level, held in enumerate(levels):
            part = min(held, amount)
            levels[level] = held - part
            amount -= part
            taken.append(part)
            if amount == 0:
                break
        return taken

    def credit(self, level: int, amount: int, purse: int = GENERAL) -> None:
        """Add `amount` at a hop level, capped at TOP_LEVEL."""
        level = min(level, TOP_LEVEL)
        levels = self._levels(purse)
        while len(levels) <= level:
            levels.append(0)
        levels[level] += amount

    def refund(self, taken: "list[int]", purse: int = GENERAL) -> None:
        """Put back what `debit` took."""
        for level, part in enumerate(taken):
            self.credit(level, part, purse)

    def count(self, amount: int, counted: int) -> None:
        """Count a payment. counted: OFFLINE and UNCONFIRMED flags of `jiaozi.wire.journal`."""
        if counted & OFFLINE:
            self.offline_count += 1
            self.offline_total += amount
        if counted & UNCONFIRMED:
            self.unconfirmed_count += 1
            self.unconfirmed_total += amount

    def uncount(self, amount: int, counted: int) -> None:
        """Give back what `count` added; places in the counts only MOST_COUNTS_RETURNED times."""
        place = 0
        if counted & (OFFLINE | UNCONFIRMED) and self.counts_returned < MOST_COUNTS_RETURNED:
            self.counts_returned += 1
            place = 1
        if counted & OFFLINE:
            self.offline_count -= place
            self.offline_total -= amount
        if counted & UNCONFIRMED:
            self.unconfirmed_count -= place
            self.unconfirmed_total -= amount

    def restart_counters(self, position: int) -> None:
        """Start all counters anew. position: of the journal, as the settlement acknowledges it."""
        self.offline_count = self.offline_total = 0
        self.unconfirmed_count = self.unconfirmed_total = 0
        self.settled_at = position
        self.counts_returned = 0

    def level(self, level: int) -> None:
        """Make all value be of one hop level; a purse with terms that is empty is gone."""
        self.levels = [0] * level + [sum(self.levels)]
        held = {number: sum(levels) for number, levels in self.purses.items()}
        self.purses = {number: [0] * level + [part] for number, part in held.items() if part}

    def append(self, entry: bytes) -> None:
        """Chain a journal entry: the next one goes to the position after it."""
        self.head = sha256(self.head + entry)
        self.position += 1

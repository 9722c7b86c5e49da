"""What changes with every payment: counters, levels of value and the head of the journal."""

from _jzcbor import dumps
from _jzcrypto import sha256
from jiaozi.cose import LIST, UINT, decode, expect
from jiaozi.errors import OVER_BALANCE, Refused
from micropython import const

# Value that an operator pays out has level 1; each payment between wallets raises it by one, up to
# this.
TOP_LEVEL = const(15)

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
)
_FIELDS = (UINT, UINT, 32, LIST, UINT, UINT, UINT, UINT, UINT, UINT, UINT)


class State:
    """The mutable part of a wallet.

    sequence: number of the next payment; position, head: where the next journal entry goes and the
    hash chained so far; levels: amounts of purse 0 by hop level; next_request, floor: number of the
    next request and the lowest that may still be credited; synced_epoch: epoch of the last
    settlement; offline_count, offline_total, unconfirmed_count, unconfirmed_total: payments since;
    base: the state that this one is a changed copy of, not kept in the store.
    """

    def __init__(self) -> None:
        self.sequence = 1
        self.position = 0
        self.head = bytes(32)
        self.levels: list[int] = []
        self.next_request = 1
        self.floor = 1
        self.synced_epoch = 0
        self.offline_count = 0
        self.offline_total = 0
        self.unconfirmed_count = 0
        self.unconfirmed_total = 0
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
        return state

    def copy(self) -> "State":
        """A copy to change; the original stays what was last committed."""
        other = State()
        for name in _NAMES:
            setattr(other, name, getattr(self, name))
        other.levels = list(self.levels)
        other.base = self
        return other

    @property
    def balance(self) -> int:
        """Value held, in minor units."""
        return sum(self.levels)

    def debit(self, amount: int) -> "list[int]":
        """Take `amount` from the lowest levels first; return the amounts taken by level.

        Raises Refused(OVER_BALANCE) and takes nothing when there is not enough.
        """
        if amount > self.balance:
            raise Refused(OVER_BALANCE)
        taken = []
        for level, held in enumerate(self.levels):
            part = min(held, amount)
            self.levels[level] = held - part
            amount -= part
            taken.append(part)
            if amount == 0:
                break
        return taken

    def credit(self, level: int, amount: int) -> None:
        """Add `amount` at a hop level, capped at TOP_LEVEL."""
        level = min(level, TOP_LEVEL)
        while len(self.levels) <= level:
            self.levels.append(0)
        self.levels[level] += amount

    def refund(self, taken: "list[int]") -> None:
        """Put back what `debit` took."""
        for level, part in enumerate(taken):
            self.credit(level, part)

    def append(self, entry: bytes) -> None:
        """Chain a journal entry: the next one goes to the position after it."""
        self.head = sha256(self.head + entry)
        self.position += 1

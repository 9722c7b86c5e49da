"""What changes with every payment: counters, levels of value and the journal's head, in one small record."""

from _jzcbor import dumps
from micropython import const

from jiaozi.cose import LIST, UINT, decode, expect
from jiaozi.errors import OVER_BALANCE, Refused

# Value that an operator pays out has level 1; each payment between wallets raises it by one, up to this.
TOP_LEVEL = const(15)

_FIELDS = (UINT, UINT, 32, LIST, UINT, UINT, UINT, UINT, UINT, UINT, UINT)


class State:
    """The mutable part of a wallet.

    sequence: number of the next payment; position, head: where the next journal entry goes and the hash
    chained so far; levels: amounts of purse 0 by hop level; next_request, floor: number of the next request
    and the lowest that may still be credited; synced_epoch: epoch of the last settlement;
    offline_count, offline_total, unconfirmed_count, unconfirmed_total: payments since then.
    """

    def __init__(self) -> None:
        self.sequence = 1
        self.position = 0
        self.head = bytes(32)
        self.levels: list = []
        self.next_request = 1
        self.floor = 1
        self.synced_epoch = 0
        self.offline_count = 0
        self.offline_total = 0
        self.unconfirmed_count = 0
        self.unconfirmed_total = 0

    def encode(self) -> bytes:
        """The state as a CBOR array in the order of the attributes."""
        return dumps(
            [
                self.sequence,
                self.position,
                self.head,
                self.levels,
                self.next_request,
                self.floor,
                self.synced_epoch,
                self.offline_count,
                self.offline_total,
                self.unconfirmed_count,
                self.unconfirmed_total,
            ]
        )

    @staticmethod
    def decode(raw: bytes) -> "State":
        """Read what `encode` wrote. Raises Refused(MALFORMED)."""
        body = decode(raw)
        expect(body, _FIELDS)
        state = State()
        (
            state.sequence,
            state.position,
            state.head,
            state.levels,
            state.next_request,
            state.floor,
            state.synced_epoch,
            state.offline_count,
            state.offline_total,
            state.unconfirmed_count,
            state.unconfirmed_total,
        ) = body
        return state

    def copy(self) -> "State":
        """A copy to change; the original stays what was last committed."""
        other = State()
        other.__dict__.update(self.__dict__)
        other.levels = list(self.levels)
        return other

    @property
    def balance(self) -> int:
        """Value held, in minor units."""
        return sum(self.levels)

    def debit(self, amount: int) -> list:
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

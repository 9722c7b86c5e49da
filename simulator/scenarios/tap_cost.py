"""Cost of one tap between two wallets: instructions by phase and side, exchanges, bytes, time.

The critical path runs from the first byte of SELECT to the payee's commit, without idle. Both sides
are summed; overlap is not subtracted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from jiaozi_sim.client import Simulator, Wallet
from jiaozi_sim.machines.base import MarkEvent
from jiaozi_sim.machines.marks import Mark

# Marks of a moment; the work that follows them belongs to no phase.
_MOMENTS = (
    Mark.READY,
    Mark.TAP_BEGIN,
    Mark.TAP_COMMITTED,
    Mark.TAP_COMMIT_PAYER,
    Mark.TAP_END,
    Mark.ANSWERED,
)

# Model of time: cycles per instruction, bits per byte on air and wire, a fixed part per exchange.
CYCLES_AN_INSTRUCTION = 1.35
AIR_BITS, AIR_RATE = 9, 424_000
UART_BITS, UART_RATE = 10, 921_600
EXCHANGE_MS = 2.0
CLOCKS_MHZ = (64, 150)

_PATIENCE = 30


@dataclass
class TapCost:
    """payer, payee: instructions by phase; exchanges: after SELECT; bytes: of all APDUs, SELECT
    included; frame_bytes: with block framing; uart_bytes: of both sides' chips; collections:
    sides that collected garbage on the critical path.
    """

    payer: Counter[Mark] = field(default_factory=Counter)
    payee: Counter[Mark] = field(default_factory=Counter)
    exchanges: int = 0
    bytes: int = 0
    frame_bytes: int = 0
    uart_bytes: int = 0
    collections: int = 0

    @property
    def instructions(self) -> int:
        """Both sides together."""
        return self.payer.total() + self.payee.total()

    def modelled_ms(self, clock_mhz: float) -> float:
        """Return milliseconds on hardware with this clock, by the model above."""
        return (
            self.instructions * CYCLES_AN_INSTRUCTION / (clock_mhz * 1000)
            + self.bytes * AIR_BITS / AIR_RATE * 1000
            + self.uart_bytes * UART_BITS / UART_RATE * 1000
            + (self.exchanges + 1) * EXCHANGE_MS
        )


def tap(simulator: Simulator, payer: Wallet, payee: Wallet) -> TapCost:
    """Hold two wallets together until the payment is made and both are done; return the cost.

    Raises NoMark if no payment is made.
    """
    return _measure(simulator, payer, payee, _payment_sent)


def resume(simulator: Simulator, payer: Wallet, payee: Wallet) -> TapCost:
    """Like `tap`, for a tap that completes a torn one, whose payer has committed before."""
    return _measure(simulator, payer, payee, _last_sent)


# Returns the mark at which the payer's part of the critical path ends, from its marks in this tap
# and the payee's commit.
_Ending = Callable[[Sequence[MarkEvent], MarkEvent], MarkEvent]


def _payment_sent(marks: Sequence[MarkEvent], _credited: MarkEvent) -> MarkEvent:
    """Return the payer's first link mark after its commit."""
    committed = next(m.index for m in marks if m.mark == Mark.TAP_COMMIT_PAYER)
    return next(m for m in marks if m.index > committed and m.mark == Mark.LINK)


def _last_sent(marks: Sequence[MarkEvent], credited: MarkEvent) -> MarkEvent:
    """Return the payer's last link mark before the payee's commit."""
    return [m for m in marks if m.mark == Mark.LINK and m.host_ns < credited.host_ns][-1]


def _measure(simulator: Simulator, payer: Wallet, payee: Wallet, ending: _Ending) -> TapCost:
    before = {wallet.name: _newest(wallet) for wallet in (payer, payee)}
    carried = payer.nfc_bytes + payee.nfc_bytes
    with simulator.tapped(payer.name, payee.name):
        credited = payee.wait_mark(Mark.TAP_COMMITTED, _PATIENCE, before[payee.name])
        uart = payer.nfc_bytes + payee.nfc_bytes - carried
        payee.wait_mark(Mark.TAP_END, _PATIENCE, credited.index)
        sent = ending(payer.marks(before[payer.name]), credited)
        payer.wait_mark(Mark.TAP_END, _PATIENCE, sent.index)
    air = simulator.air()["taps"][-1]
    cost = TapCost(
        payer=by_phase(payer.marks(before[payer.name]), sent),
        payee=by_phase(payee.marks(before[payee.name]), credited),
        exchanges=air["exchanges"] - 1,
        bytes=air["apdu_bytes"],
        frame_bytes=air["frame_bytes"],
        uart_bytes=uart,
    )
    cost.collections = sum(Mark.GC in side for side in (cost.payer, cost.payee))
    return cost


def mean(costs: Sequence[TapCost]) -> TapCost:
    """Return the mean of several taps of one kind; collections are summed."""
    count = len(costs)

    def spent(sides: Sequence[Counter[Mark]]) -> Counter[Mark]:
        return Counter({phase: total // count for phase, total in sum(sides, Counter()).items()})

    return TapCost(
        payer=spent([cost.payer for cost in costs]),
        payee=spent([cost.payee for cost in costs]),
        exchanges=max(cost.exchanges for cost in costs),
        bytes=max(cost.bytes for cost in costs),
        frame_bytes=sum(cost.frame_bytes for cost in costs) // count,
        uart_bytes=sum(cost.uart_bytes for cost in costs) // count,
        collections=sum(cost.collections for cost in costs),
    )


def _newest(wallet: Wallet) -> int:
    marks = wallet.marks()
    return marks[-1].index + 1 if marks else 0


def by_phase(marks: Sequence[MarkEvent], end: MarkEvent) -> Counter[Mark]:
    """Return instructions by phase from the last TAP_BEGIN to `end`, without idle."""
    start = max(m.index for m in marks if m.mark == Mark.TAP_BEGIN and m.index < end.index)
    inside = [m for m in marks if start <= m.index <= end.index]
    spent: Counter[Mark] = Counter()
    for mark, following in pairwise(inside):
        phase = Mark.PYTHON if mark.mark in _MOMENTS else Mark(mark.mark)
        spent[phase] += following.work - mark.work
    return spent

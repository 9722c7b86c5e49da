"""Catalogue of flows: how each is prepared and played, and the condition it must reach.

A flow is played once undisturbed, and again after every cut: tap again, or repeat the command at
the desk. So `play` does what is still to be done, as people would. At the end the wallets must hold
what they hold at the end of the undisturbed flow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from jiaozi.wire.commands import CARD, READER
from jiaozi_sim.machines.base import MachineError
from tests.sweep.engine.cuts import Cut, Recorder, torn_nvm
from tests.sweep.engine.explorer import APART, clear_field
from tests.sweep.flows import operator_flows as at_desk
from tests.sweep.flows.actors import PAYEE, PAYER, Actors, rewrite_nvm
from tests.sweep.flows.full_store import fill_nvm
from tests.sweep.flows.oracle import is_tidy

FUNDS, AMOUNT, LARGE = 1000_00, 25_00, 600_00
GROCER, PURSE, BOUND = 5411, 7, 50_00


def nothing(actors: Actors) -> None:
    """Prepare nothing."""


def always(actors: Actors) -> bool:
    """Require nothing beyond that all is settled."""
    return True


@dataclass(frozen=True)
class Flow:
    """One use of two wallets.

    start: name of the wallets' initial state, in STARTS; arm: preparation; play: the flow itself;
    reached: further condition, awaited after the settlement, and if `lasting` also after a cut;
    only: selects the events that are cut, by wallet and number of frames before; tap: it is a tap
    of two wallets (the payee can void, both can sync); settles: an operator settles a journal,
    whose entries may then be deleted; sampled: `make test` tries a few cuts of it.
    """

    name: str
    play: Callable[[Actors], None]
    arm: Callable[[Actors], None] = nothing
    start: str = "funded"
    reached: Callable[[Actors], bool] = always
    lasting: bool = False
    only: Callable[[str, int], bool] = lambda wallet, frames: True
    tap: bool = True
    settles: bool = False
    sampled: bool = False


# Initial states -----------------------------------------------------------------------------------


def _funded(actors: Actors, category: int = 0) -> None:
    desk = actors.desk
    desk.boot(PAYER)
    desk.provision(PAYER)
    desk.boot(PAYEE)
    desk.provision(PAYEE, category)
    desk.top_up(PAYER, FUNDS)


def _bound(actors: Actors) -> None:
    _funded(actors, GROCER)
    actors.desk.operator.make_terms(PURSE, [GROCER], 9, BOUND)
    actors.desk.top_up(PAYER, BOUND, PURSE)


def _blank(actors: Actors) -> None:
    actors.desk.boot(PAYER)
    actors.desk.provision(PAYER)
    actors.desk.top_up(PAYER, FUNDS)


STARTS: dict[str, Callable[[Actors], None]] = {
    "funded": _funded,
    "bound": _bound,
    "blank": _blank,
}

# Taps -------------------------------------------------------------------------------------------


def payee_reads(actors: Actors, amount: int = AMOUNT) -> None:
    """Arm the payee to request an amount from the card it reads."""
    actors.desk.receive(PAYEE, amount, READER)


def _payer_reads(actors: Actors, asked: int = AMOUNT) -> None:
    actors.desk.receive(PAYEE, asked, CARD)
    actors.desk.pay(PAYER, AMOUNT, READER)


def _payee_reads_open(actors: Actors) -> None:
    actors.desk.receive(PAYEE, 0, READER)
    actors.desk.pay(PAYER, AMOUNT, CARD)


def _tap(actors: Actors) -> None:
    actors.tap()


def _entered(role: int, actors: Actors) -> None:
    actors.rearm(AMOUNT, role)
    actors.tap()


def _same_epoch(actors: Actors) -> bool:
    return len({book.epoch.number for book in actors.books()}) == 1


def _epoch_ahead(ahead: str, actors: Actors) -> None:
    actors.desk.authority.advance()
    actors.desk.operator.refresh()
    actors.desk.update(ahead)
    payee_reads(actors)


# Taps torn before ---------------------------------------------------------------------------------


def _torn(actors: Actors) -> None:
    payee_reads(actors)
    actors.tear()


def _torn_and_cancelled(actors: Actors) -> None:
    _torn(actors)
    actors.press(PAYEE, "cancel")
    actors.bench.run_for(2.0)


# Starts that must recover -------------------------------------------------------------------------


def _cut_before(at: int, torn: str, actors: Actors) -> None:
    """Cut one side's payment record at its first commit word; that side stays without power."""
    payee_reads(actors)
    recorder = Recorder(actors.bench)
    actors.tap()
    recorder.stop()
    event = recorder.events[at]
    if event.snapshot is None:
        raise MachineError("the events were recorded without snapshots")
    actors.desk.bench = event.snapshot.restored()
    clear_field(actors.bench)
    left = torn_nvm(event, Cut(at, len(event.stores) - 2, torn), actors.desk.seed)
    rewrite_nvm(actors, event.wallet, lambda image: left)
    actors.bench.run_for(APART)


def play_start(actors: Actors) -> None:
    """Power up the wallets that have none, then tap."""
    for name, wallet in actors.bench.wallets.items():
        if not wallet.core.powered:
            actors.desk.boot(name)
    actors.tap()


def _before_any_frame(wallet: str, frames: int) -> bool:
    return frames == 0


# Stores that must be tidied -----------------------------------------------------------------------


# Bytes left in the active page: too few for the next payment, and arming takes some before that.
_ROOM = {PAYER: 600, PAYEE: 1000}


def _full(actors: Actors) -> None:
    """Fill both stores so far that the next payment makes the wallets copy and erase when idle."""
    for name, room in _ROOM.items():
        rewrite_nvm(actors, name, partial(fill_nvm, room))
        actors.desk.boot(name)
    actors.bench.run_for(2.0)
    payee_reads(actors)


def _are_tidy(actors: Actors) -> bool:
    return all(is_tidy(wallet.core.read_nvm()) for wallet in actors.bench.wallets.values())


TAPS = (
    Flow("payee-reads", _tap, payee_reads, sampled=True),
    Flow("payer-reads", partial(_entered, READER), _payer_reads, sampled=True),
    Flow("payee-reads-open", partial(_entered, CARD), _payee_reads_open),
    Flow("payer-reads-open", partial(_entered, READER), partial(_payer_reads, asked=0)),
    Flow("payee-reads-confirmed", _tap, partial(payee_reads, amount=LARGE), sampled=True),
    Flow("purse", _tap, payee_reads, start="bound"),
    Flow("epoch-from-reader", _tap, partial(_epoch_ahead, PAYEE), reached=_same_epoch),
    Flow("epoch-from-card", _tap, partial(_epoch_ahead, PAYER), reached=_same_epoch),
    Flow("resume", _tap, _torn),
    Flow("void", _tap, _torn_and_cancelled),
    *(
        Flow(
            f"start-{name}-{torn}",
            play_start,
            partial(_cut_before, at, torn),
            only=_before_any_frame,
        )
        for at, name in ((0, PAYER), (1, PAYEE))
        for torn in ("old", "new")
    ),
    Flow("tidy", _tap, _full, reached=_are_tidy, lasting=True),
)

DESK = (
    Flow("top-up", at_desk.play_top_up, tap=False, sampled=True),
    Flow("purse-top-up", at_desk.play_purse_top_up, at_desk.arm_purse, tap=False),
    Flow("cash-out", at_desk.play_cash_out, tap=False),
    Flow("update", at_desk.play_update, at_desk.arm_update, tap=False),
    Flow("pin-change", at_desk.play_pin_change, at_desk.arm_pin_change, tap=False, sampled=True),
    Flow("sync", at_desk.play_sync, at_desk.arm_sync, tap=False, settles=True),
    Flow("rotation", at_desk.play_rotation, at_desk.arm_sync, tap=False, settles=True),
    Flow("provision", at_desk.play_provision, start="blank", tap=False),
)

FLOWS = {flow.name: flow for flow in (*TAPS, *DESK)}

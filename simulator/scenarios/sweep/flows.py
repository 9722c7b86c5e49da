"""The flows of a sweep, as data: how each is prepared, how it is played, what must be reached.

A flow is played once whole, and from every cut once more: tap again, or the desk tries its command
again. `play` therefore does whatever is still to be done, as people would. At the end the wallets
must hold what they hold at the end of the undisturbed flow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from jiaozi.wire.commands import CARD, READER
from jiaozi_sim.machines.base import MachineError
from jiaozi_sim.sweep.cuts import Cut, Recorder, torn_nvm
from jiaozi_sim.sweep.explore import APART, empty
from scenarios.sweep import desk
from scenarios.sweep.fill import fill_nvm
from scenarios.sweep.oracle import is_tidy
from scenarios.sweep.scene import PAYEE, PAYER, Scene, rewrite_nvm

FUNDS, AMOUNT, LARGE = 1000_00, 25_00, 600_00
GROCER, PURSE, BOUND = 5411, 7, 50_00


def nothing(scene: Scene) -> None:
    """No preparation."""


def always(scene: Scene) -> bool:
    """Nothing more than that all is settled."""
    return True


@dataclass(frozen=True)
class Flow:
    """One way of using two wallets.

    start: the wallets it starts from, a name of STARTS; arm: what is done before; play: the flow
    itself; reached: what it comes to besides, waited for once all is settled, and if `lasting` also
    after a cut; only: the events that are cut, by wallet and number of frames before; tap: whether
    it is a tap of two wallets, with a payee who can void and both who can sync; settles: whether
    an operator settles a journal, which may then be forgotten; sampled: whether `make test` has a
    few cuts of it.
    """

    name: str
    play: Callable[[Scene], None]
    arm: Callable[[Scene], None] = nothing
    start: str = "funded"
    reached: Callable[[Scene], bool] = always
    lasting: bool = False
    only: Callable[[str, int], bool] = lambda seat, frames: True
    tap: bool = True
    settles: bool = False
    sampled: bool = False


# Where flows start ------------------------------------------------------------------------------


def _funded(scene: Scene, category: int = 0) -> None:
    rig = scene.rig
    rig.boot(PAYER)
    rig.provision(PAYER)
    rig.boot(PAYEE)
    rig.provision(PAYEE, category)
    rig.top_up(PAYER, FUNDS)


def _bound(scene: Scene) -> None:
    _funded(scene, GROCER)
    scene.rig.operator.make_terms(PURSE, [GROCER], 9, BOUND)
    scene.rig.top_up(PAYER, BOUND, PURSE)


def _blank(scene: Scene) -> None:
    scene.rig.boot(PAYER)
    scene.rig.provision(PAYER)
    scene.rig.top_up(PAYER, FUNDS)


STARTS: dict[str, Callable[[Scene], None]] = {
    "funded": _funded,
    "bound": _bound,
    "blank": _blank,
}

# Taps -------------------------------------------------------------------------------------------


def payee_reads(scene: Scene, amount: int = AMOUNT) -> None:
    """The payee is armed to ask who it reads for an amount."""
    scene.rig.receive(PAYEE, amount, READER)


def _payer_reads(scene: Scene, asked: int = AMOUNT) -> None:
    scene.rig.receive(PAYEE, asked, CARD)
    scene.rig.pay(PAYER, AMOUNT, READER)


def _payee_reads_open(scene: Scene) -> None:
    scene.rig.receive(PAYEE, 0, READER)
    scene.rig.pay(PAYER, AMOUNT, CARD)


def _tap(scene: Scene) -> None:
    scene.tap()


def _entered(role: int, scene: Scene) -> None:
    scene.rearm(AMOUNT, role)
    scene.tap()


def _same_epoch(scene: Scene) -> bool:
    return len({book.epoch.number for book in scene.books()}) == 1


def _epoch_ahead(ahead: str, scene: Scene) -> None:
    scene.rig.authority.advance()
    scene.rig.operator.refresh()
    scene.rig.update(ahead)
    payee_reads(scene)


# What was torn before ---------------------------------------------------------------------------


def _torn(scene: Scene) -> None:
    payee_reads(scene)
    scene.tear()


def _torn_and_cancelled(scene: Scene) -> None:
    _torn(scene)
    scene.press(PAYEE, "cancel")
    scene.bench.run_for(2.0)


# A start that must recover --------------------------------------------------------------------


def _cut_before(at: int, torn: str, scene: Scene) -> None:
    """A payment's record of one side, cut at its first commit word; that side is without power."""
    payee_reads(scene)
    recorder = Recorder(scene.bench)
    scene.tap()
    recorder.stop()
    event = recorder.events[at]
    if event.snapshot is None:
        raise MachineError("the events were recorded without snapshots")
    scene.rig.bench = event.snapshot.restored()
    empty(scene.bench)
    left = torn_nvm(event, Cut(at, len(event.stores) - 2, torn), scene.rig.seed)
    rewrite_nvm(scene, event.seat, lambda image: left)
    scene.bench.run_for(APART)


def play_start(scene: Scene) -> None:
    """Give power to whoever has none, then tap."""
    for name, seat in scene.bench.seats.items():
        if not seat.core.powered:
            scene.rig.boot(name)
    scene.tap()


def _before_any_frame(seat: str, frames: int) -> bool:
    return frames == 0


# Journals that must be tidied -------------------------------------------------------------------


# Bytes of a page that the next payment does not find room in; being armed takes some before.
_ROOM = {PAYER: 600, PAYEE: 1000}


def _full(scene: Scene) -> None:
    """So full stores that the next payment makes both wallets copy and erase at rest."""
    for name, room in _ROOM.items():
        rewrite_nvm(scene, name, partial(fill_nvm, room))
        scene.rig.boot(name)
    scene.bench.run_for(2.0)
    payee_reads(scene)


def _are_tidy(scene: Scene) -> bool:
    return all(is_tidy(seat.core.read_nvm()) for seat in scene.bench.seats.values())


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
    Flow("top-up", desk.play_top_up, tap=False, sampled=True),
    Flow("purse-top-up", desk.play_purse_top_up, desk.arm_purse, tap=False),
    Flow("cash-out", desk.play_cash_out, tap=False),
    Flow("update", desk.play_update, desk.arm_update, tap=False),
    Flow("pin-change", desk.play_pin_change, desk.arm_pin_change, tap=False, sampled=True),
    Flow("sync", desk.play_sync, desk.arm_sync, tap=False, settles=True),
    Flow("rotation", desk.play_rotation, desk.arm_sync, tap=False, settles=True),
    Flow("provision", desk.play_provision, start="blank", tap=False),
)

FLOWS = {flow.name: flow for flow in (*TAPS, *DESK)}

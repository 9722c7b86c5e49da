"""What people do in a flow: hold wallets together, press OK, arm again, go to the desk again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from jiaozi.wallet.book import Book
from jiaozi.wire import errors
from jiaozi_host.errors import BadAnswer, CardGone
from jiaozi_sim.bridge import PIN_LEVEL, frame
from jiaozi_sim.field import FrameRecord
from jiaozi_sim.machines.base import NVM_SIZE
from jiaozi_sim.sweep.bench import Bench, Stuck
from jiaozi_sim.sweep.explore import images
from scenarios.sweep.oracle import Broken, is_settled, read_book
from scenarios.sweep.rig import SweepRig

PAYER, PAYEE = "payer", "payee"
PATIENCE = 60.0
"""Virtual seconds in which wallets that are held together must come to an end."""

_VISITS = 5
_HELD_DOWN = 0.6
_LOOK_AGAIN = 4.0


class Scene:
    """Two wallets and an operator's desk.

    restarted: the wallets that have lost their power meanwhile; whatever they were armed for is
    forgotten, and their owners see that.
    """

    def __init__(self, rig: SweepRig, restarted: Collection[str] = ()) -> None:
        self.rig = rig
        self.restarted = set(restarted)

    @property
    def bench(self) -> Bench:
        """Where it happens."""
        return self.rig.bench

    def book(self, name: str) -> Book:
        """What a wallet remembers. Raises Broken where there is none."""
        found = read_book(self.bench.seats[name].core.read_nvm())
        if found is None:
            raise Broken(f"the {name}'s device is no wallet")
        return found

    def books(self) -> list[Book]:
        """What the wallets remember; a device that is none yet is left out."""
        found = (read_book(image) for image in images(self.bench).values())
        return [book for book in found if book is not None]

    def settled(self) -> bool:
        """Whether nothing is pending and no request is open."""
        return is_settled(self.books())

    def press(self, name: str, button: str) -> None:
        """Press a button for a while."""
        [pin] = [one.pin for one in self.rig.board.buttons if one.name == button]
        seat = self.bench.seats[name]
        seat.feed("bridge", frame(PIN_LEVEL, pin, b"\0"))
        released = frame(PIN_LEVEL, pin, b"\1")
        self.bench.scheduler.call_later(_HELD_DOWN, seat.feed, "bridge", released)

    # Taps -----------------------------------------------------------------------------------------

    def together(self, done: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Hold the wallets together until `done()`, which is asked after stores into NVM.

        Whenever the payer has asked for confirmation, OK is pressed there. Raises Stuck.
        """
        bench = self.bench
        for seat in bench.seats.values():
            bench.field.place(seat.chip)
        asked, looked = len(bench.field.log), -1

        def over() -> bool:
            nonlocal asked, looked
            if len(bench.field.log) != asked:
                asked = len(bench.field.log)
                if _asks_to_confirm(bench.field.log[-1]):
                    self.press(PAYER, "ok")
            if bench.commits == looked:
                return False
            looked = bench.commits
            return done()

        bench.run_until(over, patience)

    def tap(self) -> None:
        """Tap until everything is settled; arm again what has forgotten what it was armed for."""
        self.together(self.settled)

    def linger(self, done: Callable[[], bool]) -> None:
        """Hold the wallets together a while longer, for what may come after the outcome."""
        try:
            self.together(done, _LOOK_AGAIN)
        except Stuck:
            return

    def apart(self) -> None:
        """Take the wallets away from each other and let them come to rest."""
        for seat in self.bench.seats.values():
            self.bench.field.remove(seat.chip)
        self.bench.run_for(_LOOK_AGAIN)

    def tear(self) -> None:
        """Tap, and take the wallets apart at the moment at which the payer has committed."""
        position = self.book(PAYER).state.position
        self.together(lambda: self.book(PAYER).state.position > position)
        self.apart()

    def rearm(self, amount: int, role: int) -> None:
        """The payer's owner enters the amount again if the display does not say it is under way."""
        if PAYER in self.restarted and self.book(PAYEE).open and not self.book(PAYER).unresolved():
            self.insist(partial(self.rig.pay, PAYER, amount, role))

    # Desk -----------------------------------------------------------------------------------------

    def look_at(self, names: Collection[str]) -> None:
        """Have the desk look whether wallets answer."""
        for name in names:
            with self.rig.at_desk(name) as link:
                self.rig.client(link)

    def insist(self, visit: Callable[[], object]) -> None:
        """Try a command at the desk again until the card stays for all of it."""
        for _ in range(_VISITS):
            try:
                visit()
            except (CardGone, BadAnswer):
                continue
            return
        raise Broken(f"the desk has tried {_VISITS} times in vain")


def _asks_to_confirm(record: FrameRecord) -> bool:
    word = errors.CONSENT_NEEDED.to_bytes(2, "big")
    return record.direction == "<" and record.data.endswith(word)


def boot(scene: Scene, name: str) -> None:
    """Give a wallet power if it has none."""
    if not scene.bench.seats[name].core.powered:
        scene.rig.boot(name)


def rewrite_nvm(scene: Scene, name: str, change: Callable[[bytes], bytes]) -> None:
    """Take a wallet's power and change its NVM."""
    seat = scene.bench.seats[name]
    seat.cut_power()
    image = change(seat.core.read_nvm())
    if len(image) != NVM_SIZE:
        raise Broken("an NVM image has another size")
    seat.core.write_nvm(image)

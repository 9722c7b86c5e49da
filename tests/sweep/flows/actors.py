"""Actors of a flow: owners who tap, press OK and arm again, and an operator's desk to go to."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from jiaozi.wallet.book import Book
from jiaozi.wire import errors
from jiaozi_host.errors import BadAnswer, CardGone
from jiaozi_sim.field import FrameRecord
from jiaozi_sim.machines.base import NVM_SIZE
from tests.sweep.engine.bench import Bench, Stuck
from tests.sweep.engine.explorer import images
from tests.sweep.flows.operator_desk import DRAWN_SECONDS, OperatorDesk
from tests.sweep.flows.oracle import Broken, is_settled, read_book

PAYER, PAYEE = "payer", "payee"
PATIENCE = 60.0
"""Time limit for a tap, in virtual seconds."""

_VISITS = 5
_PRESS_SECONDS = 0.6
_IDLE_SECONDS = 4.0


class Actors:
    """Two wallets with their owners, and an operator's desk.

    restarted: wallets that have lost their power in this flow; they are not armed any longer, and
    their owners see that on the display.
    """

    def __init__(self, desk: OperatorDesk, restarted: Collection[str] = ()) -> None:
        self.desk = desk
        self.restarted = set(restarted)
        self._confirm_again = 0.0

    @property
    def bench(self) -> Bench:
        """The test bench that the wallets are on."""
        return self.desk.bench

    def book(self, name: str) -> Book:
        """Read a wallet's book from its NVM. Raises Broken if the device is not provisioned."""
        found = read_book(self.bench.wallets[name].core.read_nvm())
        if found is None:
            raise Broken(f"the {name}'s device is not provisioned")
        return found

    def books(self) -> list[Book]:
        """Read the books of all provisioned wallets."""
        found = (read_book(image) for image in images(self.bench).values())
        return [book for book in found if book is not None]

    def settled(self) -> bool:
        """True if no payment is pending and no request is open."""
        return is_settled(self.books())

    def press(self, name: str, button: str) -> None:
        """Press a button and release it later."""
        self.bench.wallets[name].press(self._pin(button), _PRESS_SECONDS)

    def _pin(self, button: str) -> int:
        [pin] = [one.pin for one in self.desk.board.buttons if one.name == button]
        return pin

    def _confirm(self) -> None:
        """Have the payer press OK once the question is drawn, unless a press is under way."""
        now = self.bench.scheduler.now()
        if now < self._confirm_again:
            return
        self._confirm_again = now + 2 * DRAWN_SECONDS
        wallet = self.bench.wallets[PAYER]
        press = DRAWN_SECONDS, wallet.press, self._pin("ok"), _PRESS_SECONDS
        self.bench.scheduler.call_later(*press)

    # Taps -----------------------------------------------------------------------------------------

    def hold_together(self, done: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Hold the wallets together until `done()`, which is checked after stores into NVM.

        Press OK whenever the payer asks for confirmation. Raises Stuck after `patience` seconds.
        """
        bench = self.bench
        for wallet in bench.wallets.values():
            bench.field.place(wallet.chip)
        frames, commits = len(bench.field.log), -1

        def over() -> bool:
            nonlocal frames, commits
            if len(bench.field.log) != frames:
                frames = len(bench.field.log)
                if _asks_to_confirm(bench.field.log[-1]):
                    self._confirm()
            if bench.commits == commits:
                return False
            commits = bench.commits
            return done()

        bench.run_until(over, patience)

    def tap(self) -> None:
        """Hold the wallets together until everything is settled."""
        self.hold_together(self.settled)

    def linger(self, done: Callable[[], bool]) -> None:
        """Hold the wallets together for some more seconds, or until `done()`."""
        try:
            self.hold_together(done, _IDLE_SECONDS)
        except Stuck:
            return

    def separate(self) -> None:
        """Take the wallets apart and wait until they are idle."""
        for wallet in self.bench.wallets.values():
            self.bench.field.remove(wallet.chip)
        self.bench.run_for(_IDLE_SECONDS)

    def tear(self) -> None:
        """Tap, and take the wallets apart right after the payer's commit."""
        position = self.book(PAYER).state.position
        self.hold_together(lambda: self.book(PAYER).state.position > position)
        self.separate()

    def rearm(self, amount: int, role: int) -> None:
        """Arm the restarted payer again, unless its display shows a payment under way."""
        if PAYER in self.restarted and self.book(PAYEE).open and not self.book(PAYER).unresolved():
            self.retry(partial(self.desk.pay, PAYER, amount, role))

    # Desk -----------------------------------------------------------------------------------------

    def check_answers(self, names: Collection[str]) -> None:
        """Select each wallet at the desk. Raises HostError if one does not answer."""
        for name in names:
            with self.desk.at_reader(name) as link:
                self.desk.client(link)

    def retry(self, visit: Callable[[], object]) -> None:
        """Repeat a command at the desk until the card answers all of it. Raises Broken."""
        for _ in range(_VISITS):
            try:
                visit()
            except (CardGone, BadAnswer):
                continue
            return
        raise Broken(f"the desk's command has failed {_VISITS} times")


def _asks_to_confirm(record: FrameRecord) -> bool:
    word = errors.CONSENT_NEEDED.to_bytes(2, "big")
    return record.direction == "<" and record.data.endswith(word)


def rewrite_nvm(actors: Actors, name: str, change: Callable[[bytes], bytes]) -> None:
    """Cut a wallet's power and replace its NVM by `change(NVM)`."""
    wallet = actors.bench.wallets[name]
    wallet.cut_power()
    image = change(wallet.core.read_nvm())
    if len(image) != NVM_SIZE:
        raise Broken("an NVM image has another size")
    wallet.core.write_nvm(image)

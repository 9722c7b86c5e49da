"""`make demo`: three wallets pay each other offline, taps break off, and the totals are checked.

The wallets run the release images of two boards on emulated microcontrollers; the host's tools
reach them through nfcpy and an emulated PN532. Pictures of the displays go to build/demo/. Exits
with 1 if a total is wrong.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from jiaozi.wire import commands
from jiaozi_host.errors import HostError
from jiaozi_host.money import format_amount as money
from jiaozi_sim.client import SimulatorError, Wallet
from jiaozi_sim.machines.marks import Mark
from scenarios import pictures
from scenarios.rig import Rig
from scenarios.tap_cost import CLOCKS_MHZ, TapCost, resume, tap

BUILD = Path("build") / "demo"
OVERVIEW = "overview.png"
BOARDS = {"alice": "visual_card", "bob": "wearable", "carol": "visual_card"}
ISSUED = 1_000_000_00
SEED = b"jiaozi demo"
TOP_UPS = {"alice": 100_00, "bob": 5_00, "carol": 0}

# When the payee reads, the card's first four blocks carry the answer to SELECT, the next ones the
# payment. Losing those breaks the tap off after the payer has committed.
_FIRST_PAYMENT_BLOCK = 5

# Words of a payment's record in the journal: about 200.
_HALF_A_RECORD = 100
_PATIENCE = 20.0

console = Console(highlight=False)


class Off(Exception):
    """A total is wrong."""


def check(what: str, found: int, expected: int) -> None:
    """Raise Off unless an amount is as expected."""
    if found != expected:
        raise Off(f"{what} is {money(found)}, not {money(expected)}")


class Demo:
    """The steps of the demo. balances: expected balance of each wallet."""

    def __init__(self, rig: Rig, build: Path) -> None:
        self.rig = rig
        self._build = build
        self.wallets: dict[str, Wallet] = {}
        self.balances: dict[str, int] = {}
        self.costs: list[tuple[str, TapCost]] = []
        self._step = 0

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show a line of progress, ticked when the block is done."""
        self._step += 1
        with console.status(f"{self._step:2} {text}"):
            yield
        console.print(f"[green]✓[/green] {self._step:2} {text}")

    def set_up(self) -> None:
        """Provision and top up at the operator's reader."""
        for name, board in BOARDS.items():
            with self.step(f"make {name} a wallet: {board}, through nfcpy and a PN532"):
                self.wallets[name] = self.rig.add(name, board)
                self.rig.provision(self.wallets[name])
                self.balances[name] = 0
        for name, amount in TOP_UPS.items():
            if amount:
                with self.step(f"top up {name} with {money(amount)} from the operator's account"):
                    self.rig.top_up(self.wallets[name], amount)
                    self.balances[name] += amount
                    self.picture(name, f"{name}-topped-up")

    def offline(self) -> None:
        """Make four payments offline, one across a broken tap and one across a power cut."""
        with self.step("disconnect the operator: no ledger from here on"):
            self.rig.go_offline()
        self.pay("alice", "bob", 25_00, "the payee reads", commands.READER)
        self.pay("bob", "carol", 20_00, "value just received, the payer reads", commands.CARD)
        self.tear("carol", "alice", 8_00)
        self.brown_out("alice", "bob", 3_00)
        with self.step("compare the balance of each wallet"):
            self.agree()

    def pay(self, payer: str, payee: str, amount: int, how: str, payee_role: int) -> None:
        """Make one payment in one tap."""
        with self.step(f"{payer} pays {payee} {money(amount)} offline ({how})"):
            source, target = self.wallets[payer], self.wallets[payee]
            if payee_role == commands.READER:
                self.rig.receive(target, amount, payee_role)
            else:
                self.rig.receive(target, 0, payee_role)
                self.rig.pay(source, amount, commands.READER)
            self.costs.append((f"{payer} → {payee}", tap(self.rig.simulator, source, target)))
            self.moved(payer, payee, amount)
            self.picture(payer, f"{payer}-paid")
            self.picture(payee, f"{payee}-received")

    def tear(self, payer: str, payee: str, amount: int) -> None:
        """Lose the payment's frames in one tap, and finish the payment in the next."""
        source, target = self.wallets[payer], self.wallets[payee]
        simulator = self.rig.simulator
        with self.step(f"{payer} pays {payee} {money(amount)}: broken off after {payer} committed"):
            self.rig.receive(target, amount)
            after = source.marks()[-1].index
            simulator.fault("lose", direction="<", kind="I", since=_FIRST_PAYMENT_BLOCK)
            with simulator.tapped(payer, payee):
                committed = source.wait_mark(Mark.TAP_COMMIT_PAYER, 20, after)
                target.wait_mark(Mark.TAP_END, 20, target.marks()[-1].index)
            simulator.clear_faults()
            source.wait_mark(Mark.TAP_END, 20, committed.index)
            self.picture(payer, f"{payer}-torn")
        held = sum(self.rig.balance(wallet) for wallet in self.wallets.values())
        check("value in flight after the broken tap", sum(self.balances.values()) - held, amount)
        console.print(f"      in flight: {money(amount)}; nothing lost, nothing created")
        with self.step("tap again: the same payment is sent again and credited once"):
            self.costs.append((f"{payer} → {payee}, resumed", resume(simulator, source, target)))
            self.moved(payer, payee, amount)
            self.picture(payee, f"{payee}-resumed")

    def brown_out(self, payer: str, payee: str, amount: int) -> None:
        """Cut the payer's power while it writes the payment, then pay in the next tap."""
        source, target = self.wallets[payer], self.wallets[payee]
        simulator = self.rig.simulator
        with self.step(f"{payer} pays {payee} {money(amount)}: power fails while {payer} writes"):
            self.rig.receive(target, amount)
            source.cut_after_stores(_HALF_A_RECORD)
            after = target.marks()[-1].index
            with simulator.tapped(payer, payee):
                end = time.monotonic() + _PATIENCE
                while source.running:
                    if time.monotonic() > end:
                        raise Off(f"the power of {payer} was not cut")
                    time.sleep(0.05)
            target.wait_mark(Mark.TAP_END, _PATIENCE, after)
        with self.step("power on and tap again: nothing had been paid, now it is paid once"):
            source.start()
            source.wait_mark(Mark.READY, _PATIENCE)
            self.costs.append((f"{payer} → {payee}, powered up", tap(simulator, source, target)))
            self.moved(payer, payee, amount)

    def moved(self, payer: str, payee: str, amount: int) -> None:
        """Enter a payment into the expected balances."""
        self.balances[payer] -= amount
        self.balances[payee] += amount

    def agree(self) -> None:
        """Check the balance that each wallet shows."""
        for name, wallet in self.wallets.items():
            check(f"{name}'s balance", self.rig.balance(wallet), self.balances[name])

    def settle(self) -> None:
        """Connect the operator, sync all wallets and compare them with the ledger."""
        self.rig.go_online()
        for name, wallet in self.wallets.items():
            with self.step(f"sync {name} to the ledger"):
                synced = self.rig.sync(wallet)
                check(f"{name}'s statement", synced.balance, self.balances[name])
                if not synced.settled:
                    raise Off(f"{name} was not settled: {synced.findings}")
        with self.step("check the totals of the ledger"):
            self.totals()

    def totals(self) -> None:
        """Show balances and invariant; raise Off if a total is wrong."""
        report = self.rig.report()
        names = {wallet: name for name, wallet in self.rig.ids.items()}
        table = Table(title="The ledger after sync")
        for heading in ("wallet", "id", "balance"):
            table.add_column(heading, justify="right" if heading == "balance" else "left")
        for line in report.lines:
            table.add_row(names.get(line.id, "operator"), line.id.hex(), money(line.balance))
            if line.id in names:
                check(
                    f"{names[line.id]} in the ledger", line.balance, self.balances[names[line.id]]
                )
        table.add_section()
        table.add_row("balances", "", money(report.balances))
        table.add_row("in flight", "", money(report.value_in_flight))
        table.add_row("issued − redeemed", "", money(report.issued))
        console.print(table)
        check("balances + in flight", report.balances + report.value_in_flight, ISSUED)
        if not report.holds or report.findings:
            raise Off(f"the ledger does not add up: {report.findings}")

    def picture(self, name: str, file: str) -> None:
        """Save a picture of a display once it is drawn."""
        pictures.keep(self.wallets[name], self._build / f"{file}.png")

    def show_costs(self) -> None:
        """Show the cost of each tap."""
        table = Table(title="Taps: SELECT to the payee's commit")
        headings = ("exchanges", "bytes", "payer", "payee", *(f"ms at {c} MHz" for c in CLOCKS_MHZ))
        table.add_column("tap")
        for heading in headings:
            table.add_column(heading, justify="right")
        for name, cost in self.costs:
            sides = (f"{side.total() / 1e6:.2f} M" for side in (cost.payer, cost.payee))
            times = (f"{cost.modelled_ms(clock):.0f}" for clock in CLOCKS_MHZ)
            table.add_row(name, str(cost.exchanges), str(cost.bytes), *sides, *times)
        console.print(table)
        console.print(
            "payer, payee: instructions; ms: modelled from instructions, UART and air time"
        )


def main(build: Path = BUILD) -> int:
    """Run the demo with its pictures in `build`; return 0 if every total is right."""
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    console.print("[bold]Jiaozi: money you can tap with no network on either side[/bold]")
    try:
        with Rig(build, ISSUED, SEED) as rig:
            demo = Demo(rig, build)
            demo.set_up()
            demo.offline()
            demo.settle()
            demo.show_costs()
        pictures.overview(build, build / OVERVIEW)
    except (Off, SimulatorError, HostError) as error:
        console.print(f"[red]✗ {error}[/red]")
        return 1
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    console.print("Every total is right.")
    console.print(f"Pictures: {build}/{OVERVIEW}; each display is a file in the same folder")
    return 0


if __name__ == "__main__":
    sys.exit(main())

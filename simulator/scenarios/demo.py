"""`make demo`: three wallets pay each other with no network, one tap is torn, and it all adds up.

Everything is real but the air and the silicon: the host's tools talk through nfcpy to a PN532, the
wallets run the release images of two boards on emulated microcontrollers. Pictures go to
build/demo/. Exits with 1 if any total is off.
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

# Of the blocks a card answers with when the payee reads, four carry the answer to SELECT; from the
# fifth on they carry the payment. Losing these tears the tap after the payer has committed.
_FIRST_PAYMENT_BLOCK = 5

# A payment's record is about 200 words.
_HALF_A_RECORD = 100
_PATIENCE = 20.0

console = Console(highlight=False)


class Off(Exception):
    """A total is not what it must be."""


def check(what: str, found: int, expected: int) -> None:
    """Raise Off unless an amount is as it must be."""
    if found != expected:
        raise Off(f"{what}: {money(found)}, not {money(expected)}")


class Demo:
    """The story, step by step; `balances` is what must be in each wallet."""

    def __init__(self, rig: Rig, build: Path) -> None:
        self.rig = rig
        self._build = build
        self.wallets: dict[str, Wallet] = {}
        self.balances: dict[str, int] = {}
        self.costs: list[tuple[str, TapCost]] = []
        self._step = 0

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """One line of progress, ticked when the block is done."""
        self._step += 1
        with console.status(f"{self._step:2} {text}"):
            yield
        console.print(f"[green]✓[/green] {self._step:2} {text}")

    def set_up(self) -> None:
        """Provision and top up at the operator's reader."""
        for name, board in BOARDS.items():
            with self.step(f"provision {name}: {board}, through nfcpy and a PN532"):
                self.wallets[name] = self.rig.add(name, board)
                self.rig.provision(self.wallets[name])
                self.balances[name] = 0
        for name, amount in TOP_UPS.items():
            if amount:
                with self.step(f"top up {name} with {money(amount)}, a payment of the operator's"):
                    self.rig.top_up(self.wallets[name], amount)
                    self.balances[name] += amount
                    self.picture(name, f"{name}-topped-up")

    def offline(self) -> None:
        """Four payments with no network; one is torn, one payer browns out, both are finished."""
        with self.step("turn the network off: no operator, no ledger from here on"):
            self.rig.go_offline()
        self.pay("alice", "bob", 25_00, "the payee reads", commands.READER)
        self.pay("bob", "carol", 20_00, "value just received, the payer reads", commands.CARD)
        self.tear("carol", "alice", 8_00)
        self.brown_out("alice", "bob", 3_00)
        with self.step("ask each wallet for its balance"):
            self.agree()

    def pay(self, payer: str, payee: str, amount: int, how: str, payee_role: int) -> None:
        """One tap."""
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
        """A tap whose payment frame is lost for good, and the tap that finishes it."""
        source, target = self.wallets[payer], self.wallets[payee]
        simulator = self.rig.simulator
        with self.step(f"{payer} pays {payee} {money(amount)}: torn after {payer} committed"):
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
        check("in flight after the torn tap", sum(self.balances.values()) - held, amount)
        console.print(f"      in flight: {money(amount)}; nothing lost, nothing made")
        with self.step("tap again: the same payment is sent once more and credited once"):
            self.costs.append((f"{payer} → {payee}, resumed", resume(simulator, source, target)))
            self.moved(payer, payee, amount)
            self.picture(payee, f"{payee}-resumed")

    def brown_out(self, payer: str, payee: str, amount: int) -> None:
        """A payer fed by the field alone: the field goes while it writes the payment down."""
        source, target = self.wallets[payer], self.wallets[payee]
        simulator = self.rig.simulator
        with self.step(f"{payer} pays {payee} {money(amount)}: field and power go as it writes"):
            self.rig.receive(target, amount)
            source.cut_after_stores(_HALF_A_RECORD)
            after = target.marks()[-1].index
            with simulator.tapped(payer, payee):
                end = time.monotonic() + _PATIENCE
                while source.running:
                    if time.monotonic() > end:
                        raise Off(f"{payer} has not lost its power")
                    time.sleep(0.05)
            target.wait_mark(Mark.TAP_END, _PATIENCE, after)
        with self.step(f"{payer} is in the field again: nothing had left, and the tap pays once"):
            source.start()
            source.wait_mark(Mark.READY, _PATIENCE)
            self.costs.append((f"{payer} → {payee}, powered up", tap(simulator, source, target)))
            self.moved(payer, payee, amount)

    def moved(self, payer: str, payee: str, amount: int) -> None:
        """Note a payment in what must be."""
        self.balances[payer] -= amount
        self.balances[payee] += amount

    def agree(self) -> None:
        """Check that every wallet says what it must."""
        for name, wallet in self.wallets.items():
            check(f"{name}'s balance", self.rig.balance(wallet), self.balances[name])

    def settle(self) -> None:
        """The network is back: sync all wallets and compare with the ledger."""
        self.rig.go_online()
        for name, wallet in self.wallets.items():
            with self.step(f"sync {name} to the ledger"):
                synced = self.rig.sync(wallet)
                check(f"{name}'s statement", synced.balance, self.balances[name])
                if not synced.settled:
                    raise Off(f"{name} was not settled: {synced.findings}")
        with self.step("read the whole ledger"):
            self.totals()

    def totals(self) -> None:
        """Show balances and the invariant; raise Off when they do not hold."""
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
        """Keep what a display shows, once it is drawn."""
        pictures.keep(self.wallets[name], self._build / f"{file}.png")

    def show_costs(self) -> None:
        """What each tap cost."""
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
        console.print("Payer and payee: instructions executed; times by the model of the design.")


def main(build: Path = BUILD) -> int:
    """Run the story, with its pictures in `build`; 0 when all of it adds up."""
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
    console.print(f"Pictures: {build}/{OVERVIEW}, and one by one beside it")
    return 0


if __name__ == "__main__":
    sys.exit(main())

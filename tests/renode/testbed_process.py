"""Testbed process of the robot suites: field, reader, host tools, and wallets that Renode runs.

Started by Testbed.py in build/venv: `python testbed_process.py DIRECTORY`. Each line of standard
input is a request {"do": name, …arguments}; its answer on standard output is {"ok": result} or
{"error": type, "message": text}. The process and its children exit when standard input ends. All
files stay in DIRECTORY: logs, frame log, counter pages, boot pages and NVM images.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from jiaozi.wire import commands
from jiaozi_host.errors import HostError, PinBlocked, WrongPin
from jiaozi_host.money import format_amount, parse_amount
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.client import Simulator, Wallet
from jiaozi_sim.machines.engines import WIRED
from jiaozi_sim.machines.marks import Mark
from scenarios import tap_cost
from scenarios.rig import PIN, READER, Rig

# With the same seed, the host draws the same keys and nonces here and in the reference on QEMU.
SEED = b"robot suites"
FACTS = "facts.jsonl"


class TestbedProcess:
    """Handlers of the requests; amounts are texts such as "25.00"."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._rig = Rig(directory, seed=SEED)
        self._rig.__enter__()
        self._wallets: dict[str, Wallet] = {}
        self._boards: dict[str, str] = {}
        self._seen: dict[str, int] = {}

    def close(self) -> None:
        """End the simulator."""
        self._rig.__exit__(None, None, None)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Execute one request and return its answer; a failure is returned as an answer too."""
        name = request.pop("do")
        try:
            return {"ok": getattr(self, f"do_{name}")(**request)}
        except Exception as error:  # noqa: BLE001  (all are reported to the suite)
            traceback.print_exc()
            notes = " ".join(getattr(error, "__notes__", ()))
            return {"error": type(error).__name__, "message": f"{error} {notes}".strip()}

    # -- power: the suite does Renode's part ----

    def do_add(self, name: str, board: str) -> None:
        """Add a blank wallet without power."""
        simulator = self._rig.simulator
        self._wallets[name] = simulator.add_wallet(name, board, engine=WIRED)
        self._boards[name] = board

    def do_prepare(self, name: str, keep_ports: bool, without: str | None) -> dict[str, Any]:
        """Prepare the next power-on; return its files and ports.

        without: a UART role that is not connected here.
        """
        self._seen[name] = 0
        return self._wallets[name].prepare(keep_ports, without)

    def do_clear_boot_page(self, name: str) -> None:
        """Overwrite the randomness of the next start with zeros."""
        page = Path(self._rig.simulator.directory) / name / "boot_page.bin"
        page.write_bytes(bytes(page.stat().st_size))

    def do_connect(self, name: str) -> None:
        self._wallets[name].start()

    def do_disconnect(self, name: str) -> None:
        self._wallets[name].cut_power()

    # -- what a wallet did ----

    def do_wait_mark(self, name: str, mark: str, seconds: float) -> dict[str, int]:
        """Wait for the next mark of this phase that was not returned before."""
        event = self._wallets[name].wait_mark(Mark[mark], seconds, self._seen[name])
        self._seen[name] = event.index + 1
        return {"instructions": event.instructions, "work": event.work}

    def do_no_mark(self, name: str, mark: str, seconds: float) -> None:
        """Raise ValueError if a mark of this phase comes within `seconds` of the host's time."""
        time.sleep(seconds)
        if any(event.mark == Mark[mark] for event in self._wallets[name].marks()):
            raise ValueError(f"{name} made a mark {mark}")

    def do_counts(self, name: str) -> dict[str, int]:
        counts = self._wallets[name].counts()
        return {
            "instructions": counts.instructions,
            "work": counts.work,
            "idle": counts.idle,
            "nvm_stores": counts.nvm_stores,
        }

    def do_nvm(self, name: str) -> str:
        """Return the NVM image that the suite saved last."""
        return self._wallets[name].nvm_read().hex()

    # -- the operator's desk ----

    def do_provision(self, name: str) -> str:
        return self._rig.provision(self._wallets[name]).hex()

    def do_top_up(self, name: str, amount: str) -> None:
        self._rig.top_up(self._wallets[name], parse_amount(amount))

    def do_top_up_fails(self, name: str, amount: str) -> str:
        """Top up and expect it to fail; return the error."""
        try:
            self._rig.top_up(self._wallets[name], parse_amount(amount))
        except HostError as error:
            return f"{type(error).__name__}: {error}"
        raise ValueError(f"{name} was topped up, though its power should have gone")

    def do_cash_out(self, name: str, amount: str) -> None:
        self._rig.cash_out(self._wallets[name], parse_amount(amount))

    def do_sync(self, name: str) -> bool:
        """Sync; return True if everything was settled."""
        return self._rig.sync(self._wallets[name]).settled

    def do_ledger(self) -> dict[str, Any]:
        report = self._rig.report()
        return {
            "holds": report.holds and not report.findings,
            "in_flight": format_amount(report.value_in_flight),
        }

    # -- the owner ----

    def do_receive(self, name: str, amount: str) -> None:
        self._rig.receive(self._wallets[name], parse_amount(amount), commands.READER)

    def do_balance(self, name: str) -> str:
        return format_amount(self._rig.balance(self._wallets[name]))

    def do_info(self, name: str) -> dict[str, Any]:
        """Read the wallet's public information."""
        with self._rig.at_reader(self._wallets[name]) as link:
            client = WalletClient(link)
            client.select()
            info = client.info()
        states = {commands.BLANK: "BLANK", commands.READY: "READY"}
        return {"status": states.get(info.status, "KEYED"), "tries": info.tries}

    def do_give_pin(self, name: str, pin: str) -> str:
        """Verify a PIN; return RIGHT, WRONG with the tries left, or BLOCKED."""
        with self._rig.at_reader(self._wallets[name]) as link:
            client = self._rig.client(link)
            client.select()
            try:
                client.verify(PIN if pin == "right" else pin)
            except WrongPin as error:
                return f"WRONG, {error.tries} left"
            except PinBlocked:
                return "BLOCKED"
            return "RIGHT"

    # -- taps, displays, and the same on QEMU ----

    def do_tap(self, payer: str, payee: str) -> dict[str, Any]:
        """Hold two armed wallets together until the payment is made; return the tap's cost."""
        facts = _tap(self._rig.simulator, self._wallets[payer], self._wallets[payee])
        return self._noted(f"tap of {payer} and {payee}", facts)

    def do_tap_on_qemu(self, payer: str, payee: str, top_up: str, amount: str) -> dict[str, Any]:
        """Repeat the payment on the same boards on QEMU, from blank wallets on."""
        with Rig(self._directory / "on_qemu", seed=SEED) as rig:
            wallets = []
            for name in (payer, payee):
                wallet = rig.simulator.add_wallet(name, self._boards[name], engine="qemu")
                wallet.start()
                wallet.wait_mark(Mark.READY)
                wallets.append(wallet)
            for wallet in wallets:
                rig.provision(wallet)
            rig.top_up(wallets[0], parse_amount(top_up))
            rig.receive(wallets[1], parse_amount(amount), commands.READER)
            facts = _tap(rig.simulator, *wallets)
        return self._noted("the same tap on QEMU", facts)

    def do_picture(self, name: str, seconds: float = 30) -> str:
        """Save the display once it has not changed for a second; return the file's path."""
        return str(self._keep(self._wallets[name], f"{name}.png", seconds))

    def do_picture_on_qemu(self, name: str, seconds: float = 30) -> str:
        """Save the display of the same blank wallet on QEMU; return the file's path."""
        simulator = self._rig.simulator
        other = simulator.add_wallet(f"{name}_on_qemu", self._boards[name], engine="qemu")
        other.start()
        other.wait_mark(Mark.READY)
        try:
            return str(self._keep(other, f"{name}_on_qemu.png", seconds))
        finally:
            other.cut_power()

    def _keep(self, wallet: Wallet, file: str, seconds: float) -> Path:
        end, since, last = time.monotonic() + seconds, time.monotonic(), b""
        while (now := wallet.picture().tobytes()) != last or time.monotonic() < since + 1:
            if now != last:
                since, last = time.monotonic(), now
            if time.monotonic() > end:
                raise TimeoutError(f"{wallet.name}'s display keeps changing")
            time.sleep(0.05)
        path = self._directory / file
        wallet.picture().save(path)
        return path

    def do_display_facts(self, name: str) -> dict[str, Any]:
        """Return the bytes over the bus bridge so far, and the chips' violations."""
        wallet = self._wallets[name]
        return {
            "bridge_bytes": wallet.bridge_bytes(0, time.monotonic_ns()),
            "violations": wallet.violations(),
        }

    def do_press(self, name: str, button: str) -> None:
        self._wallets[name].press(button, 0.3)

    def do_frames(self) -> int:
        """Return the number of frames on the air so far."""
        return len(self._rig.simulator.frames())

    def do_hold_to_reader(self, name: str) -> None:
        self._rig.simulator.tap(READER, name)

    def _noted(self, what: str, facts: dict[str, Any]) -> dict[str, Any]:
        with (self._directory / FACTS).open("a") as file:
            file.write(json.dumps({"what": what} | facts) + "\n")
        return facts


def _tap(simulator: Simulator, payer: Wallet, payee: Wallet) -> dict[str, Any]:
    """Tap; return the cost by side and phase."""
    cost = tap_cost.tap(simulator, payer, payee)
    return {
        "payer": _named(cost.payer),
        "payee": _named(cost.payee),
        "instructions": cost.instructions,
        "exchanges": cost.exchanges,
        "bytes": cost.bytes,
    }


def _named(side: Mapping[Mark, int]) -> dict[str, int]:
    return {mark.name: count for mark, count in side.items()}


def _serve(testbed: TestbedProcess, answers: TextIO) -> None:
    for line in sys.stdin:
        print(json.dumps(testbed.answer(json.loads(line))), file=answers, flush=True)


def main() -> None:
    """Serve until standard input ends."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    # Keeps the output of libraries out of the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    testbed = TestbedProcess(directory)
    with contextlib.closing(testbed):
        _serve(testbed, answers)


if __name__ == "__main__":
    main()

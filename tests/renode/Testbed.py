"""Robot Framework library: keywords that a test's testbed process executes.

Runs in the Python of `renode-test`, so it uses the standard library only; the testbed itself
(testbed_process.py) runs in build/venv. A test's files stay in build/renode/<suite>/<test>.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "build" / "venv" / "bin" / "python"
BOARDS = sorted(path.parent.name for path in ROOT.glob("boards/*/board.toml"))
KEPT = ROOT / "build" / "renode"
ANSWER_SECONDS = 300
BUILD_SECONDS = 1800


def _newest_source() -> float:
    """Return the modification time of the newest source of an image."""
    folders = [ROOT / name for name in ("firmware", "protocol/jiaozi", "boards")]
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file())
    return max(f.stat().st_mtime for f in files if f.suffix in (".c", ".h", ".ld", ".py", ".toml"))


class TestbedError(Exception):
    """A request to the testbed failed; the text says why and where its files are."""

    ROBOT_SUPPRESS_NAME = True


class Testbed:
    """One testbed at a time."""

    ROBOT_LIBRARY_SCOPE = "GLOBAL"

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._directory = KEPT

    # -- the process ----

    def images_are_built(self) -> None:
        """Build the environment and the images if they are missing or older than a source."""
        images = [ROOT / "build" / "firmware" / board / "firmware.elf" for board in BOARDS]
        if PYTHON.exists() and all(image.exists() for image in images):
            oldest = min(image.stat().st_mtime for image in images)
            if oldest > _newest_source():
                return
        KEPT.mkdir(parents=True, exist_ok=True)
        log = KEPT / "build.log"
        with log.open("w") as output:
            done = subprocess.run(
                ["make", "-C", str(ROOT), "firmware"],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                timeout=BUILD_SECONDS,
                check=False,
            )
        if done.returncode:
            end = log.read_text(errors="replace")[-2000:]
            raise TestbedError(f"make firmware failed ({log}), it ends with:\n{end}")

    def open_testbed(self, suite: str, test: str) -> str:
        """Start an empty testbed; return the directory of its files."""
        self.close_testbed()
        name = Path(*(re.sub(r"\W+", "_", part).strip("_").lower() for part in (suite, test)))
        self._directory = KEPT / name
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)
        # For Renode's time limits: the wallets are as slow as the emulated board.
        environment = {**os.environ, "JIAOZI_ENGINE": "renode", "PYTHONUNBUFFERED": "1"}
        environment.pop("PYTHONPATH", None)  # renode-test's, not for build/venv
        with (self._directory / "testbed.log").open("w") as log:
            self._process = subprocess.Popen(
                [str(PYTHON), str(ROOT / "tests/renode/testbed_process.py"), str(self._directory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                text=True,
                # Only robot handles Ctrl-C. Not a new session: see renode_guard.py. The Python of
                # renode-test may lack `process_group`.
                preexec_fn=os.setpgrp,
            )
        return str(self._directory)

    def close_testbed(self) -> None:
        """End the testbed and its children; its files stay."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _ask(self, do: str, **arguments: Any) -> Any:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise TestbedError("there is no testbed: Set Up The Test comes first")
        # A testbed that hangs is killed, so that readline returns.
        limit = threading.Timer(ANSWER_SECONDS, process.kill)
        limit.start()
        try:
            process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        finally:
            limit.cancel()
        if not line:
            log = (self._directory / "testbed.log").read_text(errors="replace")
            where = f"{self._directory}/testbed.log"
            raise TestbedError(f"the testbed does not answer {do}; {where}:\n{log}")
        answer = json.loads(line)
        if "error" in answer:
            said = f"{answer['error']}: {answer['message']}"
            raise TestbedError(f"{do} {arguments}: {said}\nfiles: {self._directory}")
        return answer["ok"]

    # -- wallets' power ----

    def add_wallet(self, name: str, board: str) -> None:
        """Add a blank wallet without power."""
        self._ask("add", name=name, board=board)

    def prepare_power_on(
        self, name: str, keep_ports: bool = False, without: str | None = None
    ) -> dict[str, Any]:
        """Return what Renode needs: elf, boot_page, counters, nvm (monitor paths), <role>_port.

        `without` names a role whose UART is not connected to the testbed.
        """
        found = self._ask("prepare", name=name, keep_ports=keep_ports, without=without)
        return {
            key: self.monitor_path(value) if isinstance(value, str) else value
            for key, value in found.items()
        }

    def monitor_path(self, path: str) -> str:
        """Return a path in the syntax of Renode's monitor."""
        return "@" + os.path.abspath(path).replace(" ", "\\ ")

    def clear_boot_page(self, name: str) -> None:
        """Overwrite the randomness of the next start with zeros."""
        self._ask("clear_boot_page", name=name)

    def connect_wires(self, name: str) -> None:
        """Open the sockets of a machine that is built in Renode."""
        self._ask("connect", name=name)

    def disconnect_wires(self, name: str) -> None:
        """Close the sockets, and cut the power of the wallet's chips."""
        self._ask("disconnect", name=name)

    # -- what a wallet did ----

    def wait_for_mark(self, name: str, mark: str, seconds: float = 30) -> dict[str, int]:
        """Wait for the next mark of this phase; return the instructions executed until then."""
        return dict(self._ask("wait_mark", name=name, mark=mark, seconds=float(seconds)))

    def no_mark_should_come(self, name: str, mark: str, seconds: float = 3) -> None:
        """Fail if a mark of this phase comes within `seconds` of the host's time."""
        self._ask("no_mark", name=name, mark=mark, seconds=float(seconds))

    def counts_of(self, name: str) -> dict[str, int]:
        """Return instructions, work, idle and nvm_stores since power-on."""
        return dict(self._ask("counts", name=name))

    def saved_nvm_of(self, name: str) -> str:
        """Return the NVM image saved last, in hex."""
        return str(self._ask("nvm", name=name))

    # -- operator and owner ----

    def provision(self, name: str) -> str:
        """Provision the blank device at the reader; return its id."""
        return str(self._ask("provision", name=name))

    def top_up(self, name: str, amount: str) -> None:
        """Pay from the operator's account."""
        self._ask("top_up", name=name, amount=amount)

    def top_up_should_fail(self, name: str, amount: str) -> str:
        """Fail if the top-up succeeds; return its error."""
        return str(self._ask("top_up_fails", name=name, amount=amount))

    def cash_out(self, name: str, amount: str) -> None:
        """Pay to the operator's account."""
        self._ask("cash_out", name=name, amount=amount)

    def sync_should_settle(self, name: str) -> None:
        """Post the wallet's journal to the ledger; all of it must be accepted."""
        if not self._ask("sync", name=name):
            raise TestbedError(f"{name} was not settled\nfiles: {self._directory}")

    def ledger_should_add_up(self, in_flight: str = "0.00") -> None:
        """Check that balances and value in flight add up to what was issued."""
        found = self._ask("ledger")
        if not found["holds"] or found["in_flight"] != in_flight:
            raise TestbedError(f"the ledger: {found}, expected in flight {in_flight}")

    def arm_to_receive(self, name: str, amount: str) -> None:
        """Arm the wallet to receive that amount at the next tap, as the reader."""
        self._ask("receive", name=name, amount=amount)

    def balance_should_be(self, name: str, amount: str) -> None:
        """Compare the balance that the wallet reports, to the minor unit."""
        found = self._ask("balance", name=name)
        if found != amount:
            raise TestbedError(f"{name} has {found}, not {amount}\nfiles: {self._directory}")

    def status_should_be(self, name: str, status: str, tries: int = 3) -> None:
        """Compare the wallet's public status: BLANK, KEYED or READY, and the PIN tries left."""
        found = self._ask("info", name=name)
        if found != {"status": status, "tries": int(tries)}:
            raise TestbedError(f"{name} says {found}, not {status} and {tries} tries")

    def pin_should_be(self, name: str, pin: str, outcome: str) -> None:
        """Verify a PIN ("right": the right one); outcome: RIGHT, "WRONG, 2 left" or BLOCKED."""
        found = self._ask("give_pin", name=name, pin=pin)
        if found != outcome:
            raise TestbedError(f"{name}'s answer to the PIN is {found}, not {outcome}")

    # -- taps and displays ----

    def hold_together(self, payer: str, payee: str) -> dict[str, Any]:
        """Tap until the payment is made and both wallets are done; return the tap's cost."""
        return dict(self._ask("tap", payer=payer, payee=payee))

    def same_tap_on_qemu(self, payer: str, payee: str, top_up: str, amount: str) -> dict[str, Any]:
        """Repeat the tap from blank wallets on QEMU; return the tap's cost."""
        arguments = {"payer": payer, "payee": payee, "top_up": top_up, "amount": amount}
        return dict(self._ask("tap_on_qemu", **arguments))

    def phases_should_agree(
        self, one: dict[str, Any], other: dict[str, Any], phases: list[str], percent: float
    ) -> None:
        """Check that instructions in each phase, of both sides, differ by at most `percent`."""
        off = []
        for side in ("payer", "payee"):
            for phase in phases:
                found, expected = one[side].get(phase, 0), other[side].get(phase, 0)
                if abs(found - expected) * 100 > float(percent) * expected:
                    off.append(f"{side} {phase}: {found}, not {expected}")
        if off:
            raise TestbedError("; ".join(off) + f"\nall phases: {one}\nand: {other}")

    def picture_of(self, name: str) -> str:
        """Wait until the display is stable; return the path of its picture as PNG."""
        return str(self._ask("picture", name=name))

    def picture_on_qemu_of(self, name: str) -> str:
        """Return the path of a picture of the same blank wallet on QEMU."""
        return str(self._ask("picture_on_qemu", name=name))

    def pictures_should_be_equal(self, one: str, other: str) -> None:
        """Compare two pictures byte by byte; both were written by the same program."""
        if Path(one).read_bytes() != Path(other).read_bytes():
            raise TestbedError(f"the pictures differ: {one} and {other}")

    def display_traffic_of(self, name: str) -> int:
        """Return the number of bytes over the bus bridge; fail if the chips found violations."""
        found = self._ask("display_facts", name=name)
        if found["violations"]:
            raise TestbedError(f"{name}: {found['violations']}\nfiles: {self._directory}")
        return int(found["bridge_bytes"])

    def press(self, name: str, button: str) -> None:
        """Press a button and release it."""
        self._ask("press", name=name, button=button)

    # -- Renode's answers ----

    def seconds_of(self, text: str) -> float:
        """Parse virtual time as Renode prints it (hours:minutes:seconds within other text)."""
        time = r"(?:(\d+)\.)?(\d+):(\d+):(\d+(?:\.\d+)?)"
        labels = (r"Elapsed Virtual Time:\s*", r"TimeElapsed\s*=\s*", "")
        found = next(filter(None, (re.search(label + time, text) for label in labels)), None)
        if found is None:
            raise TestbedError(f"Renode's time is not understood: {text!r}")
        days, hours, minutes = (int(part or 0) for part in found.groups()[:3])
        return ((days * 24 + hours) * 60 + minutes) * 60 + float(found[4])

    def number_of(self, text: str) -> int:
        """Parse a number as Renode prints it, decimal or hexadecimal."""
        found = re.search(r"0x[0-9A-Fa-f]+|\d+", text)
        if found is None:
            raise TestbedError(f"Renode's number is not understood: {text!r}")
        return int(found[0], 0)

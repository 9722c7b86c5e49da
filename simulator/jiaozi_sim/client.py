"""Client of the simulator for tests and scenarios: a context manager, and handles of its parts.

    with Simulator() as sim:
        alice = sim.add_wallet("alice", "visual_card")
        alice.start()
        alice.wait_mark(Mark.READY)
        alice.screenshot(Path("alice.png"))

The world runs in a process of its own (world.py), which ends with this one.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from PIL import Image

from jiaozi_sim.chips.canvas import in_a_frame
from jiaozi_sim.machines.base import Counts, MarkEvent
from jiaozi_sim.machines.counters import CounterPage
from jiaozi_sim.machines.engines import patience

PACKAGES = Path(__file__).parents[1]
FIRMWARE = Path(__file__).parents[2] / "build" / "firmware"
WAIT = 60.0
"""Time limit in seconds for answers that are immediate on an idle machine."""
_POLL_SECONDS = 0.001
_LOOK_FOR_LIFE_SECONDS = 0.1
_ANSWER_SECONDS = 120  # the world answers at once, unless a plugin is compiled or Renode starts


class SimulatorError(Exception):
    """The world refused a request; `kind` is the type of its error, such as "StillRunning"."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class WorldGone(SimulatorError):
    """The world's process ended, or does not answer."""


class NoMark(SimulatorError):
    """A mark was not made in time, or the wallet lost its power first."""


@dataclass(frozen=True)
class Frame:
    """One frame on the air; see jiaozi_sim.field.FrameRecord."""

    time: float
    direction: str
    sender: str
    data: bytes
    kind: str
    bit_rate: int
    air_time: float
    fault: str


class Simulator:
    """A private world, from `with` to the end of the block.

    Args:
        directory: for logs, new or empty. By default a temporary directory, which is kept only if
            the block ends by an exception.
        panel_speed: e-paper refreshes faster than a real panel by this factor.
    """

    def __init__(self, directory: Path | None = None, panel_speed: float = 20.0) -> None:
        self._is_temporary = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="jiaozi-sim-"))
        self.directory.mkdir(parents=True, exist_ok=True)
        self._panel_speed = panel_speed
        self._wallets: list[Wallet] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._answers: io.BufferedReader | None = None

    def __enter__(self) -> Simulator:
        mine, theirs = socket.socketpair()
        command = [sys.executable, "-m", "jiaozi_sim.world", str(theirs.fileno())]
        search = [str(PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])]
        with theirs, (self.directory / "world.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, str(self.directory)],
                pass_fds=[theirs.fileno()],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(search)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A Ctrl-C is for this process, which then ends the world in order.
                process_group=0,
            )
        mine.settimeout(_ANSWER_SECONDS * patience())
        self._socket, self._answers = mine, mine.makefile("rb")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for wallet in self._wallets:
            wallet.forget_counters()
        if self._answers is not None and self._socket is not None:
            self._answers.close()
            self._socket.close()
        if self._process is not None:
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._is_temporary and kind is None:
            shutil.rmtree(self.directory)
        elif error is not None:
            error.add_note(f"the simulator's logs are in {self.directory}")

    def ask(self, do: str, **arguments: Any) -> Any:
        """Send a request to the world (see world.py); return its answer. Raises SimulatorError."""
        if self._socket is None or self._answers is None:
            raise WorldGone("WorldGone", "the simulator was not started: use it in a with block")
        try:
            self._socket.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")
            line = self._answers.readline()
        except OSError:
            line = b""
        if not line.endswith(b"\n"):  # it ended, perhaps in the middle of its answer
            log = (self.directory / "world.log").read_text(errors="replace")
            raise WorldGone("WorldGone", f"the world does not answer: {log.strip()[-2000:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise SimulatorError(answer["error"], answer["message"])
        return answer["ok"]

    def add_wallet(
        self,
        name: str,
        board: str = "visual_card",
        elf: Path | None = None,
        seed: bytes | None = None,
        engine: str | None = None,
    ) -> Wallet:
        """Add a wallet without power.

        Args:
            board: a name of boards/, or the path of a board's folder elsewhere.
            elf: by default the board's image in build/firmware.
            seed: of its randomness; by default its name.
            engine: by default the chosen one (machines/engines.py).
        """
        elf = elf or FIRMWARE / board / "firmware.elf"
        seed = name.encode() if seed is None else seed
        arguments = {"board": board, "elf": str(elf), "seed": seed.hex(), "engine": engine}
        facts = self.ask("add_wallet", name=name, speed=self._panel_speed, **arguments)
        wallet = Wallet(self, name, facts)
        self._wallets.append(wallet)
        return wallet

    @property
    def wallets(self) -> list[Wallet]:
        """All wallets by name."""
        return list(self._wallets)

    def add_reader(self, name: str) -> Reader:
        """Add a PN532 reader on a serial port, for the host's tools."""
        return Reader(name, self.ask("add_reader", name=name))

    def tap(self, *names: str) -> None:
        """Put these into the field, and take everything else out of it."""
        self.ask("tap", names=names)

    def untap(self, *names: str) -> None:
        """Take these out of the field."""
        self.ask("untap", names=names)

    @contextlib.contextmanager
    def tapped(self, *names: str) -> Iterator[None]:
        """Tap for the length of the block."""
        self.tap(*names)
        try:
            yield
        finally:
            self.untap(*names)

    def frames(self, after: int = 0) -> list[Frame]:
        """Return the frames on the air from index `after` on."""
        found = self.ask("frames", after=after)
        return [Frame(**(line | {"data": bytes.fromhex(line["data"])})) for line in found]

    def fault(self, action: str, **rule: Any) -> int:
        """Apply a fault to frames from now on: `action` and `rule` as in jiaozi_sim.faults.Fault.

        `matching` is a function and works only inside the world. Returns the rule's number.
        """
        return int(self.ask("fault", action=action, **rule))

    def struck(self) -> list[int]:
        """Return how often each fault was applied, by the rule's number."""
        return list(self.ask("struck"))

    def clear_faults(self) -> None:
        """Remove all fault rules."""
        self.ask("clear_faults")

    def air(self) -> dict[str, Any]:
        """Return the traffic of taps: {"total": …, "taps": […]}, each as jiaozi_sim.field.Tap."""
        return dict(self.ask("air"))


@dataclass(frozen=True)
class Reader:
    """A host's reader; `path` is its serial port."""

    name: str
    path: str


class Wallet:
    """One wallet. `ports` has the serial ports that a host may open, by UART role."""

    def __init__(self, simulator: Simulator, name: str, facts: Mapping[str, Any]) -> None:
        self._simulator = simulator
        self.name = name
        self.ports: dict[str, str] = dict(facts["ports"])
        self.buttons: list[str] = list(facts["buttons"])
        self._counter_path = Path(facts["counters"])
        self._log_path = Path(facts["log"])
        self._page: CounterPage | None = None

    def _ask(self, do: str, **arguments: Any) -> Any:
        return self._simulator.ask(do, wallet=self.name, **arguments)

    # -- power -----------------------------------------------------------------------------------

    def prepare(self, keep_ports: bool, without: str | None) -> dict[str, str | int]:
        """Prepare a machine that a robot suite runs (see WiredMachine.prepare)."""
        self.forget_counters()
        return dict(self._ask("prepare", keep_ports=keep_ports, without=without))

    def start(self) -> None:
        """Apply power."""
        self.forget_counters()
        self._ask("start")

    def cut_power(self) -> None:
        """Cut the power between two instructions."""
        self._ask("cut_power")

    def cut_after_stores(self, count: int | None) -> None:
        """Order a power cut right after the `count`-th NVM store from now; None cancels it."""
        self._ask("cut_after_stores", count=count)

    @property
    def running(self) -> bool:
        return bool(self._ask("state")["running"])

    @property
    def boots(self) -> int:
        return int(self._ask("state")["boots"])

    @property
    def nfc_bytes(self) -> int:
        """Bytes that crossed the UART between machine and PN532, both ways, over all starts."""
        return int(self._ask("state")["nfc_bytes"])

    def wait_off(self, seconds: float = WAIT) -> None:
        """Wait for an ordered power cut. Raises SimulatorError if it does not come."""
        end = time.monotonic() + seconds * patience()
        while self.running:
            if time.monotonic() > end:
                raise SimulatorError("StillRunning", f"{self.name} has power after {seconds} s")
            time.sleep(_POLL_SECONDS)

    # -- counters: read from the file that the machine writes, without disturbing the world --------

    def _counters(self) -> CounterPage:
        if self._page is None:
            self._page = CounterPage(self._counter_path)
        return self._page

    def forget_counters(self) -> None:
        """Unmap the counter page of the last boot."""
        if self._page is not None:
            self._page.close()
            self._page = None

    def counts(self) -> Counts:
        """Return instruction counts since the start."""
        return self._counters().counts()

    def marks(self, after: int = 0) -> list[MarkEvent]:
        """Return phase marks since the start, from index `after` on."""
        return self._counters().marks(after)

    def wait_mark(self, value: int, timeout: float = WAIT, after: int = 0) -> MarkEvent:
        """Wait for a mark of this value at index `after` or later, and return it.

        Raises:
            NoMark: it was not made in `timeout` seconds, or the wallet lost its power first.
        """
        start = look = time.monotonic()
        timeout *= patience()
        while True:
            alive = True
            if time.monotonic() >= look:
                look += _LOOK_FOR_LIFE_SECONDS
                alive = self.running
            for event in self.marks(after):
                if event.mark == value:
                    return event
                after = event.index + 1
            if not alive:
                raise NoMark("NoMark", f"{self.name} lost its power before mark {value}")
            if time.monotonic() > start + timeout:
                raise NoMark("NoMark", f"{self.name} made no mark {value} in {timeout} s")
            time.sleep(_POLL_SECONDS)

    # -- memory ----------------------------------------------------------------------------------

    def nvm_read(self, offset: int = 0, size: int | None = None) -> bytes:
        """Read the non-volatile memory, running or not."""
        return bytes.fromhex(self._ask("read_nvm", offset=offset, size=size))

    def nvm_write(self, data: bytes) -> None:
        """Replace the whole non-volatile memory of a wallet without power; the rest is erased."""
        self._ask("replace_nvm", data=data.hex())

    def key_page_read(self) -> bytes:
        """Read the microcontroller's page with the device key, running or not."""
        return bytes.fromhex(self._ask("read_key_page"))

    def key_page_write(self, page: bytes) -> None:
        """Replace that page of a wallet without power; the rest is zeros."""
        self._ask("replace_key_page", page=page.hex())

    # -- the person's side -----------------------------------------------------------------------

    def press(self, button: str, seconds: float = 0.1) -> None:
        """Press a button and release it."""
        self._ask("press", button=button)
        time.sleep(seconds)
        self._ask("release", button=button)

    def touch(self, x: int, y: int, seconds: float = 0.1) -> None:
        """Touch the screen at a point and lift the finger."""
        self._ask("touch", x=x, y=y)
        time.sleep(seconds)
        self._ask("lift")

    def is_refreshing(self) -> bool:
        """Return True while the display's refresh is under way."""
        return bool(self._ask("is_refreshing"))

    def picture(self) -> Image.Image:
        """Return the display's image, one pixel a dot."""
        found = self._ask("picture")
        return Image.frombytes(
            found["mode"], tuple(found["size"]), base64.b64decode(found["pixels"])
        )

    def wait_picture(
        self, accept: Callable[[Image.Image], bool], timeout: float = WAIT
    ) -> Image.Image:
        """Wait for a picture that `accept` accepts. Raises SimulatorError if none comes."""
        end = time.monotonic() + timeout * patience()
        while not accept(picture := self.picture()):
            if time.monotonic() > end:
                raise SimulatorError("NoPicture", f"{self.name} did not show it in {timeout} s")
            time.sleep(10 * _POLL_SECONDS)
        return picture

    def screenshot(self, path: Path, scale: int = 3) -> None:
        """Write the display, set in a card, as PNG."""
        in_a_frame(self.picture(), scale).save(path)

    def log(self) -> str:
        """Return the output of the log UART over all starts."""
        return self._log_path.read_text(errors="replace") if self._log_path.exists() else ""

    def bridge_bytes(self, since: int, until: int) -> int:
        """Return the bytes from firmware to displays and pins that arrived between two moments
        (`MarkEvent.host_ns`). Bytes in the host's buffers count late, never early.
        """
        return int(self._ask("bridge_bytes", since=since, until=until))

    def set_auto_wtx(self, on: bool) -> None:
        """Set whether the chip, as a card, sends S(WTX) by itself; by default it does."""
        self._ask("auto_wtx", on=on)

    def violations(self) -> list[str]:
        """Return the firmware's violations of the chips' data sheets."""
        return list(self._ask("violations"))

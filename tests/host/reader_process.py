"""A process with an emulated PN532 on a pseudo-terminal, a field and a card in Python.

It reads requests from standard input and writes answers to standard output, as JSON lines. The
first line is the path of its serial port.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

from jiaozi_sim.card import IsoDepCard
from jiaozi_sim.chips import hsu
from jiaozi_sim.chips.pn532 import Pn532
from jiaozi_sim.faults import Fault
from jiaozi_sim.field import Field
from jiaozi_sim.iso_dep import Ats
from jiaozi_sim.lifetime import die_with_parent
from jiaozi_sim.scheduler import RealTimeScheduler
from jiaozi_sim.wires import PtyWire
from tests.fixtures.pn532_hosts import LISTEN, WAKE, Gone, give, take

AID = bytes.fromhex("F04A49414F5A4901")
ROOT = Path(__file__).resolve().parents[2]
REAL_TIME_PRIORITY = 10
SET_META_DATA = 0x94


def application(apdu: bytes) -> bytes:
    """Answer SELECT of our AID; 80 10 returns its data, 80 20 P1 P2 bytes."""
    if apdu[:4] == b"\x00\xa4\x04\x00":
        return b"\x90\x00" if apdu[5 : 5 + apdu[4]] == AID else b"\x6a\x82"
    if apdu[:2] == b"\x80\x10":
        if apdu[4] == 0 and len(apdu) > 6:
            return apdu[7 : 7 + int.from_bytes(apdu[5:7], "big")] + b"\x90\x00"
        return apdu[5 : 5 + apdu[4]] + b"\x90\x00"
    if apdu[:2] == b"\x80\x20":
        return bytes(i & 0xFF for i in range(int.from_bytes(apdu[2:4], "big"))) + b"\x90\x00"
    return b"\x6d\x00"


class ChipCard:
    """A PN532 in card emulation; its host runs the same application.

    processing: seconds until an answer; pause: seconds between the parts of a long one.
    """

    def __init__(self, field: Field, scheduler: RealTimeScheduler) -> None:
        self.scheduler = scheduler
        self.processing = self.pause = 0.0
        self._goes_on = False
        self.chip = Pn532(field, scheduler, self.hear, "wallet")
        self._decoder = hsu.Decoder()
        self._script = self._serve()
        self.chip.receive(WAKE)
        self._send(next(self._script))

    def hear(self, data: bytes) -> None:
        """Take bytes from the chip; its host continues in an event of its own."""
        for frame in self._decoder.feed(data):
            if frame.kind is hsu.Kind.PACKET:
                self.scheduler.call_later(0.0, self._go_on, frame.body[2:])

    def _go_on(self, answer: bytes) -> None:
        self._send(self._script.send(answer))

    def _send(self, body: bytes) -> None:
        if body and self._goes_on:
            self._goes_on = False
            self.scheduler.call_later(self.pause, self._send, body)
        elif body:
            self._goes_on = body[0] == SET_META_DATA and self.pause > 0
            self.chip.receive(hsu.encode(b"\xd4" + body))
        else:
            self.scheduler.call_later(self.processing, self._go_on, b"")

    def _serve(self) -> Generator[bytes, bytes, None]:
        yield b"\x14\x01"
        yield b"\x12\x34"
        while True:
            yield LISTEN
            with contextlib.suppress(Gone):
                while True:
                    command = yield from take()
                    yield b""  # work
                    yield from give(application(command))


class World:
    """The event loop, and one method for each request."""

    def __init__(self, fwi: int, paced: bool) -> None:
        self.scheduler = RealTimeScheduler()
        self.field = Field(self.scheduler)
        self.wire = PtyWire(self.scheduler, paced=paced)
        self.chip = Pn532(self.field, self.scheduler, self.wire.from_chip, "reader")
        self.wire.connect(self.chip)
        self.card = IsoDepCard(self.field, self.scheduler, application, ats=Ats(fwi=fwi))
        self.chip_card = ChipCard(self.field, self.scheduler)
        self.field.place(self.chip)
        self._input = b""

    def run(self) -> None:
        """Serve until standard input ends."""
        with selectors.SelectSelector() as selector:  # waits in microseconds, epoll in milliseconds
            selector.register(self.wire, selectors.EVENT_READ, self.wire.on_readable)
            selector.register(0, selectors.EVENT_READ, self.on_request)
            while True:
                ready = selector.select(self.scheduler.next_deadline())
                self.scheduler.run_due()
                for key, _ in ready:
                    if key.data() is False:
                        return

    def on_request(self) -> bool:
        """Answer the requests that have arrived; return False at the end of input."""
        data = os.read(0, 65536)
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            answer = getattr(self, "do_" + request.pop("do"))(**request)
            print(json.dumps(answer), flush=True)
        return bool(data)

    def do_place(self) -> None:
        self.field.place(self.card)

    def do_remove(self, after: float = 0.0) -> None:
        self.scheduler.call_later(after, self.field.remove, self.card)

    def do_place_chip(self) -> None:
        self.field.place(self.chip_card.chip)

    def do_remove_chip(self) -> None:
        self.field.remove(self.chip_card.chip)

    def do_card(self, processing: float, auto_wtx: bool, pause: float = 0.0) -> None:
        self.card.processing = self.chip_card.processing = processing
        self.chip_card.pause = pause
        self.card.link.auto_wtx = self.chip_card.chip.auto_wtx = auto_wtx

    def do_fault(self, **rule: Any) -> None:
        self.field.faults.append(Fault(**rule))

    def do_heal(self) -> int:
        struck = sum(fault.struck for fault in self.field.faults)
        self.field.faults.clear()
        return struck

    def do_state(self) -> dict[str, Any]:
        tap = self.field.taps[-1] if self.field.taps else None
        return {
            "baud": self.chip.baud,
            "kinds": [record.kind for record in self.field.log],
            "tap": vars(tap) if tap else None,
        }


class ReaderProcess:
    """The process, as a test uses it. It ends with `close` or with its parent."""

    def __init__(self, fwi: int = 9, paced: bool = False) -> None:
        command = [sys.executable, "-m", "tests.host.reader_process", str(fwi), str(int(paced))]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.path = self._answer()

    def do(self, what: str, **arguments: Any) -> Any:
        """Send a request and return its answer."""
        if self._process.stdin:
            self._process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        return self._answer()

    def _answer(self) -> Any:
        line = self._process.stdout.readline() if self._process.stdout else ""
        assert line, "the reader process has died"
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(10)
        if self._process.stdout:
            self._process.stdout.close()


def main() -> None:
    """Run the process. Arguments: FWI of the card; 1 to pace bytes at the baud rate, else 0."""
    die_with_parent()
    with contextlib.suppress(OSError, AttributeError):  # only some accounts may
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REAL_TIME_PRIORITY))
    world = World(int(sys.argv[1]), bool(int(sys.argv[2])))
    print(json.dumps(world.wire.path), flush=True)
    world.run()


if __name__ == "__main__":
    main()

"""Hosts of simulated PN532 chips in virtual time, for tests."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from jiaozi_sim.chips import hsu
from jiaozi_sim.chips.pn532 import Pn532
from jiaozi_sim.field import Field
from jiaozi_sim.scheduler import VirtualScheduler

WAKE = b"\x55\x55" + bytes(14)
LISTEN = b"\x8c\x05\x04\x00\x11\x22\x33\x20" + bytes(30)
LIST_ONE = b"\x4a\x01\x00"
Script = Generator[bytes, bytes, None]


class Gone(Exception):
    """A status other than success: the other side, or the field, is not there any more."""


def check(answer: bytes) -> bytes:
    """The answer itself. Raises Gone if its status is an error."""
    if answer[0] & 0x3F:
        raise Gone(f"status {answer[0]:02x}")
    return answer


class Host:
    """A chip and what its host has heard: ``acks`` counted, ``answers`` without TFI and code."""

    def __init__(self, field: Field, scheduler: VirtualScheduler, name: str = "chip") -> None:
        self.scheduler = scheduler
        self.acks = 0
        self.answers: list[bytes] = []
        self._decoder = hsu.Decoder()
        self._code = 0
        self.chip = Pn532(field, scheduler, self.hear, name)

    def hear(self, data: bytes) -> None:
        """Bytes from the chip."""
        for frame in self._decoder.feed(data):
            if frame.kind is hsu.Kind.ACK:
                self.acks += 1
                continue
            assert frame.kind is hsu.Kind.PACKET
            if frame.body != b"\x7f":
                assert frame.body[:2] == bytes((0xD5, self._code + 1))
            self.answers.append(frame.body[2:] if frame.body != b"\x7f" else frame.body)

    def send(self, body: bytes, preamble: bytes = b"", baud: int | None = None) -> None:
        """Send a command (code and parameters) and check that it is acknowledged."""
        self._code, before = body[0], self.acks
        self.chip.receive(preamble + hsu.encode(b"\xd4" + body), baud)
        assert self.acks == before + 1, "no ACK"

    def ask(self, body: bytes, limit: float = 10.0) -> bytes:
        """Send a command and run until its answer is there."""
        self.send(body)
        return self.wait(limit)

    def wait(self, limit: float = 10.0) -> bytes:
        """Run until an answer is there, at most ``limit`` seconds of virtual time."""
        end = self.scheduler.now() + limit
        while not self.answers:
            due = self.scheduler.next_deadline()
            assert due is not None, "nothing planned"
            assert due <= end, f"no answer within {limit} s"
            self.scheduler.step()
        return self.answers.pop(0)

    def begin(self) -> Host:
        """Wake the chip up and leave low battery mode; few retries when looking for cards."""
        self.chip.receive(WAKE)
        assert self.ask(b"\x14\x01") == b""
        assert self.ask(b"\x32\x05\xff\x01\x02") == b""
        return self

    def listen(self) -> None:
        """Become a card with chip-side ISO-DEP; the answer comes when a reader is there."""
        assert self.ask(b"\x12\x34") == b""
        self.send(LISTEN)


def run_together(scripts: dict[Host, Script], limit: float = 60.0) -> None:
    """Run hosts side by side: each script yields commands and is sent their answers."""
    scheduler = next(iter(scripts)).scheduler
    end = scheduler.now() + limit
    waiting = dict(scripts)
    for host, script in scripts.items():
        host.send(next(script))
    while waiting:
        for host in [h for h in waiting if h.answers]:
            try:
                host.send(waiting[host].send(host.answers.pop(0)))
            except StopIteration:
                del waiting[host]
        if waiting and not any(h.answers for h in waiting):
            assert scheduler.step(), "nothing planned"
            assert scheduler.now() < end, f"scripts still run after {limit} s"


def transceive(apdu: bytes) -> Generator[bytes, bytes, bytes]:
    """Reader: one APDU through InDataExchange, chained by MI both ways. Returns the answer."""
    pieces = [apdu[i : i + 262] for i in range(0, len(apdu), 262)] or [b""]
    for piece in pieces[:-1]:
        check((yield b"\x40\x41" + piece))
    answer = check((yield b"\x40\x01" + pieces[-1]))
    collected = answer[1:]
    while answer[0] == 0x40:
        answer = check((yield b"\x40\x01"))
        collected += answer[1:]
    return collected


def take() -> Generator[bytes, bytes, bytes]:
    """Card: one command APDU by TgGetData. Returns it."""
    collected = b""
    while True:
        answer = check((yield b"\x86"))
        collected += answer[1:]
        if answer[0] == 0:
            return collected


def give(apdu: bytes) -> Generator[bytes, bytes, None]:
    """Card: answer with an APDU by TgSetMetaData and TgSetData."""
    pieces = [apdu[i : i + 262] for i in range(0, len(apdu), 262)] or [b""]
    for piece in pieces[:-1]:
        check((yield b"\x94" + piece))
    check((yield b"\x8e" + pieces[-1]))


def cut(data: bytes, sizes: Iterator[int]) -> Iterator[bytes]:
    """``data`` in pieces of the given sizes, for feeding a stream bit by bit."""
    while data:
        size = max(1, next(sizes))
        yield data[:size]
        data = data[size:]

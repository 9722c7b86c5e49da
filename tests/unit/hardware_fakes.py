"""Stand-ins for what firmware drivers talk to, in virtual time.

`ScriptedUart` answers from a function. `Bench` runs several wallets' blocking code at once, each on
the UART of a chip model of the simulator: one thread each, but only ever one of them awake, so that
runs repeat exactly.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

from jiaozi_sim.scheduler import VirtualScheduler

QUANTUM = 0.25


class ScriptedUart:
    """A UART whose other end is `answer(written bytes) -> bytes`; silence costs no time."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.answer = answer
        self.received = bytearray()
        self.bauds: list[int] = []

    def init(self, baudrate: int) -> None:
        self.bauds.append(baudrate)

    def flush(self) -> None: ...

    def write(self, data) -> int:
        self.received += self.answer(bytes(data))
        return len(data)

    def any(self) -> int:
        return len(self.received)

    def read(self) -> bytes | None:
        return self._take(len(self.received)) or None

    def readinto(self, buffer, count: int | None = None) -> int | None:
        count = len(buffer) if count is None else count
        data = self._take(count)
        buffer[: len(data)] = data
        return len(data) or None

    def _take(self, count: int) -> bytes:
        data = bytes(self.received[:count])
        del self.received[:count]
        return data


class _Fibre:
    """One wallet's code: a thread that runs only while it holds the baton."""

    def __init__(self, bench: Bench, work: Callable[[], Any]) -> None:
        self.bench = bench
        self.wake = threading.Semaphore(0)
        self.condition: Callable[[], bool] = lambda: True
        self.deadline = 0.0
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False
        self.thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self.thread.start()

    def _run(self, work: Callable[[], Any]) -> None:
        self.wake.acquire()
        try:
            self.result = work()
        except BaseException as error:  # noqa: BLE001  (handed to the test by `Bench.run`)
            self.error = error
        self.done = True
        self.bench.baton.release()

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        self.condition = condition
        self.deadline = self.bench.scheduler.now() + seconds
        self.bench.baton.release()
        self.wake.acquire()
        return condition()


class Bench:
    """A virtual clock and the blocking code that lives by it."""

    def __init__(self) -> None:
        self.scheduler = VirtualScheduler()
        self.baton = threading.Semaphore(0)
        self.fibres: dict[int, _Fibre] = {}

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Block the calling fibre until the condition holds or virtual time has passed."""
        return self.fibres[threading.get_ident()].wait(condition, seconds)

    def run(self, *works: Callable[[], Any], limit: float = 120.0) -> list[Any]:
        """Run the functions side by side to their ends.

        Returns their results, or raises the first one's error.
        """
        fibres = [_Fibre(self, work) for work in works]
        self.fibres = {f.thread.ident or 0: f for f in fibres}
        end = self.scheduler.now() + limit
        while alive := [f for f in fibres if not f.done]:
            now = self.scheduler.now()
            if now > end:
                raise TimeoutError(f"still running after {limit} virtual seconds")
            ready = [f for f in alive if f.condition() or f.deadline <= now]
            if ready:
                ready[0].wake.release()
                self.baton.acquire()
                continue
            deadline = min(f.deadline for f in alive)
            event = self.scheduler.next_deadline()
            if event is None or event > deadline:
                self.scheduler.run_until(deadline)
            else:
                self.scheduler.step()
        for fibre in fibres:
            if fibre.error:
                raise fibre.error
        return [f.result for f in fibres]


class BenchUart:
    """A UART on a bench; set `chip`, which sends by `deliver` and is heard `latency` s later."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.received = bytearray()
        self.baud = 115200
        self.chip: Any = None
        self.latency: Callable[[], float] = lambda: 0.0
        self.arrivals = 0
        self._free_at = 0.0

    def deliver(self, data: bytes) -> None:
        now = self.bench.scheduler.now()
        self._free_at = max(self._free_at, now + self.latency())  # nothing overtakes
        if self._free_at > now:
            self.bench.scheduler.call_later(self._free_at - now, self._arrive, data)
        else:
            self._arrive(data)

    def _arrive(self, data: bytes) -> None:
        self.arrivals += 1
        self.received += data

    def init(self, baudrate: int) -> None:
        self.baud = baudrate

    def flush(self) -> None: ...

    def write(self, data) -> int:
        self.chip.receive(bytes(data))
        return len(data)

    def any(self) -> int:
        return len(self.received)

    def read(self) -> bytes | None:
        return self._take(len(self.received)) or None

    def readinto(self, buffer, count: int | None = None) -> int | None:
        count = len(buffer) if count is None else count
        self.bench.wait(lambda: len(self.received) >= count, QUANTUM)
        data = self._take(count)
        buffer[: len(data)] = data
        return len(data) or None

    def _take(self, count: int) -> bytes:
        data = bytes(self.received[:count])
        del self.received[:count]
        return data


class BenchPort:
    """`wallet.hal.port` on a bench: waiting, time and phase marks, which are kept in `marks`."""

    def __init__(self, bench: Bench, uart: BenchUart, seed: int) -> None:
        self.bench = bench
        self.uart = uart
        self.dice = random.Random(seed)
        self.phase = 0
        self.marks: list[int] = []
        self._waited_for = 0

    def mark(self, phase: int) -> int:
        previous, self.phase = self.phase, phase
        self.marks.append(phase)
        return previous

    def wait(self, ms: int) -> bool:
        """As the port's: ends by what has arrived since it last did, read or not."""
        came = self.bench.wait(lambda: self.uart.arrivals != self._waited_for, ms / 1000)
        self._waited_for = self.uart.arrivals
        return came

    def ticks_ms(self) -> int:
        return int(self.bench.scheduler.now() * 1000)

    def ticks_add(self, a: int, b: int) -> int:
        return a + b

    def ticks_diff(self, a: int, b: int) -> int:
        return a - b

    def random(self, count: int) -> bytes:
        return self.dice.randbytes(count)


class PlainPort:
    """`wallet.hal.port` for code that needs no second fibre: waiting runs the scheduler."""

    def __init__(self, scheduler: VirtualScheduler) -> None:
        self.scheduler = scheduler

    def sleep_ms(self, ms: int) -> None:
        self.scheduler.run_for(ms / 1000)

    def wait(self, ms: int) -> bool:
        self.sleep_ms(ms)
        return False

    def ticks_ms(self) -> int:
        return int(self.scheduler.now() * 1000)

    def ticks_add(self, a: int, b: int) -> int:
        return a + b

    def ticks_diff(self, a: int, b: int) -> int:
        return a - b


class SpiWires:
    """An SPI bus with one display model, and the display's pins as `pin(role)`."""

    def __init__(self) -> None:
        self.model: Any = None
        self.outputs: dict[str, int] = {}
        self.written = 0

    def drive(self, role: str, level: int) -> None:
        """What the model's own pins are at."""
        self.outputs[role] = level

    def write(self, data) -> None:
        self.written += len(data)
        self.model.spi_write(bytes(data))

    def pin(self, role: str) -> Callable[..., int]:
        def pin(*level: int) -> int:
            if level:
                self.model.pin(role, level[0])
            return self.outputs.get(role, 0)

        return pin

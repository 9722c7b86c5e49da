"""Time, waiting and the serial lines: what port_idle promises."""

from __future__ import annotations

import hashlib
import random
import time

import pytest

from jiaozi_sim.machines.marks import Mark
from tests.emulated.port.repl import Repl


@pytest.fixture(autouse=True)
def nothing_left_over(repl: Repl) -> None:
    """Each test finds empty rings and nothing that arrived unseen."""
    repl.run(
        "from _jzport import *\nfrom machine import UART\nfrom time import *\n"
        "for n in (0, 1, 3):\n  while UART(n).any(): UART(n).read(UART(n).any())\n"
        "def quiet():\n  while wait(5): pass\n"
    )


@pytest.mark.parametrize(("role", "uart"), [("host", 0), ("nfc", 1), ("contact", 3)])
def test_echo_of_a_thousand_bytes(repl: Repl, rng: random.Random, role: str, uart: int) -> None:
    sent = rng.randbytes(1000)
    repl.begin(f"u = UART({uart}, 115200, timeout=5000, timeout_char=2000)\nu.write(u.read(1000))")
    rest = sent
    while rest:
        piece = rng.randrange(1, 200)
        repl.send(role, rest[:piece])
        rest = rest[piece:]
        time.sleep(rng.random() * 0.003)
    assert repl.receive(role, 1000) == sent
    repl.end()


def test_what_nobody_reads_is_not_lost_in_between(repl: Repl, rng: random.Random) -> None:
    """More than the ring holds waits in the UART: QEMU holds it back, nothing is dropped."""
    sent = rng.randbytes(12_000)
    repl.begin("sleep_ms(50)\nu = UART(1, timeout=5000, timeout_char=2000)\nd = u.read(12000)")
    repl.send("nfc", sent)
    repl.end()
    length, digest = repl.run(
        "from _jzcrypto import sha256\nprint(len(d), sha256(d).hex())"
    ).split()
    assert length == "12000"
    assert digest == hashlib.sha256(sent).hexdigest()


def test_reading_times_out(repl: Repl) -> None:
    code = (
        "u = UART(0, timeout=60, timeout_char=30)\nt = ticks_ms()\nprint(u.read(10))\n"
        "print(ticks_diff(ticks_ms(), t))"
    )
    nothing, passed = repl.run(code).split()
    assert nothing == "None"
    assert 60 <= int(passed) < 150
    repl.send("host", b"abc")
    assert repl.run("sleep_ms(20)\nprint(u.read(10))").strip() == "b'abc'"


def test_any_and_readinto(repl: Repl) -> None:
    repl.send("host", b"12345")
    code = (
        "sleep_ms(20)\nu = UART(0)\nb = bytearray(3)\n"
        "print(u.any(), u.readinto(b), b, u.any(), u.read(9), u.read(9), u.any())"
    )
    assert repl.run(code).strip() == "5 3 bytearray(b'123') 2 b'45' None 0"


def test_uart_refusals(repl: Repl) -> None:
    code = (
        "r = []\n"
        "for f in (lambda: UART(2), lambda: UART(4), lambda: UART(0, 0),\n"
        "  lambda: UART(0, 2000000),\n"
        "  lambda: UART(0, rxbuf=100000), lambda: UART(0, bits=7), lambda: UART(0, parity=1)):\n"
        "  try: f(); r.append('taken')\n"
        "  except ValueError: r.append('refused')\n"
        "UART(1, 921600, rxbuf=1024)\nUART(1, 115200)\nprint(*r)"
    )
    assert repl.run(code).split() == ["refused"] * 7


def test_wait_times_out(repl: Repl) -> None:
    code = "quiet()\nt = ticks_ms()\nr = wait(120)\nprint(r, ticks_diff(ticks_ms(), t))"
    result, passed = repl.run(code).split()
    assert result == "False"
    assert 120 <= int(passed) < 250


@pytest.mark.parametrize("role", ["host", "nfc", "contact"])
def test_wait_ends_with_a_byte(repl: Repl, role: str) -> None:
    repl.begin(
        "quiet()\nprint('now')\nt = ticks_ms()\nprint(wait(10000), ticks_diff(ticks_ms(), t))"
    )
    repl.log(b"now")
    time.sleep(0.05)
    repl.send(role, b"x")
    result, passed = repl.end().split()
    assert result == "True"
    assert 20 < int(passed) < 1000


def test_what_came_before_the_wait_ends_it_at_once(repl: Repl) -> None:
    repl.begin(
        "quiet()\nprint('now')\nsleep_ms(200)\nt = ticks_ms()\n"
        "print(wait(5000), ticks_diff(ticks_ms(), t), wait(50))"
    )
    repl.log(b"now")
    repl.send("nfc", b"x")
    arrived, passed, again = repl.end().split()
    assert (arrived, again) == ("True", "False")
    assert int(passed) < 50


def test_wait_ends_with_a_pin(repl: Repl) -> None:
    repl.begin(
        "from machine import Pin\np = Pin(10, Pin.IN, Pin.PULL_UP)\nbefore = p.value()\nquiet()\n"
        "print('now')\nprint(wait(5000), before, p.value())"
    )
    assert repl.receive("bridge", 5) == b"\x04\x0a\x01\x00\x01"
    repl.log(b"now")
    repl.send("bridge", b"\x81\x0a\x01\x00\x00")
    assert repl.end().split() == ["True", "1", "0"]


def test_a_sleeping_wallet_does_nothing(repl: Repl) -> None:
    """Idle is marked, counted apart, and costs two timer interrupts a second."""
    repl.begin("quiet()\nprint('now')\nmark(3)\nsleep_ms(1000)\nmark(13)")
    repl.log(b"now")
    repl.end()
    marks = repl.machine.marks()
    began = max(event.index for event in marks if event.mark == Mark.LINK)
    asleep, awake = marks[began], marks[began + 1]
    assert awake.idle > asleep.idle
    assert awake.work - asleep.work < 3000


def test_clocks_agree_and_never_step_back(repl: Repl) -> None:
    code = (
        "a = ticks_us(); m = ticks_ms()\nfor _ in range(20000):\n"
        "  b = ticks_us()\n  if ticks_diff(b, a) < 0: print('back', a, b)\n  a = b\n"
        "  if _ % 500 == 0: wait(1)\n"
        "u0 = ticks_us(); m0 = ticks_ms(); sleep_ms(1700)\n"
        "print(ticks_diff(ticks_us(), u0), ticks_diff(ticks_ms(), m0))"
    )
    began = time.monotonic()
    us, ms = map(int, repl.run(code).split())
    assert time.monotonic() - began >= 1.6
    assert 1_690_000 < us < 1_900_000
    assert abs(us - 1000 * ms) < 3000


def test_frames_of_the_bus_bridge(repl: Repl) -> None:
    repl.begin(
        "from machine import SPI, I2C, Pin\ns = SPI(0); i = I2C(1)\no = Pin(5, Pin.OUT, value=1)\n"
        "o.off(); o(1)\ns.write(b'ab')\ni.writeto(0x15, b'xy')\nprint(s.read(3, 0x55))\n"
        "print(i.readfrom_mem(0x15, 1, 2))"
    )
    expected = b"\x03\x05\1\0\1" + b"\x03\x05\1\0\0" + b"\x03\x05\1\0\1"
    expected += b"\x01\x00\x02\x00ab" + b"\x05\x01\x03\x00\x15xy" + b"\x02\x00\x03\x00\3\0\x55"
    assert repl.receive("bridge", len(expected)) == expected
    # An answer for another bus and an empty one are passed over.
    repl.send("bridge", b"\x82\x01\x03\x00zzz" + b"\x82\x00\x03\x00123")
    assert repl.receive("bridge", 13) == b"\x05\x01\x02\x00\x15\x01" + b"\x06\x01\x03\x00\x15\2\0"
    repl.send("bridge", b"\x82\x01\x02\x00ok")
    assert repl.end() == "b'123'\nb'ok'\n"


def test_a_bus_with_nothing_on_it(repl: Repl) -> None:
    code = (
        "from machine import SPI, I2C, Pin\nr = []\n"
        "for f in (lambda: SPI(1).read(2), lambda: I2C(0).readfrom(8, 1)):\n"
        "  try: f()\n  except OSError as e: r.append(e.errno)\n"
        "print(*r, Pin(11, Pin.IN, Pin.PULL_UP)(), Pin(12, Pin.IN, Pin.PULL_DOWN)())\n"
        "print(Pin(13, Pin.IN)())"
    )
    assert repl.run(code).split() == ["116", "116", "1", "0", "0"]
    asked = b"\x02\x01\x03\x00\2\0\0" + b"\x06\x00\x03\x00\x08\1\0"
    asked += b"\x04\x0b\x01\x00\1" + b"\x04\x0c\x01\x00\2" + b"\x04\x0d\x01\x00\0"
    assert repl.receive("bridge", len(asked)) == asked


def test_a_long_write_arrives_whole(repl: Repl, rng: random.Random) -> None:
    repl.begin("from machine import SPI\nSPI(0).write(bytes(range(256)) * 40)")
    sent = bytes(range(256)) * 40
    received = b""
    while len(received) < len(sent):
        op, bus, low, high = repl.receive("bridge", 4)
        assert (op, bus) == (1, 0)
        received += repl.receive("bridge", low | high << 8)
    assert received == sent
    repl.end()

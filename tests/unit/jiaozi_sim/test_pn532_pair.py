"""Two PN532 chips in virtual time: one is the reader, one the card."""

from __future__ import annotations

import copy

import pytest

from jiaozi_sim.faults import Fault
from jiaozi_sim.field import Field
from jiaozi_sim.scheduler import VirtualScheduler
from tests.fixtures.pn532_hosts import LIST_ONE, Host, Script, give, run_together, take, transceive

COMMAND = bytes(i * 7 & 0xFF for i in range(700))
ANSWER = bytes(i * 11 & 0xFF for i in range(698)) + b"\x90\x00"


@pytest.fixture
def scheduler() -> VirtualScheduler:
    return VirtualScheduler()


@pytest.fixture
def field(scheduler: VirtualScheduler) -> Field:
    return Field(scheduler)


@pytest.fixture
def reader(field: Field, scheduler: VirtualScheduler) -> Host:
    return Host(field, scheduler, "reader").begin()


@pytest.fixture
def wallet(field: Field, scheduler: VirtualScheduler) -> Host:
    return Host(field, scheduler, "wallet").begin()


def tap(field: Field, reader: Host, wallet: Host) -> bytes:
    """Bring both together and let the reader find the wallet; return what the reader found."""
    field.place(reader.chip)
    field.place(wallet.chip)
    wallet.listen()
    found = reader.ask(LIST_ONE)
    assert wallet.wait() == bytes.fromhex("08e050")
    return found


@pytest.mark.parametrize("loss", [0.0, 0.1])
@pytest.mark.parametrize("sizes", [(1, 100), (100, 1), (100, 150), (700, 62)])
def test_a_tap_of_many_exchanges_counts_every_apdu_byte_once(
    field: Field, reader: Host, wallet: Host, sizes: tuple[int, int], loss: float
) -> None:
    reader.ask(b"\x32\x04\x08")
    tap(field, reader, wallet)
    field.faults.append(Fault("lose", rate=loss, seed=1))

    def read() -> Script:
        for _ in range(5):
            assert (yield from transceive(COMMAND[: sizes[0]])) == ANSWER[: sizes[1]]

    def answer() -> Script:
        for _ in range(5):
            assert (yield from take()) == COMMAND[: sizes[0]]
            yield from give(ANSWER[: sizes[1]])

    run_together({reader: read(), wallet: answer()})
    assert (field.taps[-1].apdu_bytes, field.taps[-1].exchanges) == (5 * sum(sizes), 5)


def read_once(command: bytes, answers: list[bytes]) -> Script:
    answers.append((yield from transceive(command)))
    assert (yield b"\x52\x00") == b"\x00"


def serve(commands: list[bytes], answer: bytes, ends: list[bytes]) -> Script:
    commands.append((yield from take()))
    yield from give(answer)
    ends.append((yield b"\x86"))


def test_a_reader_sees_the_uid_and_the_ats_of_the_chip(
    field: Field, reader: Host, wallet: Host
) -> None:
    assert tap(field, reader, wallet).hex() == "01" + "01000420" + "0408112233" + "0575339200"


@pytest.mark.parametrize("size", [0, 1, 61, 62, 244, 262, 263, 524, 700, 1500])
def test_apdus_of_any_size_cross_both_ways(
    field: Field, reader: Host, wallet: Host, size: int
) -> None:
    tap(field, reader, wallet)
    command = (COMMAND * 3)[:size]
    answer = (ANSWER * 3)[-size:] if size else b""
    got: list[bytes] = []
    heard: list[bytes] = []
    ends: list[bytes] = []
    run_together({reader: read_once(command, got), wallet: serve(heard, answer, ends)})
    assert heard == [command]
    assert got == [answer]
    assert ends == [b"\x29"]
    assert (field.taps[-1].apdu_bytes, field.taps[-1].exchanges) == (2 * size, 1)


def test_at_424_kbit_the_same_bytes_take_about_a_quarter_of_the_air_time(
    field: Field, reader: Host, wallet: Host
) -> None:
    times = []
    for rate in (0, 2):
        tap(field, reader, wallet)
        assert reader.ask(bytes((0x4E, 1, rate, rate))) == b"\x00"
        run_together({reader: read_once(COMMAND, []), wallet: serve([], ANSWER, [])})
        times.append(field.taps[-1].air_time)
        reader.ask(b"\x32\x01\x00")
    assert 3.2 < times[0] / times[1] < 4.0


@pytest.mark.parametrize("seed", range(8))
def test_ten_percent_loss_is_recovered_by_the_block_protocol(
    field: Field, reader: Host, wallet: Host, seed: int
) -> None:
    reader.ask(b"\x32\x04\x05")  # five retries
    tap(field, reader, wallet)
    field.faults.append(Fault("lose", rate=0.1, seed=seed))
    got: list[bytes] = []
    heard: list[bytes] = []

    def read() -> Script:
        got.append((yield from transceive(COMMAND)))

    def once() -> Script:
        heard.append((yield from take()))
        yield from give(ANSWER)

    run_together({reader: read(), wallet: once()})
    assert (heard, got) == ([COMMAND], [ANSWER])
    assert field.faults[0].struck > 0
    assert field.taps[-1].apdu_bytes == len(COMMAND) + len(ANSWER)


@pytest.mark.parametrize("action", ["lose", "truncate"])
def test_any_one_block_may_be_lost_or_broken(
    scheduler: VirtualScheduler, field: Field, reader: Host, wallet: Host, action: str
) -> None:
    tap(field, reader, wallet)
    frames = 1
    while True:
        fault = Fault(action, nth=frames, amount=1)
        field.faults[:] = [fault]
        got: list[bytes] = []
        heard: list[bytes] = []

        def read(into: list[bytes] = got) -> Script:
            into.append((yield from transceive(COMMAND)))

        def once(into: list[bytes] = heard) -> Script:
            into.append((yield from take()))
            yield from give(ANSWER)

        run_together({reader: read(), wallet: once()})
        assert (heard, got) == ([COMMAND], [ANSWER]), f"frame {frames}"
        if not fault.struck:
            break
        frames += 1
    assert frames > 40


def test_a_busy_host_is_covered_by_automatic_wtx(
    scheduler: VirtualScheduler, field: Field, reader: Host, wallet: Host
) -> None:
    tap(field, reader, wallet)
    reader.send(b"\x40\x01\x80\x10\x00\x00")
    assert wallet.ask(b"\x86") == b"\x00\x80\x10\x00\x00"
    scheduler.run_for(3.0)
    assert wallet.ask(b"\x8e\x90\x00") == b"\x00"
    assert reader.wait() == b"\x00\x90\x00"
    assert sum(r.kind == "WTX" for r in field.log) >= 2 * 3.0 / 0.155


def test_without_wtx_the_frame_waiting_time_runs_out(
    scheduler: VirtualScheduler, field: Field, reader: Host, wallet: Host
) -> None:
    wallet.chip.auto_wtx = False
    tap(field, reader, wallet)
    start = scheduler.now()
    assert reader.ask(b"\x40\x01\x80\x10\x00\x00") == b"\x01"
    assert scheduler.now() - start == pytest.approx(3 * 0.158, abs=0.01)
    assert not any(r.kind == "WTX" for r in field.log)
    assert wallet.ask(b"\x86") == b"\x00\x80\x10\x00\x00"


def test_the_card_learns_that_the_field_has_gone(field: Field, reader: Host, wallet: Host) -> None:
    tap(field, reader, wallet)
    wallet.send(b"\x86")
    assert reader.ask(b"\x32\x01\x00") == b""
    assert wallet.wait() == b"\x0a"
    assert wallet.ask(b"\x86") == b"\x25"
    assert wallet.ask(b"\x8e\x90\x00") == b"\x25"


def test_the_reader_learns_that_the_card_has_gone(field: Field, reader: Host, wallet: Host) -> None:
    tap(field, reader, wallet)
    reader.send(b"\x40\x01" + COMMAND[:200])
    field.remove(wallet.chip)
    assert reader.wait() == b"\x01"
    assert wallet.ask(b"\x86") == b"\x25"


def test_a_chip_that_keeps_its_own_carrier_is_deaf_to_readers(
    field: Field, reader: Host, wallet: Host
) -> None:
    field.place(reader.chip)
    field.place(wallet.chip)
    wallet.ask(b"\x32\x01\x01")
    wallet.listen()
    assert reader.ask(LIST_ONE) == b"\x00"
    wallet.ask(b"\x32\x01\x00")
    wallet.listen()
    assert reader.ask(LIST_ONE)[:1] == b"\x01"


World = tuple[VirtualScheduler, Field, Host, Host]


def advance(world: World) -> bool:
    """Process one event of an exchange in which the wallet answers; False at the end."""
    scheduler, _, reader, wallet = world
    if wallet.answers == [b"\x00" + COMMAND[:200]]:
        wallet.answers.clear()
        wallet.send(b"\x8e" + ANSWER[:200])
    return not reader.answers and scheduler.step()


@pytest.mark.parametrize("steps", range(0, 120, 7))
def test_a_snapshot_in_the_middle_of_an_exchange_continues_equally(steps: int) -> None:
    scheduler = VirtualScheduler()
    field = Field(scheduler)
    reader = Host(field, scheduler, "reader").begin()
    wallet = Host(field, scheduler, "wallet").begin()
    reader.ask(b"\x32\x04\x05")
    tap(field, reader, wallet)
    field.faults.append(Fault("lose", rate=0.1, seed=steps))
    reader.send(b"\x40\x01" + COMMAND[:200])
    wallet.send(b"\x86")
    world = (scheduler, field, reader, wallet)
    for _ in range(steps):
        advance(world)
    copies = [copy.deepcopy(world) for _ in range(2)]
    results = []
    for other in (*copies, world):
        while advance(other):
            pass
        other[0].run_until_idle()
        results.append((other[0].now(), other[1].log, other[1].taps, other[2].answers))
    assert results[0] == results[1] == results[2]
    assert results[0][3] == [b"\x00" + ANSWER[:200]]

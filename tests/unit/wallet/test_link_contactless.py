"""The contactless link: two drivers, two chip models and one field, in virtual time."""

import contextlib
import random
import re
from pathlib import Path

import pytest

from jiaozi.wire.apdu import select
from jiaozi.wire.commands import AUTO, CARD, READER
from jiaozi_sim.card import IsoDepCard
from jiaozi_sim.chips.pn532 import Pn532 as ChipModel
from jiaozi_sim.chips.pn532_target import Role
from jiaozi_sim.faults import Fault
from jiaozi_sim.field import Field
from tests.fixtures.hardware_fakes import Bench, BenchPort, BenchUart
from wallet.drivers.pn532 import Pn532
from wallet.hal import phases
from wallet.hal.errors import LinkError, LinkLost, LinkTimeout, TwoCards
from wallet.links.contactless import Contactless

MARKS = Path(__file__).parents[3] / "firmware" / "include" / "jz" / "marks.h"


class Wallet:
    """One wallet's link with its chip in the field."""

    def __init__(self, bench: Bench, field: Field | None, seed: int) -> None:
        self.uart = BenchUart(bench)
        self.port = BenchPort(bench, self.uart, seed)
        self.chip = ChipModel(field or Field(bench.scheduler), bench.scheduler, self.uart.deliver)
        self.uart.chip = self.chip
        self.link = Contactless(Pn532(self.uart, bytes((seed, 2, 3))), self.port)
        self.contacts = 0
        self.link.connect(self.handler, self.begin_contact)
        self.handled: list[bytes] = []
        self.reply = lambda command: command[::-1] + b"\x90\x00"
        if field:
            field.place(self.chip)

    def handler(self, command) -> bytes:
        assert self.port.phase == phases.PYTHON
        self.handled.append(bytes(command))
        return self.reply(bytes(command))

    def begin_contact(self) -> None:
        self.contacts += 1

    def service(self, role: int, ms: int = 50):
        """Service the link as the main loop does: then wait for as long as it can do without."""
        card = self.link.service(role)
        if card is None and (due := min(ms, self.link.due_ms())):
            self.port.wait(due)
        return card

    def read(self, commands: list[bytes], polls: int = 200) -> list[bytes]:
        """Find a card and exchange; releases it in the end."""
        for _ in range(polls):
            card = self.service(READER)
            if card:
                try:
                    return [card.exchange(command) for command in commands]
                finally:
                    card.release()
        raise AssertionError("no card")

    def card(self, seconds: float) -> None:
        end = self.port.ticks_ms() + seconds * 1000
        while self.port.ticks_ms() < end:
            self.service(CARD)


def pair(seed: int = 1) -> tuple[Bench, Field, Wallet, Wallet]:
    bench = Bench()
    field = Field(bench.scheduler)
    return bench, field, Wallet(bench, field, seed), Wallet(bench, field, seed + 77)


def commands(seed: int, count: int = 6) -> list[bytes]:
    dice = random.Random(seed)
    sizes = (4, 60, 262, 263, 700, 1500)
    return [dice.randbytes(sizes[i % len(sizes)]) for i in range(count)]


def test_reader_and_card_exchange_commands_of_every_size():
    bench, _, reader, card = pair()
    sent = commands(1)
    answers, _ = bench.run(lambda: reader.read(sent), lambda: card.card(4))
    assert card.handled == sent
    assert answers == [c[::-1] + b"\x90\x00" for c in sent]
    assert card.contacts == 1
    assert not card.link.in_session
    assert reader.chip.carrier is False


def test_a_card_just_chosen_does_not_turn_away():
    """Its own window of listening may end, or a rest be due, in that very moment."""
    bench, _, reader, card = pair()
    sent = commands(3, 1)

    def busy_when_chosen() -> None:
        card.link.service(CARD)
        while not card.uart.any():
            card.port.wait(5)
        assert card.link.in_session
        while not card.handled:
            card.service(AUTO)

    answers, _ = bench.run(lambda: reader.read(sent, polls=1), busy_when_chosen)
    assert answers == [c[::-1] + b"\x90\x00" for c in sent]


@pytest.mark.parametrize("turn", ["rest", "window"])
@pytest.mark.parametrize("after", [0.0, 0.001, 0.004, 0.006])
def test_a_card_chosen_while_the_word_of_it_is_on_its_way_does_not_turn_away(turn, after):
    """The chip knows 5 ms before us; `after` it has chosen a rest is due, or our window ends."""
    bench, _, reader, card = pair()
    sent = commands(3, 1)
    stayed: list[bool] = []

    def busy_when_chosen() -> None:
        card.link.service(CARD)
        card.uart.latency = lambda: 0.005
        bench.wait(lambda: card.chip.target.role is Role.PICC, 10)
        bench.wait(lambda: False, after)
        if turn == "rest":
            stayed.append(not card.link.leave())
        else:
            card.link.service(AUTO)  # it has no window: it has listened as a card so far
            stayed.append(card.link.in_session)
        while not card.handled:
            card.service(CARD)

    answers, _ = bench.run(lambda: reader.read(sent, polls=1), busy_when_chosen)
    assert answers == [c[::-1] + b"\x90\x00" for c in sent]
    assert stayed == [True]


def test_leaving_ends_both_roles_where_no_reader_has_us():
    bench, _, first, _ = pair()

    def run() -> None:
        assert first.link.leave()
        first.link.service(CARD)
        assert first.link.leave()
        assert first.chip.running is None
        assert first.chip.target.role is Role.NONE
        assert first.link.service(READER) is None
        assert first.link.leave()
        assert not first.chip.carrier
        first.link.service(CARD)
        first.uart.chip = ChipModel(first.chip.field, bench.scheduler, lambda data: None)
        assert first.link.leave()  # of a chip that does not work, too

    bench.run(run)


def test_marks():
    bench, _, reader, card = pair()
    bench.run(lambda: reader.read([select(), b"1234"]), lambda: card.card(2))
    tap = reader.port.marks.index(phases.TAP_BEGIN)
    assert reader.port.marks[tap : tap + 3] == [phases.TAP_BEGIN, phases.LINK, 0]
    assert reader.port.marks.count(phases.TAP_BEGIN) == 1
    assert card.port.marks.count(phases.ANSWERED) == 2
    assert phases.TAP_BEGIN not in card.port.marks
    assert reader.port.phase == card.port.phase == 0


@pytest.mark.parametrize("seed", range(12))
def test_two_wallets_that_both_want_to_start_meet(seed):
    bench, _, first, second = pair(seed)
    over: list[str] = []

    def wish(wallet: Wallet) -> str:
        while wallet.port.ticks_ms() < 5000:
            reader = wallet.service(AUTO)
            if reader:
                assert reader.exchange(b"ping") == b"gnip\x90\x00"
                reader.release()
                over.append("")
                return "reader"
            if over and not wallet.link.in_session:
                return "card" if wallet.handled else "nobody"
        return "nobody"

    roles = bench.run(lambda: wish(first), lambda: wish(second))
    assert sorted(roles) == ["card", "reader"]
    assert bench.scheduler.now() < 2


def test_card_leaves_and_comes_back():
    bench, field, reader, card = pair()

    def pulled(command: bytes) -> bytes:
        field.remove(card.chip)
        return b"\x90\x00"

    def read() -> bytes:
        card.reply = pulled
        with pytest.raises(LinkError):
            reader.read([b"1234"])
        field.place(card.chip)
        card.reply = lambda command: b"back"
        return reader.read([b"5678"])[0]

    answer, _ = bench.run(read, lambda: card.card(8))
    assert answer == b"back"


def test_slow_card_is_waited_for():
    bench, _, reader, card = pair()

    def slow(command: bytes) -> bytes:
        bench.wait(lambda: False, 1.5)
        return b"\x90\x00"

    card.reply = slow
    answers, _ = bench.run(lambda: reader.read([b"1234"]), lambda: card.card(6))
    assert answers == [b"\x90\x00"]


def test_a_button_is_not_kept_waiting():
    bench, _, _, card = pair()

    def run() -> list[float]:
        card.service(CARD)
        started = bench.scheduler.now()
        card.service(CARD)
        return [bench.scheduler.now() - started]

    assert bench.run(run)[0] == pytest.approx([0.05], abs=0.005)


def test_stop_ends_both_roles():
    bench, _, first, _ = pair()

    def run() -> None:
        first.link.service(CARD)
        assert first.chip.running == 0x8C
        first.link.stop()
        assert first.chip.running is None
        first.link.service(READER)
        assert first.chip.carrier
        first.link.stop()
        assert not first.chip.carrier
        first.link.service(CARD)
        assert first.chip.running == 0x8C

    bench.run(run)


def test_without_a_chip_calls_return_and_it_is_found_when_it_comes():
    bench = Bench()
    field = Field(bench.scheduler)
    wallet = Wallet(bench, field, 1)
    model, wallet.uart.chip = wallet.uart.chip, ChipModel(field, bench.scheduler, lambda data: None)

    def run() -> None:
        with pytest.raises(LinkTimeout):
            wallet.service(CARD)
        started = bench.scheduler.now()
        for _ in range(10):
            assert wallet.service(CARD) is None
            assert wallet.service(READER) is None
        assert bench.scheduler.now() - started < 1.1
        wallet.uart.chip = model
        bench.wait(lambda: False, 3)
        wallet.service(CARD)
        assert model.running == 0x8C

    bench.run(run)


def test_an_exchange_after_the_end_is_refused():
    bench, field, reader, _ = pair()
    field.place(IsoDepCard(field, bench.scheduler, lambda command: b"\x90\x00"))

    def run() -> None:
        channel = reader.service(READER)
        assert channel.exchange(b"1234") == b"\x90\x00"
        channel.release()
        with pytest.raises(LinkLost):
            channel.exchange(b"1234")
        channel.release()

    bench.run(run)


def test_a_handler_that_raises_does_not_wedge_the_link():
    bench, _, reader, card = pair()

    def broken(command: bytes) -> bytes:
        card.reply = lambda command: b"fine"
        raise RuntimeError("handler")

    def serve() -> None:
        card.reply = broken
        with pytest.raises(RuntimeError):
            card.card(2)
        card.card(8)

    def read() -> bytes:
        with pytest.raises(LinkError):
            reader.read([b"1234"])
        return reader.read([b"5678"])[0]

    assert bench.run(read, serve)[0] == b"fine"


def test_a_command_too_long_is_answered_by_the_link():
    bench, _, reader, card = pair()
    answers, _ = bench.run(lambda: reader.read([bytes(1700)]), lambda: card.card(3))
    assert answers == [b"\x67\x00"]
    assert card.handled == []


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("actions", [("lose", "truncate"), ("lose", "truncate", "repeat", "delay")])
def test_mistreated_frames_end_in_an_answer_or_a_typed_error(seed, actions):
    """Late copies of blocks pass for later ones (ISO/IEC 14443-4 counts to two): content may differ
    then, which is for signatures to see, and the chips may wait for each other until a time-out."""
    bench, field, reader, card = pair(seed)
    dice = random.Random(seed)
    for _ in range(3):
        action = dice.choice(actions)
        nth = dice.randrange(1, 40)
        field.faults.append(Fault(action, nth=nth, times=1, amount=dice.random() / 10))
    done: list[bytes] = []
    errors: list[LinkError] = []

    def read() -> None:
        while not done:
            try:
                done.extend(reader.read([b"12", b"34" * 200], polls=200))
            except LinkError as error:
                errors.append(error)

    def be_read() -> None:
        while not done:
            with contextlib.suppress(LinkError):
                card.card(0.05)

    bench.run(read, be_read, limit=30)
    if "repeat" not in actions:
        assert done == [b"21\x90\x00", b"43" * 200 + b"\x90\x00"]
    assert len(errors) <= 3


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("role", ["card", "either"])
def test_a_chip_that_answers_late_leaves_nobody_waiting_for_ever(seed, role):
    """Later than any time-out, so that commands are sent and answered twice; then it heals."""
    bench, _, reader, card = pair(seed)
    dice = random.Random(seed)
    late = dice.choice((0.03, 0.3, 1.0))
    healed = 4.0

    def latency() -> float:
        if bench.scheduler.now() > healed or dice.random() > late:
            return 0.0
        return dice.choice((0.004, 0.27, 0.8, 2.0))

    card.uart.latency = latency

    def be_card() -> None:
        while not card.handled:
            with contextlib.suppress(LinkError):
                if role == "card":
                    card.service(CARD, 500)
                elif found := card.service(AUTO, 500):
                    found.release()
            if dice.random() < 0.3:
                card.link.leave()
            bench.wait(lambda: False, 0.01)

    def read() -> list[bytes]:
        while True:
            with contextlib.suppress(LinkError, AssertionError):
                return reader.read([b"12"], polls=10)

    answer, _ = bench.run(read, be_card, limit=healed + 8)
    assert answer == [b"21\x90\x00"]


def test_phases_are_those_of_the_port():
    table = dict(re.findall(r"JZ_MARK_(\w+) = (\d+)", MARKS.read_text(encoding="utf-8")))
    ours = {name: value for name, value in vars(phases).items() if isinstance(value, int)}
    assert ours
    for name, value in ours.items():
        assert int(table[name]) == value


def test_two_cards_end_the_tap(monkeypatch):
    bench, _, reader, _ = pair()

    def two() -> None:
        raise TwoCards("two")

    def run() -> None:
        reader.link.service(READER)
        monkeypatch.setattr(reader.link._radio.chip, "poll", two)
        with pytest.raises(TwoCards):
            reader.link.service(READER)
        assert not reader.chip.carrier

    bench.run(run)

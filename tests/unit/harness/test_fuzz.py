"""A sample of `make fuzz` on CPython, and whether its judge can say no."""

from __future__ import annotations

import random

import pytest

from jiaozi.wire import apdu, commands
from tests.fuzz import doors, scene, stage
from tests.fuzz.programme import Operation, Talk, play, wallet_of
from tests.fuzz.stage import Broken, Stage


def ask(which: Stage, command: bytes) -> bytes:
    return which.judged(command, lambda: which.exchange(command))


def test_programmes_leave_every_wallet_in_order(seed: int) -> None:
    rng = random.Random(seed)
    stages = {name: Stage(template) for name, template in scene.WALLETS.items()}
    for _ in range(1500):
        data = rng.randbytes(1) + b"\x40" + rng.randbytes(rng.randrange(1, 60))
        stages[wallet_of(data)].reset()
        play(stages[wallet_of(data)], data)


def test_doors_refuse_in_order(seed: int) -> None:
    rng = random.Random(seed)
    good = list(doors.seeds())
    for _ in range(3000):
        data = bytearray(rng.choice(good))
        for _ in range(rng.randrange(3)):
            at = rng.randrange(len(data))
            data[at : at + rng.randrange(4)] = rng.randbytes(rng.randrange(4))
        doors.knock_by_bytes(bytes(data))


@pytest.fixture
def ready() -> Stage:
    found = Stage(scene.WALLETS["ready"])
    found.exchange(apdu.select())
    return found


def answer_with(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, key: int = 0, value: bytes = b""
) -> None:
    """Have the dispatcher answer so, and put something into the store."""

    def dispatch(device: object, command: bytes) -> bytes:
        if key:
            device.store.data[key] = value  # type: ignore[attr-defined]
        return answer

    monkeypatch.setattr(stage, "dispatch", dispatch)


@pytest.mark.parametrize(
    ("answer", "key", "value", "complaint"),
    [
        (b"\x6f\x01", 0, b"", "no status word"),
        (b"\x6a\x80", stage.PIN_KEY, b"", "a refusal changed"),
        (b"\x90\x00", stage.TRIES_KEY, b"\x04", "tries were gained"),
        (scene.WALLETS["ready"][0x10] + b"\x90\x00", 0, b"", "a secret"),
    ],
)
def test_the_judge_sees(
    ready: Stage,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
    key: int,
    value: bytes,
    complaint: str,
) -> None:
    answer_with(monkeypatch, answer, key, value)
    with pytest.raises(Broken, match=complaint):
        ask(ready, scene.command(commands.INFO))


def test_the_judge_sees_money_without_an_entry(
    ready: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dispatch(device: object, command: bytes) -> bytes:
        device.book.state.credit(0, 1)  # type: ignore[attr-defined]
        return b"\x90\x00"

    monkeypatch.setattr(stage, "dispatch", dispatch)
    with pytest.raises(Broken, match="the balance went"):
        ask(ready, scene.command(commands.INFO))


def test_good_commands_are_taken() -> None:
    """Otherwise the programmes would show nothing."""
    taken = set()
    for name, template in scene.WALLETS.items():
        for command in scene.POOL:
            which = Stage(template)
            talk = Talk(which.exchange)
            talk.carry(Operation(b"", False, "desk"))
            if name != "blank":
                talk.carry(Operation(scene.command(commands.VERIFY, stage.PIN), True))
            for inside in (True, False):
                if talk.carry(Operation(command, inside))[-2:] == b"\x90\x00":
                    taken.add(command[1])
    # A package is for one key, which INSTALL's blank device has just made.
    assert {command[1] for command in scene.POOL} - taken == {commands.INSTALL}

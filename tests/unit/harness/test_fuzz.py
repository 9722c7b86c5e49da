"""A sample of `make fuzz` on CPython, and broken rules that its checks must detect."""

from __future__ import annotations

import random

import pytest

from jiaozi.wallet.store_keys import PIN_KEY, PIN_TRIES_KEY, SEED_KEY
from jiaozi.wire import apdu, commands
from tests.fuzz import attack_material, decoders, wallet_on_cpython
from tests.fuzz.sequences import HostSession, Operation, play, wallet_of
from tests.fuzz.wallet_on_cpython import Broken, WalletOnCPython


def ask(which: WalletOnCPython, command: bytes) -> bytes:
    return which.checked(command, lambda: which.exchange(command))


def test_sequences_keep_every_wallet_in_order(seed: int) -> None:
    rng = random.Random(seed)
    wallets = {
        name: WalletOnCPython(template) for name, template in attack_material.WALLETS.items()
    }
    for _ in range(1500):
        data = rng.randbytes(1) + b"\x40" + rng.randbytes(rng.randrange(1, 60))
        wallets[wallet_of(data)].reset()
        play(wallets[wallet_of(data)], data)


def test_decoders_raise_nothing_but_refused(seed: int) -> None:
    rng = random.Random(seed)
    good = list(decoders.seeds())
    for _ in range(3000):
        data = bytearray(rng.choice(good))
        for _ in range(rng.randrange(3)):
            at = rng.randrange(len(data))
            data[at : at + rng.randrange(4)] = rng.randbytes(rng.randrange(4))
        decoders.decode_chosen(bytes(data))


@pytest.fixture
def ready() -> WalletOnCPython:
    found = WalletOnCPython(attack_material.WALLETS["ready"])
    found.exchange(apdu.select())
    return found


def answer_with(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, key: int = 0, value: bytes = b""
) -> None:
    """Make the dispatcher return this answer and write to the store."""

    def dispatch(device: object, command: bytes) -> bytes:
        if key:
            device.store.data[key] = value  # type: ignore[attr-defined]
        return answer

    monkeypatch.setattr(wallet_on_cpython, "dispatch", dispatch)


@pytest.mark.parametrize(
    ("answer", "key", "value", "complaint"),
    [
        (b"\x6f\x01", 0, b"", "no status word"),
        (b"\x6a\x80", PIN_KEY, b"", "a refusal changed"),
        (b"\x90\x00", PIN_TRIES_KEY, b"\x04", "tries were gained"),
        (attack_material.WALLETS["ready"][SEED_KEY] + b"\x90\x00", 0, b"", "a secret"),
    ],
)
def test_a_broken_rule_is_seen(
    ready: WalletOnCPython,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
    key: int,
    value: bytes,
    complaint: str,
) -> None:
    answer_with(monkeypatch, answer, key, value)
    with pytest.raises(Broken, match=complaint):
        ask(ready, attack_material.command(commands.INFO))


def test_money_without_an_entry_is_seen(
    ready: WalletOnCPython, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dispatch(device: object, command: bytes) -> bytes:
        device.book.state.credit(0, 1)  # type: ignore[attr-defined]
        return b"\x90\x00"

    monkeypatch.setattr(wallet_on_cpython, "dispatch", dispatch)
    with pytest.raises(Broken, match="the balance went"):
        ask(ready, attack_material.command(commands.INFO))


def test_good_commands_are_taken() -> None:
    """The sequences are useful only if some commands succeed."""
    taken = set()
    for name, template in attack_material.WALLETS.items():
        for command in attack_material.POOL:
            which = WalletOnCPython(template)
            session = HostSession(which.exchange, which.press_ok)
            session.send(Operation(b"", False, "desk"))
            if name != "blank":
                session.send(
                    Operation(attack_material.command(commands.VERIFY, wallet_on_cpython.PIN), True)
                )
            for inside in (True, False):
                if session.send(Operation(command, inside))[-2:] == b"\x90\x00":
                    taken.add(command[1])
    # A package is for one key, which INSTALL's blank device has just made.
    assert {command[1] for command in attack_material.POOL} - taken == {commands.INSTALL}

"""Wallet on CPython for fuzzing: the firmware's dispatcher over a store in memory, and its rules.

After each operation of a sequence (see sequences.py) these must hold:

* a refusal has changed nothing, except PIN tries, which never rise without the PIN, and the
  channel key, which the first handshake makes;
* the balance has changed by exactly what the new journal entries say;
* an answer contains no part of a key or of the PIN's verifier;
* a status word is in the registry, and is not the one for an internal error (6F00).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from _jzcbor import loads
from jiaozi.wallet.book import Book
from jiaozi.wallet.store_keys import (
    CHANNEL_KEY,
    JOURNAL_KEY,
    PIN_KEY,
    PIN_TRIES_KEY,
    SEED_KEY,
)
from jiaozi.wire import commands, errors, messages
from jiaozi.wire.journal import CREDITED, KIND, PAID, PAYMENT_RAW, REFUNDED, REQUEST_HASH, TAKEN
from tests import firmware_path  # noqa: F401  (for `wallet`)
from tests.fixtures.wallets import MemoryStore
from wallet.device import Device
from wallet.dispatch import dispatch

PIN = b"482915"
_OK = b"\x90\x00"
_PIECE = 12
_KNOWN = {value for name, value in vars(errors).items() if name.isupper() and type(value) is int}
_KNOWN |= {errors.PIN_WRONG + left for left in range(3)} | {0x9000}


class Broken(Exception):
    """A rule that a wallet must keep for any input is violated."""


class Port:
    """Stands in for `wallet.hal.port`: time does not pass, an internal error ends the run."""

    def mark(self, phase: int) -> int:
        """See the port."""
        return 0

    def ticks_ms(self) -> int:
        """See the port."""
        return 0

    def report(self, fault: BaseException) -> None:
        """Raise the fault, for which the firmware answers 6F00."""
        raise fault

    def wait(self, ms: int) -> bool:
        """See the port."""
        return False


class Person:
    """Stands in for a person: sees nothing, and can answer."""

    can_answer = True

    def show(self, screen: str, **data: object) -> None:
        """See `wallet.person.person`."""


class WalletOnCPython:
    """One wallet, reset to a template.

    Args:
        template: contents of its store after a reset.
    """

    def __init__(self, template: Mapping[int, bytes]) -> None:
        self._template = dict(template)
        self._secrets = _secrets(template)
        self._begin()

    def _begin(self) -> None:
        self._store = MemoryStore()
        self._store.data.update(self._template)
        self.device = Device(self._store, Person(), Port())

    def reset(self) -> None:
        """Go back to the template, in a new session with a reader."""
        if self._store.commits or self.device.intent is not None:
            self._begin()
        self.device.begin_contact(on_air=True)

    def exchange(self, command: bytes) -> bytes:
        """Dispatch one command; return the answer. Raises what the dispatcher does not handle."""
        return dispatch(self.device, command)

    def press_ok(self) -> None:
        """Give the answer to the open question."""
        self.device.consent.answer(True)

    def checked(self, command: bytes, send: Callable[[], bytes]) -> bytes:
        """Have `send` exchange a command, and check the rules on its answer. Raises Broken."""
        before, balance = dict(self._store.data), self._balance()
        answer = send()
        status = int.from_bytes(answer[-2:], "big")
        if status not in _KNOWN:
            raise Broken(f"{status:04X} is no status word of the registry")
        self._check_store(before, answer, command)
        self._check_money(before, balance)
        if any(secret in answer for secret in self._secrets):
            raise Broken("an answer contains a secret")
        return answer

    def holds(self) -> dict[int, bytes]:
        """Contents of its store."""
        return self._store.data

    def _balance(self) -> int:
        return self.device.book.state.balance if self.device.provisioned else 0

    def _check_store(self, before: dict[int, bytes], answer: bytes, command: bytes) -> None:
        after = self._store.data
        was, now = before.get(PIN_TRIES_KEY), after.get(PIN_TRIES_KEY)
        by_operator = command[1:2] == bytes([commands.UNBLOCK])
        if was and now and now > was and PIN not in command and not by_operator:
            raise Broken("PIN tries were gained")
        if answer[-2:] != _OK:
            changed = {
                key for key in before.keys() | after.keys() if before.get(key) != after.get(key)
            }
            if changed - {PIN_TRIES_KEY, CHANNEL_KEY}:
                raise Broken(f"a refusal changed {sorted(changed)}")

    def _check_money(self, before: dict[int, bytes], balance: int) -> None:
        new = [key for key in self._store.data if key >= JOURNAL_KEY and key not in before]
        said = sum(_worth(self.device.book, loads(self._store.data[key])) for key in new)
        if self._balance() != balance + said:
            raise Broken(
                f"the balance went from {balance} to {self._balance()}, entries say {said}"
            )


def _worth(wallet: Book, entry: list[Any]) -> int:
    """Return the amount that an entry adds to the balance."""
    kind = entry[KIND]
    if kind == PAID:
        return -sum(entry[TAKEN])
    if kind == CREDITED:
        return messages.read_payment(entry[PAYMENT_RAW], wallet.network).amount
    if kind == REFUNDED:
        paid = wallet.paid(entry[REQUEST_HASH])
        return 0 if paid is None else sum(paid[TAKEN])
    return 0


def _secrets(template: Mapping[int, bytes]) -> list[bytes]:
    held = [template.get(key, b"") for key in (SEED_KEY, PIN_KEY)] + [PIN * 2]
    return [
        secret[at : at + _PIECE]
        for secret in held
        for at in range(0, len(secret) - _PIECE + 1, _PIECE)
    ]

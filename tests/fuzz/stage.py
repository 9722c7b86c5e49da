"""Wallets to be attacked, and what must be true of them whatever they were sent.

A stage is the firmware's own dispatcher over a store in memory. After each operation of a programme
(see programme.py) it is judged:

* a refusal has changed nothing, but for PIN tries, which never rise without the PIN, and the key
  for channels, which the first handshake makes;
* the balance has changed by what the new journal entries say and by nothing else;
* an answer holds no part of a key or of what the PIN is compared with;
* a status word is one of the registry's, and not the one for an own fault (6F00).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from _jzcbor import loads
from jiaozi.wallet.book import Book
from jiaozi.wallet.store_keys import CHANNEL_KEY, JOURNAL_KEY, SEED_KEY
from jiaozi.wire import commands, errors, messages
from jiaozi.wire.journal import CREDITED, KIND, PAID, PAYMENT_RAW, REFUNDED, REQUEST_HASH, TAKEN
from tests.fixtures.wallets import MemoryStore
from wallet.device import Device
from wallet.dispatch import dispatch

PIN = b"482915"
TRIES_KEY = 0x21
PIN_KEY = 0x20
_OK = b"\x90\x00"
_PIECE = 12
_KNOWN = {value for name, value in vars(errors).items() if name.isupper() and type(value) is int}
_KNOWN |= {errors.PIN_WRONG + left for left in range(3)} | {0x9000}


class Broken(Exception):
    """Something that must hold of a wallet whatever it is sent does not."""


class Port:
    """`wallet.hal.port` here: time does not pass, and an own fault ends the run."""

    def mark(self, phase: int) -> int:
        """See the port."""
        return 0

    def ticks_ms(self) -> int:
        """See the port."""
        return 0

    def report(self, fault: BaseException) -> None:
        """A wallet would answer 6F00; here the fault itself is wanted."""
        raise fault

    def wait(self, ms: int) -> bool:
        """See the port."""
        return False


class Stage:
    """One wallet, begun anew from a template.

    Args:
        template: what its store holds at the start.
    """

    def __init__(self, template: Mapping[int, bytes]) -> None:
        self._template = dict(template)
        self._secrets = _secrets(template)
        self._begin()

    def _begin(self) -> None:
        self._store = MemoryStore()
        self._store.data.update(self._template)
        self.device = Device(self._store, lambda name, **data: None, Port())

    def reset(self) -> None:
        """Be as at the start."""
        if self._store.commits or self.device.intent is not None:
            self._begin()
        self.device.begin_contact()

    def exchange(self, command: bytes) -> bytes:
        """One command as it crosses the air, and its answer. Raises what the dispatcher let out."""
        return dispatch(self.device, command)

    def judged(self, command: bytes, carry: Callable[[], bytes]) -> bytes:
        """Have `carry` bring a command here and return the answer to it. Raises Broken."""
        before, balance = dict(self._store.data), self._balance()
        answer = carry()
        status = int.from_bytes(answer[-2:], "big")
        if status not in _KNOWN:
            raise Broken(f"{status:04X} is no status word of the registry")
        self._check_store(before, answer, command)
        self._check_money(before, balance)
        if any(secret in answer for secret in self._secrets):
            raise Broken("an answer gives away a secret")
        return answer

    def holds(self) -> dict[int, bytes]:
        """What its store holds now."""
        return self._store.data

    def _balance(self) -> int:
        return self.device.book.state.balance if self.device.provisioned else 0

    def _check_store(self, before: dict[int, bytes], answer: bytes, command: bytes) -> None:
        after = self._store.data
        was, now = before.get(TRIES_KEY), after.get(TRIES_KEY)
        by_operator = command[1:2] == bytes([commands.UNBLOCK])
        if was and now and now > was and PIN not in command and not by_operator:
            raise Broken("PIN tries were gained")
        if answer[-2:] != _OK:
            changed = {
                key for key in before.keys() | after.keys() if before.get(key) != after.get(key)
            }
            if changed - {TRIES_KEY, CHANNEL_KEY}:
                raise Broken(f"a refusal changed {sorted(changed)}")

    def _check_money(self, before: dict[int, bytes], balance: int) -> None:
        new = [key for key in self._store.data if key >= JOURNAL_KEY and key not in before]
        said = sum(_worth(self.device.book, loads(self._store.data[key])) for key in new)
        if self._balance() != balance + said:
            raise Broken(
                f"the balance went from {balance} to {self._balance()}, entries say {said}"
            )


def _worth(wallet: Book, entry: list[Any]) -> int:
    """What an entry adds to the balance."""
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

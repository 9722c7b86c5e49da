"""Command sequences made from the fuzzer's bytes.

A sequence is a byte that chooses the wallet, followed by at most LONGEST operations:

    00..3F  n, n bytes               a raw command
    40..7F                           a valid command of the pool, or opening a channel
    80..BF  at (2), cut, n, n bytes  a valid command with `cut` bytes from `at` replaced
    C0..FF  object, field, value     an object signed by its right key, with one field replaced

Bit 5 sends the command through the channel, if one is open. So the fuzzer varies the order of
commands; it could never guess a signature or a channel's record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from jiaozi.wire.channel import Channel
from jiaozi.wire.commands import RECORD
from jiaozi.wire.errors import GESTURE_NEEDED
from tests.fuzz.attack_material import POOL, SIGNABLE, WALLETS, command, signed_command
from tests.fuzz.channels import OK, SPEAKERS, open_channel
from tests.fuzz.wallet_on_cpython import WalletOnCPython

LONGEST = 8
INSIDE = 0x20
GESTURE = GESTURE_NEEDED.to_bytes(2, "big")
# Values put into a field of a signed object.
VALUES: tuple[object, ...] = (
    0,
    1,
    -1,
    2,
    23,
    24,
    255,
    256,
    500,
    501,
    2**30 - 1,
    2**30,
    2**31,
    2**32,
    2**63,
    2**64 - 1,
    -(2**64),
    None,
    True,
    False,
    b"",
    bytes(8),
    bytes(16),
    bytes(32),
    bytes(64),
    b"\xff" * 33,
    "",
    "CNY",
    "USD",
    "x" * 300,
    [],
    [0],
    [[]],
    [0] * 20,
    [bytes(32)] * 4,
    {},
    {1: 1},
    {8: {1: {1: 1, -1: 6, -2: bytes(32)}}},
)


class _Bytes:
    """The rest of the input; reads as zeros at its end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece

    def number(self, size: int = 1) -> int:
        return int.from_bytes(self.take(size), "big")


def wallet_of(data: bytes) -> str:
    """Return the name of a sequence's wallet."""
    return list(WALLETS)[data[0] % len(WALLETS) if data else 0]


@dataclass(frozen=True)
class Operation:
    """A command, or a channel opened by `opener` (a name of channels.SPEAKERS)."""

    command: bytes
    inside: bool
    opener: str = ""


def parse(data: bytes) -> Iterator[Operation]:
    """Yield the operations of a sequence in order."""
    left = _Bytes(data[1:])
    for _ in range(LONGEST):
        if not left:
            return
        first = left.number()
        kind, inside, which = first >> 6, bool(first & INSIDE), first & 0x1F
        if kind == 1 and which < len(SPEAKERS):
            yield Operation(b"", False, SPEAKERS[which])
        else:
            yield Operation(_command(kind, which, left), inside)


def _command(kind: int, which: int, left: _Bytes) -> bytes:
    if kind == 0:
        return left.take(left.number())
    if kind == 3:
        return _signed(which % len(SIGNABLE), left.number(), left.number() % len(VALUES))
    good = POOL[(which - len(SPEAKERS)) % len(POOL)]
    if kind == 1:
        return good
    at, cut = left.number(2) % (len(good) + 1), left.number()
    return good[:at] + left.take(left.number()) + good[at + cut :]


def play(wallet: WalletOnCPython, data: bytes) -> list[bytes]:
    """Send a sequence to a wallet that has just been reset; return the answers. Raises Broken."""
    session = HostSession(wallet.exchange, wallet.press_ok)
    return [
        wallet.checked(operation.command, lambda operation=operation: session.send(operation))
        for operation in parse(data)
    ]


class HostSession:
    """A host's session with a wallet over `exchange`, with at most one open channel.

    press_ok: what the owner does when the wallet asks for a gesture; the command is then repeated.
    """

    def __init__(self, exchange: Callable[[bytes], bytes], press_ok: Callable[[], None]) -> None:
        self._exchange = exchange
        self._press_ok = press_ok
        self._channel: Channel | None = None

    def send(self, operation: Operation) -> bytes:
        """Send an operation; return the answer, decrypted if it came through the channel."""
        if operation.opener:
            self._channel, answer = open_channel(self._exchange, operation.opener)
            return answer
        if not (operation.inside and self._channel):
            return self._exchange(operation.command)
        answer = self._inside(self._channel, operation.command)
        if answer == GESTURE:
            self._press_ok()
            answer = self._inside(self._channel, operation.command)
        return answer

    def _inside(self, channel: Channel, plain: bytes) -> bytes:
        answer = self._exchange(command(RECORD, channel.seal(plain)))
        return channel.open(answer[:-2]) if answer[-2:] == OK else answer


@lru_cache(maxsize=4096)
def _signed(which: int, field: int, value: int) -> bytes:
    return signed_command(list(SIGNABLE)[which], field, VALUES[value])

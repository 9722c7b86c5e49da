"""What tests of the encrypted channel share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jiaozi.wire.errors import Refused
from tests.host.counter import Reader
from tests.unit.devices import Wallet, provision
from tests.unit.wallets import Bank


def wallet_with_key(bank: Bank) -> Wallet:
    """A wallet that has made its key for channels: what is written later is something else."""
    made = provision(bank, "alice")
    made.select()
    made.open_channel()
    made.select()
    return made


def refusal(call: Callable[..., object], *arguments: object) -> int:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value.sw


class Listening(Reader):
    """A reader whose every exchange is heard."""

    def __init__(self, wallet: Wallet) -> None:
        super().__init__(wallet)
        self.heard: list[bytes] = []

    def exchange(self, sent: bytes) -> bytes:
        answer = super().exchange(sent)
        self.heard += [bytes(sent), answer]
        return answer

"""Channels to the wallet under attack, opened anonymously or by its operator's desk."""

from __future__ import annotations

from collections.abc import Callable

from _jzcbor import loads
from jiaozi.wire import apdu, commands
from jiaozi.wire.channel import Channel
from jiaozi.wire.errors import Refused
from jiaozi_host.channel import agree, anonymous, certified
from jiaozi_host.errors import HostError
from tests.fuzz.attack_material import BANK, DESK, TRUST, command

OK = b"\x90\x00"
SPEAKERS = ("nobody", "desk")
_EXPIRY = 100


def open_channel(exchange: Callable[[bytes], bytes], opener: str) -> tuple[Channel | None, bytes]:
    """Select the wallet and open a channel; return it, or None, and the last answer."""
    answers = [exchange(apdu.select())]

    def must(ins: int, message: bytes) -> bytes:
        answers.append(exchange(command(ins, message)))
        if answers[-1][-2:] != OK:
            raise Refused(int.from_bytes(answers[-1][-2:], "big"))
        return answers[-1][:-2]

    shown = loads(answers[0][:-2])[3]
    me = None if shown is None else TRUST.wallet(shown)
    identity = anonymous() if opener == "nobody" else certified(_EXPIRY, *DESK)
    try:
        agreed = agree(
            identity,
            me,
            BANK.network,
            lambda message: must(commands.AGREE, message),
            lambda message: must(commands.CONFIRM, message),
        )
    except (Refused, HostError):
        return None, answers[-1]
    return agreed, answers[-1]

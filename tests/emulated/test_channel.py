"""Provisioning and sync of a board, as the field's own log of frames has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest import mock

from simulator.scenarios.rig import Rig

from _jzcbor import dumps
from jiaozi.wire import commands
from jiaozi_host.provisioning import provision, top_up
from jiaozi_host.sync.own_wallet import set_pin
from jiaozi_host.wallet import WalletClient
from tests.vectors.wire import exchanges

PIN = "274951836400"
OPEN = {commands.SELECT, commands.AGREE, commands.CONFIRM, commands.RECORD}
PIECE = 12


def test_who_listens_hears_no_pin_journal_or_statement(
    firmware_elf: Callable[[str], Path], tmp_path: Path
) -> None:
    said: dict[int, list[bytes]] = {}
    exchange = WalletClient.exchange

    def noted(client: WalletClient, sent: bytes) -> bytes:
        answer = exchange(client, sent)
        said.setdefault(sent[1], []).extend((sent[7:], answer[:-2]))
        return answer

    with mock.patch.object(WalletClient, "exchange", noted), Rig(tmp_path) as rig:
        alice = rig.add("alice", "visual_card", firmware_elf("visual_card"))
        with rig.at_reader(alice) as link:
            provision(link, rig.operator, rig.ledger, PIN)
        first = rig.simulator.frames()
        with rig.at_reader(alice) as link:
            top_up(link, rig.operator, rig.ledger, PIN, 76_543)
            shown = dumps(WalletClient(link).select().certificate)
        before = len(rig.simulator.frames())
        assert rig.sync(alice).settled
        with rig.at_reader(alice) as link:
            set_pin(link, rig.operator, PIN)
        frames = first + rig.simulator.frames()[before:]
    air = b"".join(sent + b"|" + answer for sent, answer in exchanges(frames))
    assert len(air) > 5_000
    assert PIN.encode() not in air
    private = (commands.INSTALL, commands.UPDATE, commands.STATEMENT, commands.ENTRY)
    texts = [text for ins in (*private, commands.SETTLE, commands.UNBLOCK) for text in said[ins]]
    pieces = {text[at : at + PIECE] for text in texts for at in range(len(text) - PIECE)}
    assert len(pieces) > 1_000
    # The certificate alone is shown by SELECT, to anybody; what stands before it may be the same
    # small number in both.
    heard = {piece for piece in pieces if piece in air and piece not in shown}
    assert {piece for piece in heard if not shown.startswith(piece[1:])} == set()
    assert {sent[1] for sent, _ in exchanges(frames)} == OPEN

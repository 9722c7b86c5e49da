"""Attacks by certified wallets on the image: a void gives back what the payment used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from simulator.scenarios.rig import Rig

from jiaozi.wallet import payee
from jiaozi.wallet.book import Book
from jiaozi.wire.messages import read_request
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.client import Wallet
from tests.emulated.pairs import memory
from tests.emulated.strangers import stranger
from tests.fixtures.wallets import ask, take


def void(client: WalletClient, alice: Wallet, thief: Book, amount: int) -> None:
    """Have alice pay the thief without a question, and void it."""
    request = ask(thief, amount)
    paid, _ = client.pay(thief.me.raw, request)
    thief.apply(payee.cancel(thief, read_request(request, thief.network).hash))
    client.resolve(take(thief, memory(alice).book.me.raw, paid, request))


def test_voided_payments_use_up_no_unconfirmed_limit(
    tmp_path: Path, firmware_elf: Callable[[str], Path]
) -> None:
    with Rig(tmp_path) as rig:
        alice = rig.add("alice", "visual_card", firmware_elf("visual_card"))
        rig.provision(alice)
        rig.top_up(alice, 10_000_00)
        thief, shop = stranger(rig, "thief"), stranger(rig, "shop")
        with rig.at_reader(alice) as link:
            client = rig.client(link)
            client.select()
            for _ in range(4):
                void(client, alice, thief, 490_00)
            state = memory(alice).book.state
            assert (state.unconfirmed_count, state.unconfirmed_total) == (0, 0)
            assert (state.offline_count, state.offline_total) == (0, 0)
            client.pay(shop.me.raw, ask(shop, 490_00))  # still without a question
        assert memory(alice).balance == 9_510_00

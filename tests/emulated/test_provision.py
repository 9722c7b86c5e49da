"""The operator's counter with real parts: firmware in QEMU, simulated field, nfcpy, ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jiaozi.wire import commands
from jiaozi_host import provisioning
from jiaozi_host.errors import (
    CardGone,
    NoCard,
    PinBlocked,
    ReaderMissing,
    WalletRefused,
    WrongPin,
)
from jiaozi_host.links import open_link
from jiaozi_host.sync.own_wallet import set_pin
from jiaozi_host.wallet import WalletClient
from jiaozi_sim.client import Wallet
from scenarios.rig import PIN, READER, Rig


@pytest.fixture
def rig(firmware_elf: Callable[[str], Path], tmp_path: Path) -> Iterator[Rig]:
    firmware_elf("visual_card")
    with Rig(tmp_path) as made:
        yield made


@pytest.fixture
def wallet(rig: Rig) -> Wallet:
    """A wallet with 200.00 in it."""
    alice = rig.add("alice")
    rig.provision(alice)
    rig.top_up(alice, 20_000)
    return alice


def test_a_blank_device_is_told_from_a_wallet(rig: Rig) -> None:
    alice = rig.add("alice")
    with rig.at_reader(alice) as link:
        client = WalletClient(link)
        assert client.select().status == commands.BLANK
        assert client.info().id is None
    identity = rig.provision(alice)
    with rig.at_reader(alice) as link:
        client = WalletClient(link)
        assert client.select().status == commands.READY
        told = client.info()
        assert (told.id, told.balance) == (identity, None)
        with pytest.raises(WalletRefused, match="ALREADY_PROVISIONED"):
            provisioning.provision(link, rig.operator, rig.ledger, PIN)


def test_money_goes_in_and_comes_out_and_everything_adds_up(rig: Rig, wallet: Wallet) -> None:
    assert rig.balance(wallet) == 20_000
    rig.cash_out(wallet, 5_000)
    assert rig.balance(wallet) == 15_000
    synced = rig.sync(wallet)
    assert (synced.settled, synced.balance, synced.entries) == (True, 15_000, 3)
    assert rig.sync(wallet).entries == 0
    shown = rig.report()
    assert (shown.holds, shown.in_flight, shown.findings) == (True, [], [])


def test_wrong_pins_are_counted_block_and_are_unblocked(rig: Rig, wallet: Wallet) -> None:
    with rig.at_reader(wallet) as link:
        client = rig.client(link)
        client.select()
        for left in (2, 1, 0):
            with pytest.raises(WrongPin) as wrong:
                client.verify("9999")
            assert wrong.value.tries == left
        with pytest.raises(PinBlocked):
            client.verify(PIN)
        set_pin(link, rig.operator, "2468")
        client.select()
        client.change("2468", PIN)
    assert rig.balance(wallet) == 20_000


def test_a_power_cut_within_a_top_up_loses_nothing(rig: Rig, wallet: Wallet) -> None:
    wallet.cut_after_stores(60)  # within the commits of arming and crediting
    with pytest.raises(CardGone):
        rig.top_up(wallet, 3_000)
    wallet.wait_off()
    wallet.start()
    wallet.wait_mark(1)
    rig.top_up(wallet, 3_000)
    assert rig.balance(wallet) == 23_000
    assert rig.sync(wallet).settled
    assert rig.report().holds


def test_a_card_pulled_away_is_told_and_the_command_resumes(rig: Rig, wallet: Wallet) -> None:
    calls = []
    with rig.at_reader(wallet) as link:
        exchange = link.exchange

        def pulled(command: bytes) -> bytes:
            calls.append(command[1])
            if command[1] == commands.PAYMENT:
                rig.simulator.untap(wallet.name)
            return exchange(command)

        link.exchange = pulled  # type: ignore[method-assign]
        with pytest.raises(CardGone):
            provisioning.top_up(link, rig.operator, rig.ledger, PIN, 1_000)
    assert calls[-1] == commands.PAYMENT
    with rig.at_reader(wallet) as link:
        done = provisioning.top_up(link, rig.operator, rig.ledger, PIN, 1_000)
    assert (done.amount, done.resumed) == (0, [1_000])
    assert rig.balance(wallet) == 21_000


def test_presence_is_checked(rig: Rig, wallet: Wallet) -> None:
    with rig.at_reader(wallet) as link:
        assert link.card_present()
        rig.simulator.untap(wallet.name)
        assert not link.card_present()


def test_a_wallet_laid_on_later_is_waited_for(rig: Rig, wallet: Wallet) -> None:
    rig.simulator.tap(READER)
    with open_link(rig.reader.path) as link:
        told: list[float] = []
        with pytest.raises(NoCard):
            link.wait_for_card(0.3, told.append)
        assert told
        assert told == sorted(told, reverse=True)
        later = threading.Timer(0.3, rig.simulator.tap, [READER, wallet.name])
        later.start()
        link.wait_for_card(10)
        later.join()
        assert WalletClient(link).select().status == commands.READY


def test_no_reader_is_told() -> None:
    with pytest.raises(ReaderMissing, match="no-such-port"):
        open_link("/dev/no-such-port")


# The command itself, as people run it -------------------------------------------------------------


def run(
    rig: Rig, *arguments: str, pin: str = PIN, code: int = 0, owner: Wallet | None = None
) -> str:
    """Run `jiaozi` with its own process; return what it wrote.

    owner: the wallet on which OK is pressed when the command says so, which it must.
    """
    home = Path(str(rig.ledger.engine.url.database)).parent
    variables = {"JIAOZI_HOME": str(home), "JIAOZI_READER": rig.reader.path, "JIAOZI_PIN": pin}
    command = [sys.executable, "-m", "jiaozi_host", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=os.environ | variables, stdout=pipe, stderr=pipe, text=True
    ) as process:
        errors = ""
        if owner is not None and process.stderr is not None:
            errors = process.stderr.readline()
            assert "press OK on the wallet" in errors
            while process.poll() is None:
                rig.press(owner)
        output, rest = process.communicate(timeout=60)
    assert process.returncode == code, output + errors + rest
    assert pin not in output + errors + rest
    return output if code == 0 else rest


def test_a_day_at_the_counter_by_the_command(rig: Rig) -> None:
    alice = rig.add("alice")
    with rig.simulator.tapped(READER, alice.name):
        made = json.loads(run(rig, "provision", "--tier", "4", "--json"))
        assert "paid in 50.00" in run(rig, "top-up", "50.00", owner=alice)
        told = json.loads(run(rig, "info", "--balance", "--json", owner=alice))
        assert (told["id"], told["tier"], told["balance"]) == (made["id"], 4, 5_000)
        assert "paid out 20.00" in run(rig, "cash-out", "20.00", owner=alice)
        run(rig, "receive", "1.00", owner=alice)
        run(rig, "disarm", owner=alice)
        assert json.loads(run(rig, "sync", "--json"))["settled"]
        assert "2 tries left" in run(rig, "pay", "1.00", pin="8888", code=7, owner=alice)
    shown = json.loads(run(rig, "ledger", "show", "--json"))
    assert shown["holds"]
    assert [line["balance"] for line in shown["wallets"]] == [99_997_000, 3_000]
    assert "no card" in run(rig, "info", "--wait", "0", code=4)

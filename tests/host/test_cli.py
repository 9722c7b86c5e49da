"""The command `jiaozi`: output and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jiaozi_host import cli
from jiaozi_host.cli import context
from jiaozi_host.errors import (
    BadAnswer,
    CardGone,
    ClearingRefused,
    ForeignCard,
    HostError,
    LedgerError,
    NoCard,
    PinBlocked,
    ReaderMissing,
    VaultError,
    WalletRefused,
    WrongPin,
)
from tests.fixtures import devices
from tests.fixtures.operator_counter import PIN, Reader


class Shell:
    """The command, run in this process with a wallet on its reader."""

    def __init__(
        self, home: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.home = home
        self.wallet: devices.Wallet | None = devices.Wallet()
        self._capsys = capsys
        patch.setenv(context.HOME_VARIABLE, str(home))
        patch.setenv(context.PIN_VARIABLE, PIN)
        patch.setattr(context, "open_link", lambda path: Reader(self.wallet))

    def __call__(self, *arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as end:
            cli.main(list(arguments))
        written = self._capsys.readouterr()
        assert (end.value.code or 0) == code, written
        return written.out if code == 0 else " ".join(written.err.split())

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code))


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    made = Shell(tmp_path, capsys, monkeypatch)
    made("authority", "init", "--no-passphrase")
    made("operator", "init", "--no-passphrase")
    made("issue", "10000.00")
    return made


def test_large_amounts_are_shown_whole(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    shell("issue", "10000000.00")
    row = shell("ledger", "show").splitlines()[3].split()
    assert row[-2:] == ["10,010,000.00"] * 2


def test_the_host_says_what_to_press_and_goes_on(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("provision")
    wallet = shell.wallet
    assert wallet is not None
    wallet.device.begin_contact(on_air=True)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            wallet.device.consent.answer(True)

    monkeypatch.setattr(context.time, "sleep", wait)
    shell("disarm")
    assert len(waits) == 3
    assert wallet.screens[-1][0] == "home"


def test_one_payee_is_chosen_by_its_id_or_certificate(shell: Shell) -> None:
    made = shell.json("provision")
    wallet = shell.wallet
    assert wallet is not None
    shell("top-up", "100.00")
    shell("pay", "1.25", "--to", made["id"])
    armed = wallet.device.intent
    assert armed is not None
    assert armed.payee == wallet.device.book.me.hash
    shell("pay", "1.25", "--to", "ab" * 32)
    armed = wallet.device.intent
    assert armed is not None
    assert armed.payee == b"\xab" * 32
    assert "not an id" in shell("pay", "1.25", "--to", "bob", code=1)
    assert "not the hash" in shell("pay", "1.25", "--to", "xy" * 32, code=1)
    assert "not in this ledger" in shell("pay", "1.25", "--to", "ab" * 8, code=12)


def test_nobody_to_clear_with_is_said(shell: Shell) -> None:
    assert "no other operator is known" in shell("clear", "show")


def test_a_whole_life(shell: Shell) -> None:
    made = shell.json("provision", "--tier", "4", "--form", "wearable")
    assert (made["tier"], made["form"], made["resumed"]) == (4, "wearable", False)
    assert "paid in 80.00" in shell("top-up", "80.00")
    assert "paid out 30.00" in shell("cash-out", "30.00")
    info = shell.json("info", "--balance")
    assert (info["id"], info["balance"], info["status"]) == (made["id"], 5_000, "ready")
    assert "balance        50.00" in shell("info", "--balance")
    assert "next tap within two minutes pays 1.25" in shell("pay", "1.25")
    assert "next tap receives any amount" in shell("receive")
    assert shell("disarm") == "disarmed\n"
    assert "settled" in shell("sync")
    assert shell.json("sync")["findings"] == []
    text = shell("ledger", "show")
    assert made["id"] in text
    assert "balances 10,000.00 + in flight 0.00 = issued - redeemed 10,000.00" in text
    assert shell.json("redeem", "50.00")["balance"] == 990_000
    assert shell.json("epoch", "advance", "--revoke", made["id"])["revoked"] == [made["id"]]


def test_a_purse_with_terms(shell: Shell) -> None:
    shell("provision", "--category", "5411")
    text = shell("terms", "7", "--category", "5411", "--expiry", "9", "--cap", "20.00")
    assert "purse 7: categories 5411, until epoch 9, 20.00 a payment" in text
    other = ("terms", "7", "--category", "5812", "--expiry", "9", "--cap", "20.00")
    assert "another number" in shell(*other, code=VaultError.exit_code)
    assert "paid in 80.00" in shell("top-up", "80.00", "--purse", "7")
    assert "terms 8" in shell("top-up", "1.00", "--purse", "8", code=VaultError.exit_code)
    assert shell.json("info", "--balance")["purses"] == [[7, 8_000, 9, 2_000, [5411]]]
    info = shell("info", "--balance")
    assert "purse 7        80.00 (until epoch 9, 20.00 a payment, categories 5411)" in info
    shell("sync")
    assert "in purse 7" in shell("ledger", "show")


def test_a_pin_is_changed_and_unblocked(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("provision")
    monkeypatch.setenv(context.NEW_PIN_VARIABLE, "8642")
    shell("pin", "change")
    assert "2 tries left" in shell("pay", "1", code=WrongPin.exit_code)
    assert "1 try left" in shell("pay", "1", code=WrongPin.exit_code)
    assert "0 tries left" in shell("pay", "1", code=WrongPin.exit_code)
    assert "operator" in shell("pay", "1", code=PinBlocked.exit_code)
    monkeypatch.setenv(context.NEW_PIN_VARIABLE, PIN)
    shell("pin", "unblock")
    shell("pay", "1", code=WalletRefused.exit_code)  # over the balance, but the PIN is right


def test_the_pin_is_asked_for_without_showing_it(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def prompt(text: str, **options: Any) -> str:
        asked.append(options)
        return PIN

    monkeypatch.delenv(context.PIN_VARIABLE)
    monkeypatch.setattr(context.typer, "prompt", prompt)
    out = shell("provision")
    assert PIN not in out.replace("wallet", "").split()
    assert [one["hide_input"] for one in asked] == [True]
    assert asked[0]["confirmation_prompt"]


@pytest.mark.parametrize("pin", ["123", "1234567890123", "12a4", "\uff11\uff12\uff13\uff14"])
def test_what_cannot_be_a_pin_never_reaches_the_wallet(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, pin: str
) -> None:
    shell("provision")
    monkeypatch.setenv(context.PIN_VARIABLE, pin)
    assert "4 to 12 digits" in shell("pay", "1", code=2)
    assert shell.json("info")["pin_tries"] == 3


def test_every_kind_of_failure_has_its_own_exit_code() -> None:
    kinds = [ReaderMissing, NoCard, CardGone, ForeignCard, WrongPin, PinBlocked, WalletRefused]
    kinds += [BadAnswer, VaultError, LedgerError, context.Stopped]
    codes = [kind.exit_code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert not {0, 1, 2, HostError.exit_code} & set(codes)


def test_failures_are_one_line_with_a_remedy(shell: Shell) -> None:
    shell("provision")
    shell.wallet = None
    text = shell("info", code=NoCard.exit_code)
    assert text.startswith("error:")
    assert "—" in text
    assert "Traceback" not in text


def test_a_foreign_card_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "exchange", lambda self, command: b"\x6a\x82")
    assert "not a Jiaozi wallet" in shell("info", code=ForeignCard.exit_code)


def test_ctrl_c_says_that_nothing_is_lost(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Reader, command: bytes) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(Reader, "exchange", interrupted)
    assert "nothing is lost" in shell("info", code=130)


def test_a_ledger_that_does_not_add_up_is_loud(shell: Shell) -> None:
    shell("provision")
    shell("top-up", "10.00")
    wallet = shell.wallet
    assert wallet is not None
    state = wallet.device.book.state.copy()
    state.credit(1, 100)
    wallet.store.commit({0x16: state.encode()})
    wallet.restart()
    assert "not settled" in shell("sync", code=20)
    assert "does not add up" in shell("ledger", "show", code=20)


def test_no_ledger_is_told_and_none_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell(tmp_path / "empty", capsys, monkeypatch)
    assert "no ledger" in shell("ledger", "show", code=1)
    assert not (tmp_path / "empty").exists()


@pytest.mark.parametrize(
    "command",
    ["provision", "top-up", "cash-out", "info", "pay", "receive", "sync", "issue", "disarm"],
)
def test_help_has_an_example(shell: Shell, command: str) -> None:
    assert f"Example: jiaozi {command}" in " ".join(shell(command, "--help").split())


def test_two_operators_clear_by_files(shell: Shell, tmp_path: Path) -> None:
    other, box = tmp_path / "other", tmp_path / "box"
    first = shell("operator", "refresh", str(tmp_path), "--home", str(tmp_path))
    assert first == "epoch 2, 1 operators\n"
    away = ("--home", str(other), "--authority-home", str(tmp_path))
    shell("operator", "init", "--no-passphrase", *away)
    shell("issue", "500.00", *away)
    east = shell.json("clear", "show", "--home", str(other))["operators"][0]["operator"]
    west = shell.json("clear", "show")["operators"][0]["operator"]
    shell("provision")
    shell("top-up", "80.00")
    shell("cash-out", "30.00", "--home", str(other))
    names = shell.json("clear", "export", east, "--folder", str(box), "--home", str(other))["files"]
    assert "1 payments, -30.00 netted" in shell("clear", "import", *names)
    assert "imported before" in shell("clear", "import", *names)
    assert f"operator {west} is owed 30.00" in shell("clear", "show")
    back = shell.json("clear", "export", west, "--folder", str(box))["files"]
    shell("clear", "import", *back, "--home", str(other))
    assert "owes us 30.00" in shell("clear", "show", "--home", str(other))
    assert "+ cleared 30.00" in shell("ledger", "show", "--home", str(other))
    assert "no other operator" in shell("clear", "export", "00" * 8, code=ClearingRefused.exit_code)


def test_a_holder_is_sealed_and_opened_on_the_record(shell: Shell, tmp_path: Path) -> None:
    made = shell.json("provision", "--holder", "Li Hua")
    case = str(tmp_path / "case.cbor")
    shell("holder", "export", made["id"], case)
    assert "no reference was ever opened" in shell("holder", "openings")
    opened = shell.json("holder", "open", case, "--who", "court", "--why", "2026-17")
    assert (opened["holder"], opened["wallet"], opened["record"]) == ("Li Hua", made["id"], 1)
    assert f"{made['id']} court: 2026-17" in shell("holder", "openings")


def test_a_rotated_wallet_keeps_its_money_and_all_its_ids_are_revoked(shell: Shell) -> None:
    made = shell.json("provision")
    shell("top-up", "80.00")
    rotated = shell.json("sync", "--rotate")
    assert (rotated["rotated"], rotated["balance"]) == (made["id"], 8_000)
    both = [made["id"], rotated["wallet"]]
    assert shell("operator", "ids", made["id"]).split() == both
    assert shell.json("epoch", "advance", "--revoke", made["id"])["revoked"] == both

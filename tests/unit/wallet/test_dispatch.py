"""The gate and the commands of the wallet's application, on CPython."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from _jzcbor import dumps, loads
from jiaozi.operator import issue
from jiaozi.wallet.store_keys import PIN_TRIES_KEY
from jiaozi.wire import apdu, commands, errors
from jiaozi.wire.statements import NONCE_LENGTH
from tests.fixtures.devices import PIN, Wallet, open_session, provision
from tests.fixtures.wallets import Bank

EVERY_COMMAND = [
    value for name, value in vars(commands).items() if name.isupper() and value >= 0x10
]


FOR_A_BLANK_DEVICE = (
    commands.SELECT,
    commands.INFO,
    commands.CREATE,
    commands.AGREE,
    commands.CONFIRM,
    commands.RECORD,
)
PRIVATE = (
    commands.CREATE,
    commands.INSTALL,
    commands.VERIFY,
    commands.CHANGE,
    commands.ARM,
    commands.DISARM,
    commands.CHALLENGE,
    commands.UPDATE,
    commands.STATEMENT,
    commands.ENTRY,
    commands.SETTLE,
    commands.UNBLOCK,
    commands.SUCCESSOR,
    commands.ROTATE,
    commands.TERMS,
)


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank()


@pytest.fixture
def wallet(bank: Bank) -> Wallet:
    wallet = provision(bank, "alice")
    wallet.select()
    return wallet


def test_blank_device_tells_its_state() -> None:
    assert Wallet().select() == [1, commands.BLANK, 0, None, None]


@pytest.mark.parametrize("ins", [ins for ins in EVERY_COMMAND if ins != commands.SELECT])
def test_nothing_runs_before_select(bank: Bank, ins: int) -> None:
    wallet = provision(bank, "alice")
    wallet.device.session.selected = False
    assert wallet.give(ins)[1] == errors.NOT_ALLOWED


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("ins", [ins for ins in EVERY_COMMAND if ins not in FOR_A_BLANK_DEVICE])
def test_blank_device_refuses_what_needs_a_wallet(ins: int, inside: bool) -> None:
    wallet = Wallet()
    wallet.select()
    if inside:
        wallet.open_channel()
    before = dict(wallet.store.data)
    assert wallet.give(ins)[1] == errors.NOT_ALLOWED
    assert wallet.store.data == before


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        (b"\x80\x30\x00", errors.WRONG_LENGTH),
        (b"\x80\x30\x01\x00", errors.WRONG_P1P2),
        (b"\x80\xee\x00\x00", errors.INS_UNKNOWN),
        (b"\x90\x30\x00\x00", errors.CLA_UNKNOWN),
        (b"\x00\xa4\x04\x00\x02\xa0\x00", errors.NOT_FOUND),
        (b"\x80\x50\x00\x00\x02\x80\x00", errors.MALFORMED),
    ],
)
def test_odd_commands_get_their_status_word(wallet: Wallet, command: bytes, sw: int) -> None:
    assert wallet.exchange(command) == sw.to_bytes(2, "big")


@pytest.mark.parametrize("ins", PRIVATE)
def test_what_is_private_is_refused_outside_a_channel(bank: Bank, wallet: Wallet, ins: int) -> None:
    assert wallet.give(ins)[1] == errors.CHANNEL_NEEDED
    open_session(bank, wallet)
    wallet.must(commands.VERIFY, PIN)
    before = dict(wallet.store.data)
    assert wallet.give_plain(ins)[1] == errors.CHANNEL_NEEDED
    assert wallet.store.data == before
    wallet.must(commands.STATEMENT, bytes(16))


def test_what_is_private_on_a_blank_device() -> None:
    wallet = Wallet()
    wallet.select()
    assert wallet.give(commands.CREATE)[1] == errors.CHANNEL_NEEDED
    assert not wallet.store.data


def test_operator_commands_need_the_operators_channel(bank: Bank, wallet: Wallet) -> None:
    wallet.open_channel()
    wallet.must(commands.VERIFY, PIN)
    for ins in PRIVATE[-9:]:
        assert wallet.give(ins)[1] == errors.SESSION_NEEDED
    open_session(bank, wallet)
    wallet.must(commands.STATEMENT, bytes(16))
    wallet.select()
    wallet.open_channel()
    assert wallet.give(commands.STATEMENT, bytes(16))[1] == errors.SESSION_NEEDED


def test_owner_commands_need_the_pin_and_tries_run_out(wallet: Wallet) -> None:
    arm = dumps([commands.RECEIVE, 100, commands.AUTO])
    wallet.open_channel()
    assert wallet.give(commands.ARM, arm)[1] == errors.PIN_NEEDED
    assert wallet.give(commands.VERIFY, b"0000")[1] == errors.PIN_WRONG + 2
    assert wallet.give(commands.VERIFY, b"0000")[1] == errors.PIN_WRONG + 1
    wallet.must(commands.VERIFY, PIN)
    wallet.must(commands.ARM, arm)
    for left in (2, 1, 0):
        assert wallet.give(commands.VERIFY, b"9999")[1] == errors.PIN_WRONG + left
    assert wallet.give(commands.ARM, arm)[1] == errors.PIN_NEEDED
    assert wallet.give(commands.VERIFY, PIN)[1] == errors.PIN_BLOCKED
    wallet.restart()
    wallet.select()
    wallet.open_channel()
    assert wallet.give(commands.VERIFY, PIN)[1] == errors.PIN_BLOCKED


def test_the_operator_unblocks(bank: Bank, wallet: Wallet) -> None:
    wallet.open_channel()
    for _ in range(3):
        wallet.give(commands.VERIFY, b"0000")
    open_session(bank, wallet)
    wallet.must(commands.UNBLOCK, b"2468")
    wallet.must(commands.VERIFY, b"2468")


def test_the_pin_can_be_changed_by_who_knows_it(wallet: Wallet) -> None:
    wallet.open_channel()
    assert wallet.give(commands.CHANGE, dumps([b"0000", b"5555"]))[1] == errors.PIN_WRONG + 2
    assert wallet.give(commands.CHANGE, dumps([PIN, b"55a5"]))[1] == errors.MALFORMED
    wallet.must(commands.CHANGE, dumps([PIN, b"5555"]))
    wallet.must(commands.VERIFY, b"5555")


def test_money_is_shown_only_with_the_pin_and_in_the_channel(bank: Bank, wallet: Wallet) -> None:
    nothing, known = [None] * 4, [0, 0, 0, []]
    assert loads(wallet.must(commands.INFO))[7:11] == nothing
    wallet.open_channel()
    assert loads(wallet.must(commands.INFO))[7:11] == nothing
    wallet.must(commands.VERIFY, PIN)
    assert loads(wallet.must(commands.INFO))[7:11] == known
    assert loads(wallet.give_plain(commands.INFO)[0])[7:11] == nothing
    open_session(bank, wallet)
    assert loads(wallet.must(commands.INFO))[7:11] == known
    assert loads(wallet.give_plain(commands.INFO)[0])[7:11] == nothing


def test_a_wallet_is_never_provisioned_again(wallet: Wallet) -> None:
    wallet.open_channel()
    assert wallet.give(commands.CREATE)[1] == errors.ALREADY_PROVISIONED
    assert wallet.give(commands.INSTALL, b"\x80")[1] == errors.ALREADY_PROVISIONED


def test_creation_torn_before_installation_keeps_its_key() -> None:
    wallet = Wallet()
    wallet.select()
    wallet.open_channel()
    public = wallet.must(commands.CREATE)
    wallet.restart()
    assert wallet.select()[1] == commands.KEYED
    wallet.open_channel()
    assert wallet.must(commands.CREATE) == public


@settings(max_examples=400, deadline=None)
@given(
    ins=st.sampled_from([ins for ins in EVERY_COMMAND if ins != commands.SELECT]),
    data=st.binary(max_size=300),
    inside=st.booleans(),
)
def test_noise_changes_nothing(ins: int, data: bytes, inside: bool) -> None:
    assume(ins != commands.SUCCESSOR or len(data) != NONCE_LENGTH)  # which is what it wants
    assume(ins != commands.FREEZE)  # looks at no data
    wallet = _noisy()
    wallet.select()
    if inside:
        open_session(_NOISY_BANK, wallet)
    before = {k: v for k, v in wallet.store.data.items() if k != PIN_TRIES_KEY}
    sw = wallet.give(ins, data)[1]
    after = {k: v for k, v in wallet.store.data.items() if k != PIN_TRIES_KEY}
    assert after == before
    assert sw != errors.INTERNAL


_KEPT: list[Wallet] = []
_NOISY_BANK = Bank()


def _noisy() -> Wallet:
    if not _KEPT:
        wallet = provision(_NOISY_BANK, "noise")
        wallet.select()
        wallet.open_channel()  # the first makes what proves its key; noise may come to be the first
        _KEPT.append(wallet)
    return _KEPT[0]


def test_settlement_starts_the_counters_anew(bank: Bank, wallet: Wallet) -> None:
    nonce = open_session(bank, wallet)
    state = wallet.device.book.state
    settlement = issue.make_settlement(
        wallet.device.book.me.hash,
        nonce,
        state.position,
        state.head,
        bank.operator_key,
        bank.operator,
        bank.network,
    )
    wallet.must(commands.SETTLE, settlement)
    assert wallet.give(commands.SETTLE, settlement)[1] == errors.SESSION_NEEDED
    wallet.must(commands.CHALLENGE)
    assert wallet.give(commands.SETTLE, settlement)[1] == errors.SETTLEMENT_MISMATCH


def test_an_entry_can_be_read_and_a_missing_one_is_named(bank: Bank, wallet: Wallet) -> None:
    open_session(bank, wallet)
    assert wallet.give(commands.ENTRY, dumps(5))[1] == errors.NOT_FOUND


def test_lengths_are_extended(wallet: Wallet) -> None:
    command = apdu.build_command(apdu.CLA, commands.PAY, 0, 0, bytes(700), apdu.LE_ANY)
    assert wallet.exchange(command) == errors.MALFORMED.to_bytes(2, "big")

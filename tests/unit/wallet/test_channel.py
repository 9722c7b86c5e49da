"""The encrypted channel: what an eavesdropper sees, and what becomes of every changed message.

The wallet is the firmware's own dispatcher, the host is the operator's own code.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jiaozi.wallet.store_keys import CHANNEL_KEY, JOURNAL_KEY
from jiaozi.wire import apdu, commands, errors
from jiaozi_host import provisioning
from jiaozi_host.errors import BadAnswer, HostError, WalletRefused
from jiaozi_host.sync.own_wallet import set_pin
from jiaozi_host.sync.session import sync_wallet
from jiaozi_host.wallet import WalletClient
from tests.fixtures import devices
from tests.fixtures.channels import Listening, wallet_with_key
from tests.fixtures.devices import Wallet, command, identity
from tests.fixtures.operator_counter import OperatorCounter, Reader
from tests.fixtures.wallets import Bank

LONG_PIN = "274951836400"
AMOUNT = 76_543
CHANNEL_COMMANDS = (commands.AGREE, commands.CONFIRM, commands.RECORD)


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank()


@pytest.fixture
def wallet(bank: Bank) -> Wallet:
    return wallet_with_key(bank)


def failure(call: Callable[..., object], *arguments: object) -> HostError | None:
    """How a call fails, None when it does not."""
    try:
        call(*arguments)
    except (BadAnswer, WalletRefused) as error:
        return error
    return None


# What an eavesdropper sees ------------------------------------------------------------------------


def secrets_of(spoken: list[bytes], public: bytes) -> list[bytes]:
    """Pieces of 12 bytes of what owner and operator said, but for what SELECT shows anybody.

    Every certificate begins like the public one, and the byte before it may be the same on the air:
    a piece counts only when neither its first nor its last 8 bytes are public.
    """
    pieces = [text[at : at + 12] for text in spoken for at in range(7, len(text) - 12, 5)]
    return [piece for piece in pieces if piece[:8] not in public and piece[4:] not in public]


def test_an_eavesdropper_learns_nothing_of_provisioning_and_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter, wallet = OperatorCounter(tmp_path), devices.Wallet()
    listening = Listening(wallet)
    spoken: dict[int, list[bytes]] = {}
    exchange = WalletClient.exchange

    def noted(client: WalletClient, sent: bytes) -> bytes:
        answer = exchange(client, sent)
        spoken.setdefault(sent[1], []).extend((sent, answer))
        return answer

    monkeypatch.setattr(WalletClient, "exchange", noted)
    provisioning.provision(listening, counter.operator, counter.ledger, LONG_PIN)
    heard = len(listening.heard)
    provisioning.top_up(Reader(wallet), counter.operator, counter.ledger, LONG_PIN, AMOUNT)
    first = listening.heard[:heard]
    listening.heard.clear()
    assert sync_wallet(listening, counter.operator, counter.ledger).settled
    client = WalletClient(listening, counter.operator.published.trust)
    client.select()
    client.verify(LONG_PIN)
    assert client.info().balance == AMOUNT
    client.change(LONG_PIN, "987650123456")
    set_pin(listening, counter.operator, LONG_PIN)
    air = b"|".join(first + listening.heard)
    for pin in (LONG_PIN, "987650123456"):
        assert pin.encode() not in air
    private = {commands.CREATE, commands.INSTALL, commands.VERIFY, commands.CHANGE}
    private |= {commands.CHALLENGE, commands.UPDATE, commands.STATEMENT, commands.ENTRY}
    private |= {commands.SETTLE, commands.UNBLOCK, commands.INFO}
    assert private <= set(spoken)
    public = wallet.device.book.me.raw  # SELECT shows it to anybody who comes near
    pieces = secrets_of([text for ins in private for text in spoken[ins]], public)
    assert len(pieces) > 300
    assert [piece for piece in pieces if piece in air] == []
    own = wallet.store.data[CHANNEL_KEY]
    assert own[:32] not in air
    assert own[40:72] not in air  # nor who speaks, to who only listens
    heard_commands = {sent[1] for sent in (first + listening.heard)[::2]}
    assert heard_commands == {commands.SELECT, *CHANNEL_COMMANDS}


# What becomes of changed messages -----------------------------------------------------------------


class Tampering(Reader):
    """A reader that changes one byte of one message, on its way there or back."""

    def __init__(self, wallet: devices.Wallet, number: int, place: float, back: bool) -> None:
        super().__init__(wallet)
        self.number, self.place, self.back = number, place, back
        self.seen = 0
        self.changed = 0

    def exchange(self, sent: bytes) -> bytes:
        mine = sent[1] in CHANNEL_COMMANDS and self.seen == self.number
        self.seen += sent[1] in CHANNEL_COMMANDS
        if mine and not self.back:
            cla, ins, p1, p2, data, le = apdu.parse_command(sent)
            sent = apdu.build_command(cla, ins, p1, p2, self.flip(bytes(data)), le)
        answer = super().exchange(sent)
        if mine and self.back:
            data, sw = apdu.split_response(answer)
            answer = apdu.build_response(sw, self.flip(bytes(data)))
        return answer

    def flip(self, data: bytes) -> bytes:
        """The data with one bit of it changed; where there is none, a byte of it."""
        self.changed += 1
        copy = bytearray(data or b"\0")
        copy[int(self.place * (len(copy) - 1))] ^= 0x10
        return bytes(copy) if data else b""


@pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
@pytest.mark.parametrize("place", [0.0, 0.05, 0.3, 0.5, 0.7, 0.95, 1.0])
def test_any_change_of_a_provisioning_is_noticed(tmp_path: Path, place: float, back: bool) -> None:
    counter = OperatorCounter(tmp_path)
    for number in range(5):  # AGREE, CONFIRM, and the records of INFO, CREATE and INSTALL
        wallet = devices.Wallet()
        reader = Tampering(wallet, number, place, back)
        if number == 1 and back:
            continue  # no data to change
        before = dict(wallet.store.data)
        with pytest.raises(HostError):
            provisioning.provision(reader, counter.operator, counter.ledger, "1234")
        assert reader.changed == 1
        if number < 2 or not back:
            assert wallet.device.status == (commands.BLANK if number < 4 else commands.KEYED)
        if number < 2:
            assert wallet.store.data == before
        done = provisioning.provision(
            Reader(wallet), counter.operator, counter.ledger, "1234"
        )  # and it can be finished by an honest reader
        assert wallet.device.book.me.id == done.id


@pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_any_change_of_a_sync_is_noticed_and_changes_nothing(
    tmp_path: Path, place: float, back: bool
) -> None:
    counter = OperatorCounter(tmp_path)
    wallet = counter.wallet(AMOUNT)
    counter.sync(wallet)
    met = 0
    for number in range(20):
        reader = Tampering(wallet, number, place, back)
        if number == 1 and back:
            continue  # the answer to CONFIRM has no data
        before = {key for key in wallet.store.data if key < JOURNAL_KEY}
        error = failure(sync_wallet, reader, counter.operator, counter.ledger)
        if error is None:
            assert reader.changed == 0
            break
        met += 1
        assert isinstance(error, BadAnswer) or "CHANNEL_BROKEN" in str(error) or number < 2
        if not back:  # an answer that was changed on its way came after the deed
            assert {key for key in wallet.store.data if key < JOURNAL_KEY} == before
        assert wallet.balance == AMOUNT
    assert met >= 6
    assert counter.sync(wallet).settled
    assert counter.report().holds


# Replays, order, old keys -------------------------------------------------------------------------


def test_a_replayed_handshake_opens_nothing(bank: Bank, wallet: Wallet) -> None:
    reader = Listening(wallet)
    client = WalletClient(reader, wallet.device.book.trust, identity(bank))
    client.select()
    client.challenge()
    agree, confirm, record = (sent for sent in reader.heard[2::2])
    assert wallet.exchange(agree)[-2:] == b"\x90\x00"
    assert wallet.exchange(confirm) == errors.CHANNEL_BROKEN.to_bytes(2, "big")
    assert wallet.exchange(confirm) == errors.CHANNEL_NEEDED.to_bytes(2, "big")
    assert wallet.exchange(record) == errors.CHANNEL_NEEDED.to_bytes(2, "big")


def records(wallet: Wallet, count: int) -> list[bytes]:
    """Records with INFO in them, ready to be given in whatever order."""
    assert wallet.channel is not None
    return [wallet.channel.seal(command(commands.INFO)) for _ in range(count)]


@pytest.mark.parametrize("order", [(0, 0), (1,), (0, 2), (0, 1, 1), (0, 1, 0)])
def test_records_out_of_order_end_the_channel(
    bank: Bank, wallet: Wallet, order: tuple[int, ...]
) -> None:
    wallet.open_channel(identity(bank))
    ready = records(wallet, 4)
    answers = [wallet.give_plain(commands.RECORD, ready[number])[1] for number in order]
    assert answers == [apdu.SW_OK] * (len(order) - 1) + [errors.CHANNEL_BROKEN]
    for again in ready:
        assert wallet.give_plain(commands.RECORD, again)[1] == errors.CHANNEL_NEEDED
    session = wallet.device.session
    assert (session.operator, session.owner, session.nonce) == (False, False, None)


def test_old_keys_open_nothing(bank: Bank, wallet: Wallet) -> None:
    wallet.open_channel(identity(bank))
    [old] = records(wallet, 1)
    wallet.open_channel(identity(bank))
    assert wallet.give_plain(commands.RECORD, old)[1] == errors.CHANNEL_BROKEN
    wallet.select()
    assert wallet.give_plain(commands.RECORD, old)[1] == errors.CHANNEL_NEEDED
    wallet.open_channel(identity(bank))
    [lost] = records(wallet, 1)
    wallet.device.begin_contact(on_air=False)
    wallet.device.session.selected = True
    assert wallet.give_plain(commands.RECORD, lost)[1] == errors.CHANNEL_NEEDED


def test_an_answer_is_no_command(bank: Bank, wallet: Wallet) -> None:
    wallet.open_channel(identity(bank))
    [ready] = records(wallet, 1)
    answer, _ = wallet.give_plain(commands.RECORD, ready)
    assert wallet.give_plain(commands.RECORD, answer)[1] == errors.CHANNEL_BROKEN


def test_a_refusal_inside_leaves_the_channel_open(bank: Bank, wallet: Wallet) -> None:
    wallet.open_channel(identity(bank))
    for inside, sw in (
        (b"\x80\x10\x00", errors.WRONG_LENGTH),
        (apdu.select(), errors.NOT_ALLOWED),
        (command(commands.AGREE, bytes(37)), errors.NOT_ALLOWED),
        (command(commands.CONFIRM), errors.NOT_ALLOWED),
        (command(commands.RECORD, bytes(40)), errors.NOT_ALLOWED),
        (command(commands.ENTRY, b"\xff"), errors.MALFORMED),
    ):
        assert wallet.channel is not None
        answer, outer = wallet.give_plain(commands.RECORD, wallet.channel.seal(inside))
        assert outer == apdu.SW_OK
        assert wallet.channel.open(answer) == sw.to_bytes(2, "big")
    wallet.must(commands.STATEMENT, bytes(16))

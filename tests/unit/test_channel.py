"""The encrypted channel: what an eavesdropper sees, and what becomes of every changed message.

The wallet is the firmware's own dispatcher, the host is the operator's own code.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from _jzcbor import dumps
from jiaozi import apdu, certificates, channel, commands, cose, edhoc, errors, install
from jiaozi.book import CHANNEL_KEY, JOURNAL_KEY
from jiaozi.certificates import Certificate
from jiaozi.errors import Refused
from jiaozi_host import provisioning, sync
from jiaozi_host.channel import Speaker
from jiaozi_host.errors import BadAnswer, HostError, WalletRefused
from jiaozi_host.wallet import WalletClient
from tests.host.counter import Counter, Reader
from tests.unit import devices
from tests.unit.devices import PIN, Wallet, command, provision, speaker
from tests.unit.wallets import Bank, key_of

LONG_PIN = "274951836400"
AMOUNT = 76_543
CHANNEL_COMMANDS = (commands.AGREE, commands.CONFIRM, commands.RECORD)


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank()


@pytest.fixture
def wallet(bank: Bank) -> Wallet:
    made = provision(bank, "alice")
    made.select()
    made.open_channel()  # it makes its key for channels; what is written later is something else
    made.select()
    return made


def refusal(call: Callable[..., object], *arguments: object) -> int:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value.sw


def failure(call: Callable[..., object], *arguments: object) -> HostError | None:
    """How a call fails, None when it does not."""
    try:
        call(*arguments)
    except (BadAnswer, WalletRefused) as error:
        return error
    return None


# What an eavesdropper sees ------------------------------------------------------------------------


class Listening(Reader):
    """A reader whose every exchange is heard."""

    def __init__(self, wallet: devices.Wallet) -> None:
        super().__init__(wallet)
        self.heard: list[bytes] = []

    def exchange(self, sent: bytes) -> bytes:
        answer = super().exchange(sent)
        self.heard += [bytes(sent), answer]
        return answer


def secrets_of(spoken: list[bytes]) -> list[bytes]:
    """Pieces of 12 bytes of what owner and operator said, but for what SELECT shows anybody."""
    return [text[at : at + 12] for text in spoken for at in range(7, len(text) - 12, 5)]


def test_an_eavesdropper_learns_nothing_of_provisioning_and_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter, wallet = Counter(tmp_path), devices.Wallet()
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
    assert sync.sync_wallet(listening, counter.operator, counter.ledger).settled
    client = WalletClient(listening, counter.operator.published.trust)
    client.select()
    client.verify(LONG_PIN)
    assert client.info().balance == AMOUNT
    client.change(LONG_PIN, "987650123456")
    sync.set_pin(listening, counter.operator, LONG_PIN)
    air = b"|".join(first + listening.heard)
    for pin in (LONG_PIN, "987650123456"):
        assert pin.encode() not in air
    private = {commands.CREATE, commands.INSTALL, commands.VERIFY, commands.CHANGE}
    private |= {commands.CHALLENGE, commands.UPDATE, commands.STATEMENT, commands.ENTRY}
    private |= {commands.SETTLE, commands.UNBLOCK, commands.INFO}
    assert private <= set(spoken)
    public = wallet.device.book.me.raw  # SELECT shows it to anybody who comes near
    texts = [text for ins in private for text in spoken[ins]]
    pieces = [piece for piece in secrets_of(texts) if piece not in public]
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
    counter = Counter(tmp_path)
    for number in range(4):  # AGREE, CONFIRM, and the records of CREATE and INSTALL
        wallet = devices.Wallet()
        reader = Tampering(wallet, number, place, back)
        if number == 1 and back:
            continue  # no data to change
        before = dict(wallet.store.data)
        with pytest.raises(HostError):
            provisioning.provision(reader, counter.operator, counter.ledger, "1234")
        assert reader.changed == 1
        if number < 2 or not back:
            assert wallet.device.status == (commands.BLANK if number < 3 else commands.KEYED)
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
    counter = Counter(tmp_path)
    wallet = counter.wallet(AMOUNT)
    counter.sync(wallet)
    met = 0
    for number in range(20):
        reader = Tampering(wallet, number, place, back)
        if number == 1 and back:
            continue  # the answer to CONFIRM has no data
        before = {key for key in wallet.store.data if key < JOURNAL_KEY}
        error = failure(sync.sync_wallet, reader, counter.operator, counter.ledger)
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


# Who gets in --------------------------------------------------------------------------------------


def forged(certificate: Certificate, key: cose.SigningKey) -> Speaker:
    return Speaker(channel.certified(certificate), key)


def issued(
    bank: Bank, key: cose.SigningKey, kind: int = cose.CHANNEL, signer: str | None = None
) -> Certificate:
    """A certificate of a kind for a channel key, in the name of the bank's operator."""
    by = key_of(signer) if signer else bank.operator_key
    body = {7: bank.operator.id, 8: {1: {1: 1, -1: 6, -2: key.public}}, -65537: [100]}
    raw = cose.sign(kind, body, by, bank.operator.hash, bank.network).raw
    return certificates.read(cose.CHANNEL, raw, bank.network)


def test_who_is_not_the_operator_stays_out(bank: Bank, wallet: Wallet) -> None:
    host, other = key_of("host"), Bank(name="other operator")
    elsewhere = Bank(network=cose.LIVE)
    for who, sw in (
        (speaker(other), errors.WRONG_SIGNER),
        (speaker(elsewhere), errors.WRONG_SIGNER),
        (forged(issued(bank, host, signer="rogue"), host), errors.BAD_SIGNATURE),
        (forged(issued(bank, host, cose.SETTLEMENT), host), errors.BAD_SIGNATURE),
        (forged(issued(bank, host), key_of("thief")), errors.BAD_SIGNATURE),
        (speaker(bank, expiry=0), errors.EXPIRED),
        (forged(bank.operator, bank.operator_key), errors.MALFORMED),
        (forged(wallet.device.book.me, wallet.device.book.key), errors.MALFORMED),
    ):
        before = dict(wallet.store.data)
        assert refusal(wallet.open_channel, who) == sw
        assert wallet.device.session.channel is None
        assert not wallet.device.session.operator
        assert wallet.store.data == before
    wallet.open_channel(speaker(bank))
    wallet.must(commands.STATEMENT, bytes(16))


def test_a_wallets_channel_key_opens_no_other_wallet(bank: Bank, wallet: Wallet) -> None:
    """What a wallet certifies of itself gives nobody an operator's rights."""
    other = provision(bank, "bob")
    other.select()
    other.open_channel()
    seed, raw = other.store.data[CHANNEL_KEY][:32], other.store.data[CHANNEL_KEY][32:]
    mine = certificates.read(cose.CHANNEL, raw, bank.network)
    assert refusal(wallet.open_channel, forged(mine, cose.SigningKey(seed))) == errors.WRONG_SIGNER


def test_a_bare_key_must_be_proven_too(wallet: Wallet) -> None:
    stolen = Speaker(channel.bare(key_of("host").public), key_of("thief"))
    assert refusal(wallet.open_channel, stolen) == errors.BAD_SIGNATURE


@pytest.mark.parametrize(
    "named",
    [
        {4: b"kid"},
        {13: [b"", {}, b"", bytes(64)]},
        {13: b""},
        {14: {}},
        {14: {2: "subject", 8: {1: {1: 1, -1: 6, -2: bytes(32)}}}},
        {14: {8: {1: {1: 2, -1: 6, -2: bytes(32)}}}},
        {13: [], 14: {}},
        {},
    ],
)
def test_other_credentials_are_refused(named: dict[int, object]) -> None:
    assert refusal(channel.read_party, named, cose.TEST) == errors.MALFORMED


def test_the_host_sees_who_the_wallet_is(bank: Bank, wallet: Wallet) -> None:
    """A wallet that shows another's certificate, and a device that shows a wallet's."""
    other = provision(bank, "bob")
    other.select()
    for impostor in (other, Wallet()):
        impostor.select()
        client = WalletClient(Reader(impostor), wallet.device.book.trust)
        shown = Reader(wallet)
        hello = WalletClient(shown).select()
        client._selected = hello
        with pytest.raises(BadAnswer, match="prove"):
            client.verify("1234")


def test_a_wallet_of_another_authority_gets_no_pin(tmp_path: Path, wallet: Wallet) -> None:
    counter = Counter(tmp_path)
    reader = Listening(wallet)
    client = WalletClient(reader, counter.operator.published.trust)
    client.select()
    with pytest.raises(BadAnswer, match="does not verify"):
        client.verify("1234")
    assert len(reader.heard) == 2  # SELECT
    with pytest.raises(HostError, match="authority"):
        WalletClient(reader).verify("1234")


def test_only_the_operator_that_installs_may_have_opened_the_channel(bank: Bank) -> None:
    other = Bank(name="other operator")
    for who, sw in ((None, errors.SESSION_NEEDED), (speaker(other), errors.WRONG_SIGNER)):
        device = Wallet()
        device.select()
        device.open_channel(who)
        package = installable(bank, device.must(commands.CREATE))
        before = dict(device.store.data)
        assert device.give(commands.INSTALL, dumps([package, PIN]))[1] == sw
        assert device.store.data == before
        device.open_channel(speaker(bank))
        device.must(commands.INSTALL, dumps([package, PIN]))


def installable(bank: Bank, public: bytes) -> bytes:
    claims = [certificates.CARD, 3, 0, 100]
    certificate = certificates.issue(
        cose.WALLET, b"wallet--", public, claims, bank.operator_key, bank.operator, bank.network
    )
    operators = [bank.operator.raw]
    parts = (certificate.raw, bank.policy(), bank.epoch())
    return install.package(bank.network, bank.authority.raw, operators, *parts)


# Replays, order, old keys -------------------------------------------------------------------------


def test_a_replayed_handshake_opens_nothing(bank: Bank, wallet: Wallet) -> None:
    reader = Listening(wallet)
    client = WalletClient(reader, wallet.device.book.trust, speaker(bank))
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
    wallet.open_channel(speaker(bank))
    ready = records(wallet, 4)
    answers = [wallet.give_plain(commands.RECORD, ready[number])[1] for number in order]
    assert answers == [apdu.SW_OK] * (len(order) - 1) + [errors.CHANNEL_BROKEN]
    for again in ready:
        assert wallet.give_plain(commands.RECORD, again)[1] == errors.CHANNEL_NEEDED
    session = wallet.device.session
    assert (session.operator, session.owner, session.nonce) == (False, False, None)


def test_old_keys_open_nothing(bank: Bank, wallet: Wallet) -> None:
    wallet.open_channel(speaker(bank))
    [old] = records(wallet, 1)
    wallet.open_channel(speaker(bank))
    assert wallet.give_plain(commands.RECORD, old)[1] == errors.CHANNEL_BROKEN
    wallet.select()
    assert wallet.give_plain(commands.RECORD, old)[1] == errors.CHANNEL_NEEDED
    wallet.open_channel(speaker(bank))
    [lost] = records(wallet, 1)
    wallet.device.begin_contact()
    wallet.device.session.selected = True
    assert wallet.give_plain(commands.RECORD, lost)[1] == errors.CHANNEL_NEEDED


def test_an_answer_is_no_command(bank: Bank, wallet: Wallet) -> None:
    wallet.open_channel(speaker(bank))
    [ready] = records(wallet, 1)
    answer, _ = wallet.give_plain(commands.RECORD, ready)
    assert wallet.give_plain(commands.RECORD, answer)[1] == errors.CHANNEL_BROKEN


def test_a_refusal_inside_leaves_the_channel_open(bank: Bank, wallet: Wallet) -> None:
    wallet.open_channel(speaker(bank))
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


# Keys ---------------------------------------------------------------------------------------------


def test_a_wallet_makes_its_channel_key_once_and_anew_for_another_certificate(
    bank: Bank, wallet: Wallet
) -> None:
    first = wallet.store.data[CHANNEL_KEY]
    wallet.restart()
    wallet.select()
    wallet.open_channel()
    assert wallet.store.data[CHANNEL_KEY] == first
    assert first[:32] != wallet.device.book.store.get(0x10)
    wallet.store.data[CHANNEL_KEY] = provisioned_key(bank)
    wallet.select()
    wallet.open_channel()
    assert wallet.store.data[CHANNEL_KEY] not in (first, provisioned_key(bank))


def provisioned_key(bank: Bank) -> bytes:
    """A channel key that another certificate than the wallet's stands for."""
    holder = bank.certificate("somebody")
    made = channel.certify(key_of("x").public, 9, key_of("somebody"), holder, bank.network)
    return bytes(32) + made.raw


def test_a_blank_device_takes_a_fresh_key_each_time_and_keeps_none() -> None:
    device = Wallet()
    seen = set()
    for _ in range(2):
        device.select()
        first = edhoc.Initiator(edhoc.SUITE_4, key_of("e").public, channel.HOST)
        answer, _ = device.give_plain(commands.AGREE, first.message_1)
        who = Speaker(channel.bare(key_of("host").public), key_of("host"))
        first.finish(answer, lambda one: channel.read_party(one, cose.TEST), who.party, who.key)
        seen.add(first.peer.public)
    assert len(seen) == 2
    assert not device.store.data

"""Who gets into an encrypted channel, with which key, and how host and wallet know each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from _jzcbor import dumps
from jiaozi.operator import issue
from jiaozi.wallet.store_keys import CHANNEL_KEY
from jiaozi.wire import certificates, channel, commands, cose, edhoc, errors
from jiaozi.wire.certificates import Certificate
from jiaozi_host.channel import ChannelIdentity
from jiaozi_host.errors import BadAnswer, HostError
from jiaozi_host.wallet import WalletClient
from tests.fixtures.channels import Listening, refusal, wallet_with_key
from tests.fixtures.devices import PIN, Wallet, identity, provision
from tests.fixtures.operator_counter import OperatorCounter, Reader
from tests.fixtures.wallets import Bank, key_of


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank()


@pytest.fixture
def wallet(bank: Bank) -> Wallet:
    return wallet_with_key(bank)


# Who gets in --------------------------------------------------------------------------------------


def forged(certificate: Certificate, key: cose.SigningKey) -> ChannelIdentity:
    return ChannelIdentity(channel.certified(certificate), key)


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
        (identity(other), errors.WRONG_SIGNER),
        (identity(elsewhere), errors.WRONG_SIGNER),
        (forged(issued(bank, host, signer="rogue"), host), errors.BAD_SIGNATURE),
        (forged(issued(bank, host, cose.SETTLEMENT), host), errors.BAD_SIGNATURE),
        (forged(issued(bank, host), key_of("thief")), errors.BAD_SIGNATURE),
        (identity(bank, expiry=0), errors.EXPIRED),
        (forged(bank.operator, bank.operator_key), errors.MALFORMED),
        (forged(wallet.device.book.me, wallet.device.book.key), errors.MALFORMED),
    ):
        before = dict(wallet.store.data)
        assert refusal(wallet.open_channel, who) == sw
        assert wallet.device.session.channel is None
        assert not wallet.device.session.operator
        assert wallet.store.data == before
    wallet.open_channel(identity(bank))
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
    stolen = ChannelIdentity(channel.bare(key_of("host").public), key_of("thief"))
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
    counter = OperatorCounter(tmp_path)
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
    for who, sw in ((None, errors.SESSION_NEEDED), (identity(other), errors.WRONG_SIGNER)):
        device = Wallet()
        device.select()
        device.open_channel(who)
        package = installable(bank, device.must(commands.CREATE))
        before = dict(device.store.data)
        assert device.give(commands.INSTALL, dumps([package, PIN]))[1] == sw
        assert device.store.data == before
        device.open_channel(identity(bank))
        device.must(commands.INSTALL, dumps([package, PIN]))


def installable(bank: Bank, public: bytes) -> bytes:
    claims = [certificates.CARD, 3, 0, 100]
    certificate = certificates.issue(
        cose.WALLET, b"wallet--", public, claims, bank.operator_key, bank.operator, bank.network
    )
    operators = [bank.operator.raw]
    parts = (certificate.raw, bank.policy(), bank.epoch())
    return issue.package(bank.network, bank.authority.raw, operators, *parts)


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
        who = ChannelIdentity(channel.bare(key_of("host").public), key_of("host"))
        first.finish(answer, lambda one: channel.read_party(one, cose.TEST), who.party, who.key)
        seen.add(first.peer.public)
    assert len(seen) == 2
    assert not device.store.data

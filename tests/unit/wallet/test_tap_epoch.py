"""Epochs pass from wallet to wallet at the end of a tap; revoked wallets then pay no more."""

from __future__ import annotations

import pytest

from _jzcbor import dumps
from jiaozi.operator import issue
from jiaozi.wallet.store_keys import EPOCH_KEY
from jiaozi.wire import apdu, commands, cose, epochs, errors
from jiaozi.wire.epochs import LONGEST_EPOCH
from jiaozi.wire.errors import Refused
from tests.fixtures.devices import Wallet
from tests.fixtures.wallets import key_of
from tests.unit.wallet.test_tap import BANK, Pair
from wallet.roles.reader import read_tap
from wallet.roles.tap import open_request


def know(wallet: Wallet, raw: bytes) -> None:
    """A wallet that has been at its operator's."""
    wallet.store.commit({EPOCH_KEY: raw})
    wallet.device.reload()


def epoch_of(wallet: Wallet) -> int:
    """As it is kept, and as the wallet goes by it."""
    kept = epochs.read_epoch(wallet.store.data[EPOCH_KEY], BANK.network)
    assert wallet.device.book.epoch.hash == kept.hash
    return kept.number


def trace(card: Wallet) -> tuple[list[int], object]:
    """The instructions that a card is given, and how to exchange with it."""
    given: list[int] = []

    def exchange(command: bytes) -> bytes:
        given.append(command[1])
        return card.exchange(command)

    return given, exchange


@pytest.mark.parametrize("knowing", ["reader", "card"])
@pytest.mark.parametrize("reading", ["payee", "payer"])
def test_a_newer_epoch_passes_after_the_outcome(knowing: str, reading: str) -> None:
    pair = Pair()
    reader, card = (pair.bob, pair.alice) if reading == "payee" else (pair.alice, pair.bob)
    know(reader if knowing == "reader" else card, BANK.epoch(2))
    pair.bob.arm(commands.RECEIVE, 500 if reading == "payee" else 0)
    if reading == "payer":
        pair.alice.arm(commands.PAY_OUT, 500)
    given, exchange = trace(card)
    read_tap(reader.device, exchange, reader.port.wait)
    assert (epoch_of(reader), epoch_of(card)) == (2, 2)
    assert pair.balances == (9_500, 500)
    assert given[-1] == commands.EPOCH
    assert given.count(commands.EPOCH) == 1
    for wallet in (reader, card):
        wallet.restart()
        assert epoch_of(wallet) == 2


def test_no_exchange_between_wallets_of_one_epoch() -> None:
    pair = Pair()
    pair.bob.arm(commands.RECEIVE, 500)
    given, exchange = trace(pair.alice)
    read_tap(pair.bob.device, exchange, pair.bob.port.wait)
    assert given == [commands.SELECT, commands.PAY, commands.RESOLVE]


def test_a_refused_tap_brings_news_too() -> None:
    pair = Pair()
    know(pair.bob, BANK.epoch(3))
    with pytest.raises(Refused) as caught:
        pair.tap(pair.bob, pair.alice)
    assert caught.value.sw == errors.NO_REQUEST
    assert epoch_of(pair.alice) == 3


def test_what_a_revoked_wallet_still_does() -> None:
    """It learns of it in its last tap; then it pays no more, but finishes what it has begun."""
    pair = Pair()
    know(pair.bob, BANK.epoch(2, [pair.alice.device.book.me.id]))
    pair.alice.arm(commands.RECEIVE, 70)
    with pytest.raises(Refused):
        pair.tap(pair.bob, pair.alice)
    assert epoch_of(pair.alice) == 2
    pair.alice.device.disarm()
    pair.bob.arm(commands.RECEIVE, 500)
    with pytest.raises(Refused) as caught:
        pair.tap(pair.bob, pair.alice)
    assert caught.value.sw == errors.REVOKED
    assert pair.balances == (10_000, 0)


def test_a_revoked_wallet_resends_and_takes_receipts() -> None:
    pair = Pair()
    pair.bob.arm(commands.RECEIVE, 500)
    request = dumps([pair.bob.device.book.me.raw, open_request(pair.bob.device).raw])
    pair.alice.select()
    payment = cose.decode(pair.alice.must(commands.PAY, request))[0]
    know(pair.alice, BANK.epoch(2, [pair.alice.device.book.me.id]))
    pair.alice.select()
    assert cose.decode(pair.alice.must(commands.PAY, request))[0] == payment
    pair.tap(pair.bob, pair.alice)
    assert pair.balances == (9_500, 500)
    assert pair.alice.device.book.unresolved() == 0


@pytest.mark.parametrize(
    ("raw", "sw"),
    [
        (BANK.epoch(1, [bytes(8)]), errors.EPOCH_OLDER),
        (BANK.epoch(0), errors.EPOCH_OLDER),
        (BANK.epoch(9)[:-1], errors.MALFORMED),
        (BANK.epoch(9, [bytes(8)] * (LONGEST_EPOCH // 8)), errors.MALFORMED),
        (BANK.policy(), errors.MALFORMED),
        (
            issue.make_epoch(
                9, [], [BANK.operator.hash], key_of("thief"), BANK.authority, BANK.network
            ),
            errors.BAD_SIGNATURE,
        ),
        (
            issue.make_epoch(
                9, [], [BANK.operator.hash], BANK.operator_key, BANK.operator, BANK.network
            ),
            errors.WRONG_SIGNER,
        ),
    ],
)
def test_epochs_refused(raw: bytes, sw: int) -> None:
    pair = Pair()
    pair.alice.select()
    before = dict(pair.alice.store.data)
    assert pair.alice.give(commands.EPOCH, raw)[1] == sw
    assert pair.alice.store.data == before
    assert epoch_of(pair.alice) == 1


def test_a_reader_is_not_taken_in_either() -> None:
    """The card says it has a newer epoch, and hands over one that is forged."""
    pair = Pair()
    pair.bob.arm(commands.RECEIVE, 500)
    forged = issue.make_epoch(9, [], [], key_of("thief"), BANK.authority, BANK.network)

    def exchange(command: bytes) -> bytes:
        if command[1] == commands.EPOCH:
            return apdu.build_response(apdu.SW_OK, forged)
        answer = pair.alice.exchange(command)
        if command[1] == commands.SELECT:
            hello = cose.decode(bytes(answer[:-2]))
            hello[2] = 9
            return apdu.build_response(apdu.SW_OK, dumps(hello))
        return answer

    read_tap(pair.bob.device, exchange, pair.bob.port.wait)
    assert epoch_of(pair.bob) == 1
    assert pair.balances == (9_500, 500)


def test_the_same_epoch_again_writes_nothing() -> None:
    pair = Pair()
    pair.alice.select()
    commits = pair.alice.store.commits
    pair.alice.must(commands.EPOCH, BANK.epoch())
    assert pair.alice.store.commits == commits


def test_no_epoch_within_a_transaction() -> None:
    pair = Pair()
    pair.bob.arm(commands.RECEIVE, 500)
    pair.alice.select()
    request = dumps([pair.bob.device.book.me.raw, open_request(pair.bob.device).raw])
    payment = cose.decode(pair.alice.must(commands.PAY, request))[0]
    assert pair.alice.give(commands.EPOCH, BANK.epoch(2))[1] == errors.BUSY
    pair.bob.select()
    outcome = pair.bob.must(commands.PAYMENT, dumps([pair.alice.device.book.me.raw, payment]))
    pair.alice.must(commands.RESOLVE, outcome)
    pair.alice.must(commands.EPOCH, BANK.epoch(2))
    assert epoch_of(pair.alice) == 2


def test_no_epoch_while_a_person_is_asked() -> None:
    pair = Pair(unconfirmed_single=0)
    pair.bob.arm(commands.RECEIVE, 500)
    pair.alice.select()
    request = dumps([pair.bob.device.book.me.raw, open_request(pair.bob.device).raw])
    assert pair.alice.give(commands.PAY, request)[1] == errors.CONSENT_NEEDED
    assert pair.alice.give(commands.EPOCH, BANK.epoch(2))[1] == errors.BUSY


def test_the_epoch_in_force_is_told_to_anybody() -> None:
    pair = Pair()
    pair.alice.select()
    assert pair.alice.must(commands.EPOCH) == BANK.epoch()

"""A counter remembers what it owes, and being late is no fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from _jzcbor import dumps
from jiaozi.wire import apdu, commands, cose
from jiaozi_host import provisioning
from jiaozi_host.errors import BadAnswer, CardGone, LedgerError
from jiaozi_host.sync.session import sync_wallet
from jiaozi_host.vault.published import copy_public
from tests.fixtures import wallets
from tests.fixtures.counter_steps import is_at_peace, transfer
from tests.fixtures.operator_counter import PIN, OperatorCounter, Reader

# The counter --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rotates", [False, True])
@pytest.mark.parametrize("delivers", [False, True])
@pytest.mark.parametrize("name", ["top_up", "cash_out"])
def test_the_counter_remembers_what_a_sync_has_finished(
    east: OperatorCounter, name: str, delivers: bool, rotates: bool
) -> None:
    """Whatever exchange is lost: with a sync in between, the same command moves money once."""
    act = getattr(provisioning, name)
    after = 14_000 if name == "top_up" else 6_000
    lost = 2
    while True:
        wallet = east.wallet(10_000)
        reader = Reader(wallet)
        reader.lose, reader.delivers = lost, delivers
        try:
            act(reader, east.operator, east.ledger, PIN, 4_000)
            break
        except CardGone:
            pass
        if rotates:
            wallet.device.disarm()  # a wallet rotates only at rest
        rotate_after = 0 if rotates else None
        done = sync_wallet(Reader(wallet), east.operator, east.ledger, rotate_after=rotate_after)
        assert done.settled
        done = act(Reader(wallet), east.operator, east.ledger, PIN, 4_000)
        assert (wallet.balance, done.amount + sum(done.resumed)) == (after, 4_000), lost
        assert not done.voided
        second = act(Reader(wallet), east.operator, east.ledger, PIN, 1_000)
        assert (second.amount, second.resumed) == (1_000, []), lost
        lost += 1
    assert lost > 6
    assert east.report().findings == []


def test_what_was_voided_is_not_owed(east: OperatorCounter) -> None:
    wallet = east.wallet(10_000)
    book = wallet.device.book
    account = east.account()
    request = account.request_from(book.me, 4_000)
    payment = wallets.answer(book, account.me.raw, request.raw)
    account.request_from(book.me, 3_000)  # cancels the first
    account.receive(book.me.raw, payment, request.raw)
    assert east.sync(wallet).settled
    assert wallet.balance == 10_000
    done = east.cash_out(wallet, 4_000)
    assert (done.amount, done.resumed, wallet.balance) == (4_000, [], 6_000)


# Being late ---------------------------------------------------------------------------------------


@pytest.fixture
def late(east: OperatorCounter, tmp_path: Path) -> OperatorCounter:
    """An operator whose desk has not heard of the authority's latest epochs."""
    return OperatorCounter(tmp_path / "late", authority=east.authority)


@pytest.mark.parametrize(
    ("name", "behind"), [("sync", 1), ("sync", 20), ("top_up", 20), ("cash_out", 5)]
)
def test_a_desk_takes_the_epoch_that_a_wallet_has_heard_of(
    late: OperatorCounter, name: str, behind: int
) -> None:
    """Behind by many epochs its channel key would have expired for the wallet."""
    wallet = late.wallet(10_000)
    for _ in range(behind):
        late.authority.advance()
    news = late.authority.published.epoch
    wallet.select()
    wallet.must(commands.EPOCH, news.raw)
    act = late.sync if name == "sync" else lambda one: getattr(late, name)(one, 100)
    done = act(wallet)
    assert getattr(done, "settled", True)
    assert late.operator.published.epoch.raw == news.raw
    assert late.account().epoch.number == wallet.device.book.epoch.number == news.number


def test_a_forged_epoch_is_not_taken_from_a_wallet(
    late: OperatorCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet = late.wallet(10_000)
    before = late.operator.published.epoch.raw
    late.authority.advance()
    raw = late.authority.published.epoch.raw
    wallet.device.book.adopt(cose.parse(cose.EPOCH, raw, cose.TEST, type(wallet.device.book.epoch)))
    wallet.device.book.epoch.raw = raw[:-1] + bytes([raw[-1] ^ 1])
    with pytest.raises(BadAnswer, match="epoch does not verify"):
        late.sync(wallet)
    assert late.operator.published.epoch.raw == before


def test_a_desk_that_lacks_an_operator_says_so_and_blames_nobody(
    east: OperatorCounter, late: OperatorCounter, tmp_path: Path
) -> None:
    wallet = late.wallet()
    new = OperatorCounter(tmp_path / "new", authority=east.authority)
    payer = new.wallet(10_000)
    trust, news = new.operator.published.trust, new.operator.published.epoch
    rules = dumps([new.operator.operators, late.operator.policy(3), news.raw])
    wallet.select()
    wallet.open_channel(late.operator.channel_identity())
    wallet.must(commands.UPDATE, rules)  # at another desk of the same operator
    assert new.operator.certificate.hash in trust.operators
    transfer(payer, wallet, 1_000)
    with pytest.raises(LedgerError, match="does not know yet") as said:
        late.sync(wallet)
    assert "refresh" in said.value.remedy
    assert late.report().findings == []
    copy_public(late.authority.home, late.home)
    late.operator.refresh()
    is_at_peace(late, wallet)


def test_the_wallet_of_a_desk_that_is_behind_gets_its_policy(late: OperatorCounter) -> None:
    wallet = late.wallet(10_000)
    late.authority.advance()
    news = late.authority.published.epoch
    wallet.select()
    wallet.must(commands.EPOCH, news.raw)
    path = late.home / "operator" / "policies.toml"
    path.write_text(path.read_text().replace("version = 1", "version = 2"))
    old = late.operator.published.epoch.raw
    wallet.select()
    wallet.open_channel(late.operator.channel_identity())
    rules = dumps([late.operator.operators, late.operator.policy(3), old])
    answer, sw = wallet.give(commands.UPDATE, rules)
    assert (answer, sw) == (b"", apdu.SW_OK)
    assert wallet.device.book.policy.version == 2
    assert wallet.device.book.epoch.raw == news.raw

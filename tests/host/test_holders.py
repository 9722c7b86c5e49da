"""Identity escrow: only the authority opens a reference, and never without a record."""

from __future__ import annotations

from pathlib import Path

import pytest

from jiaozi.wire import cose
from jiaozi_host.errors import VaultError
from jiaozi_host.sync.session import sync_wallet
from jiaozi_host.vault import Authority, escrow
from jiaozi_host.vault.escrow import Openings
from tests.fixtures import devices
from tests.fixtures.operator_counter import OperatorCounter, Reader

WHO = "Li Hua, ID 510100199001011234"


@pytest.fixture
def counter(tmp_path: Path) -> OperatorCounter:
    return OperatorCounter(tmp_path)


def held(counter: OperatorCounter, who: str = WHO) -> tuple[devices.Wallet, bytes]:
    """Make a wallet with a holder; return it and the operator's export."""
    wallet = counter.wallet(1_000)
    identity = wallet.device.book.me.id
    counter.ledger.set_holder(identity, counter.operator.seal_holder(who))
    return wallet, export(counter, identity)


def export(counter: OperatorCounter, wallet: bytes) -> bytes:
    sealed = counter.ledger.wallet(wallet).holder
    assert sealed is not None
    return counter.operator.export_holder(wallet, sealed)


def test_the_authority_opens_a_reference_on_the_record(counter: OperatorCounter) -> None:
    wallet, raw = held(counter)
    text, record = counter.authority.open_holder(raw, "court", "2026-17")
    assert text == WHO
    assert record.wallet == wallet.device.book.me.id
    counter.advance()
    authority = Authority.open(counter.home)
    assert authority.open_holder(raw, "court", "2026-18")[0] == WHO
    one, two = Openings(counter.home).read()
    assert one == record
    assert (one.number, one.who, one.why, one.epoch) == (1, "court", "2026-17", two.epoch - 1)
    assert (two.number, two.reference) == (2, one.reference)


def test_the_operator_alone_cannot_open(counter: OperatorCounter, tmp_path: Path) -> None:
    """The operator's files do not contain the reference, and its keys do not open it."""
    other = OperatorCounter(tmp_path / "other", 0, counter.authority)
    wallet = other.wallet()
    identity = wallet.device.book.me.id
    other.ledger.set_holder(identity, other.operator.seal_holder(WHO))
    raw = export(other, identity)
    other.ledger.close()
    kept = [path.read_bytes() for path in other.home.rglob("*") if path.is_file()]
    assert not any(b"Li Hua" in data or b"5101001990" in data for data in [raw, *kept])
    with pytest.raises(VaultError, match="no key holders"):
        Openings(other.home).open(raw, "operator", "curious", other.operator._key, None)
    operator_key = (other.home / "operator" / "key.pem").read_bytes()
    (other.home / "authority").mkdir()
    escrow.key_path(other.home).write_bytes(operator_key)
    with pytest.raises(VaultError, match="is not an X25519 key"):
        Openings(other.home).open(raw, "operator", "curious", other.operator._key, None)


def test_the_record_comes_before_the_reference(
    counter: OperatorCounter, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, raw = held(counter)

    def gone(*_: object, **__: object) -> None:
        raise VaultError("disk full")

    monkeypatch.setattr(escrow.files, "write_new", gone)
    with pytest.raises(VaultError, match="disk full"):
        counter.authority.open_holder(raw, "court", "2026-17")
    for who, why in ((" ", "2026-17"), ("court", "")):
        with pytest.raises(VaultError, match="who or --why is empty"):
            counter.authority.open_holder(raw, who, why)


def test_a_record_that_was_tampered_with_is_noticed(counter: OperatorCounter) -> None:
    _, raw = held(counter)
    for number in range(3):
        counter.authority.open_holder(raw, "court", f"2026-{number}")
    folder = counter.home / "authority" / "openings"
    first, second, third = sorted(folder.iterdir())
    kept = {path: path.read_bytes() for path in (first, second, third)}
    second.write_bytes(kept[second].replace(b"2026-1", b"2026-9"))
    with pytest.raises(VaultError, match="changed at 000002"):
        Openings(counter.home).read()
    second.unlink()
    with pytest.raises(VaultError, match="missing before number 3"):
        Openings(counter.home).read()
    second.write_bytes(kept[third])
    with pytest.raises(VaultError, match="missing"):
        counter.authority.open_holder(raw, "court", "2026-4")
    second.write_bytes(kept[first])
    with pytest.raises(VaultError, match="missing"):
        Openings(counter.home).read()


def test_a_record_of_another_chain_is_noticed(counter: OperatorCounter) -> None:
    """A record with a valid signature and number, but not the one the next record chains to."""
    _, raw = held(counter)
    first = counter.home / "authority" / "openings" / "000001.cbor"
    counter.authority.open_holder(raw, "court", "hidden")
    kept = first.read_bytes()
    first.unlink()
    for why in ("2026-1", "2026-2"):
        counter.authority.open_holder(raw, "court", why)
    first.write_bytes(kept)
    with pytest.raises(VaultError, match="missing before number 2"):
        Openings(counter.home).read()


def test_what_no_operator_exported_is_not_opened(counter: OperatorCounter, tmp_path: Path) -> None:
    wallet, raw = held(counter)
    stranger = OperatorCounter(tmp_path / "stranger", 0)
    sealed = counter.operator.seal_holder(WHO)
    identity = wallet.device.book.me.id
    for bad, match in (
        (raw[:-1] + bytes([raw[-1] ^ 1]), "does not verify"),
        (stranger.operator.export_holder(identity, sealed), "not by an operator of this authority"),
        (b"", "does not verify"),
    ):
        with pytest.raises(VaultError, match=match):
            counter.authority.open_holder(bad, "court", "2026-17")
    assert Openings(counter.home).read() == []
    foreign = stranger.operator.seal_holder(WHO)
    with pytest.raises(VaultError, match="is not sealed to this key"):
        counter.authority.open_holder(counter.operator.export_holder(identity, foreign), "a", "b")
    assert len(Openings(counter.home).read()) == 1, "that it was tried is on the record"


def test_references_of_like_length_are_sealed_alike(counter: OperatorCounter) -> None:
    short, long = (counter.operator.seal_holder(who) for who in ("A", "B" * 60))
    assert len(short) == len(long)
    assert counter.operator.seal_holder("A") != short


class Listening(Reader):
    """A reader that records every frame."""

    frames = b""

    def exchange(self, command: bytes) -> bytes:
        answer = super().exchange(command)
        self.frames += command + answer
        return answer


def test_rotation_keeps_the_reference_and_no_frame_holds_it(counter: OperatorCounter) -> None:
    wallet, _ = held(counter)
    reader = Listening(wallet)
    done = sync_wallet(reader, counter.operator, counter.ledger, rotate_after=0)
    assert done.rotated is not None
    sealed = counter.ledger.wallet(done.wallet).holder
    assert sealed == counter.ledger.wallet(done.rotated).holder
    text, record = counter.authority.open_holder(export(counter, done.wallet), "court", "x")
    assert (text, record.wallet) == (WHO, done.wallet)
    assert len(reader.frames) > 2_000
    for part in (
        WHO.encode(),
        sealed[:32],
        sealed[-16:],
        cose.parse(
            cose.HOLDERS_KEY, (counter.home / "public" / "holders.cbor").read_bytes(), cose.TEST
        ).body[0],
    ):
        assert part not in reader.frames
    assert not any(sealed[:16] in value for value in wallet.store.data.values())

"""Key files, certificates, epochs and policies."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from nacl.bindings import crypto_core_ed25519_add

from jiaozi.wire import suites
from jiaozi.wire.cose import TEST, SigningKey
from jiaozi.wire.policies import read_policy
from jiaozi_host.errors import VaultError
from jiaozi_host.money import BadAmount, format_amount, parse_amount
from jiaozi_host.vault import Authority, Operator, Published, keys
from jiaozi_host.vault.authority import key_path
from jiaozi_host.vault.policies import DEFAULTS, read_limits

PASSPHRASE = "correct horse battery"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    Operator.init(tmp_path, Authority.init(tmp_path, None), None)
    return tmp_path


def test_keys_are_encrypted_and_private(tmp_path: Path) -> None:
    Operator.init(tmp_path, Authority.init(tmp_path, PASSPHRASE), PASSPHRASE)
    found = sorted(tmp_path.rglob("*.pem"))
    assert [path.name for path in found] == ["holders.pem", "key.pem", "account.pem", "key.pem"]
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"ENCRYPTED" in path.read_bytes()
        assert keys.is_encrypted(path)
        with pytest.raises(VaultError, match="cannot be decrypted"):
            keys.read(path, "wrong horse battery", "")
        with pytest.raises(VaultError, match="needs a passphrase"):
            keys.read(path, None, "")
    account = Operator.open(tmp_path, PASSPHRASE)
    assert not any(account.account_seed in path.read_bytes() for path in found)


def test_a_short_passphrase_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="shorter"):
        Authority.init(tmp_path, "short")
    assert list(tmp_path.iterdir()) == []


# Points of small order, one not canonical, one off the curve, and one too short.
BAD_POINTS = [
    b"\x01" + bytes(31),
    bytes(32),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("ed" + "ff" * 30 + "7f"),
    b"\x02" + bytes(31),
    bytes(31),
]


@pytest.mark.parametrize("public", BAD_POINTS)
def test_a_key_that_is_no_point_of_the_group_is_not_certified(home: Path, public: bytes) -> None:
    authority, operator = Authority.open(home), Operator.open(home)
    epoch = authority.published.epoch.raw
    with pytest.raises(VaultError, match="not a valid Ed25519 public key; nothing was certified"):
        operator.certify(public, 1, 3)
    with pytest.raises(VaultError, match="not a valid Ed25519 public key; nothing was certified"):
        authority.certify(public, "CNY")
    assert Published(home).epoch.raw == epoch


def test_a_key_of_mixed_order_is_not_certified(home: Path) -> None:
    """Such a key passes where keys are read, as a device has no test for it."""
    order_two = b"\xec" + b"\xff" * 30 + b"\x7f"
    mixed = crypto_core_ed25519_add(SigningKey(bytes(32)).public, order_two)
    suites.EDDSA.check_key(mixed)
    with pytest.raises(VaultError, match="not a valid Ed25519 public key"):
        Operator.open(home).certify(mixed, 1, 3)


def test_keys_are_never_replaced(home: Path) -> None:
    before = key_path(home).read_bytes()
    with pytest.raises(VaultError, match="exists already"):
        Authority.init(home, None)
    assert key_path(home).read_bytes() == before


def test_what_is_missing_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(VaultError) as missing:
        Operator.open(tmp_path)
    assert missing.value.remedy == "run: jiaozi operator init"
    with pytest.raises(VaultError) as missing:
        Authority.open(tmp_path)
    assert missing.value.remedy == "run: jiaozi authority init"


def test_another_authoritys_key_is_noticed(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    Authority.init(other, None)
    key_path(home).write_bytes(key_path(other).read_bytes())
    with pytest.raises(VaultError, match="is not the key of"):
        Authority.open(home)


def test_published_files_are_verified(home: Path) -> None:
    path = home / "public" / "epoch.cbor"
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(VaultError, match="does not verify"):
        Published(home)


def test_epochs_rise_by_one_and_keep_what_they_revoked(home: Path) -> None:
    authority = Authority.open(home)
    first = authority.published.epoch
    assert first.operators == [Operator.open(home).certificate.hash]
    one, two = b"\x01" * 8, b"\x02" * 8
    assert authority.advance([one]).revoked == [one]
    epoch = authority.advance([two, one])
    assert (epoch.number, epoch.revoked) == (first.number + 2, [one, two])
    assert Published(home).epoch.operators == first.operators


def test_default_policies_are_those_of_the_tiers(home: Path) -> None:
    operator = Operator.open(home)
    for tier, cap, single in [(1, 500_000, 50_000), (3, 20_000, 5_000), (4, 10_000, 2_000)]:
        policy = read_policy(operator.policy(tier), TEST)
        policy.verify(operator.certificate.public, operator.certificate.hash)
        assert (policy.tier, policy.currency, policy.version) == (tier, "CNY", 1)
        assert (policy.balance_cap, policy.single) == (cap * 100, single * 100)


def edit(home: Path, old: str, new: str) -> None:
    path = home / "operator" / "policies.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_changed_policy_must_have_a_higher_version(home: Path) -> None:
    before = Operator.open(home).policy(4)
    edit(home, 'single = "2000.00"', 'single = "1999.00"')
    with pytest.raises(VaultError, match="without a higher version") as refusal:
        Operator.open(home).policy(4)
    assert "version to 2" in refusal.value.remedy
    path = home / "operator" / "policies.toml"
    head, tail = path.read_text().split("[tier.4]")
    path.write_text(head + "[tier.4]" + tail.replace("version = 1", "version = 2", 1))
    after = Operator.open(home).policy(4)
    assert before != after
    assert read_policy(after, TEST).single == 199_900


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('single = "5000.00"', "single = 5000.00", "single is 5000.0"),
        ('single = "5000.00"', 'single = "5000.0"', "not an amount"),
        ("hops = 5", 'hops = "5"', "hops is '5'"),
        ("hops = 5", "hops = 16", "hops is above 15"),
        ("hops = 5", "hops = true", "hops is True"),
        ("hops = 5", "", "wrong or missing fields: hops"),
        ("hops = 5", "hops = 5\njumps = 5", "wrong or missing fields: jumps"),
        ("[tier.4]", "[tier.four]", "cannot read"),
        ("[tier.4]", "[tier.4", "cannot read"),
    ],
)
def test_mistakes_in_the_policy_file_are_named(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    path = tmp_path / "policies.toml"
    assert old in DEFAULTS
    path.write_text(DEFAULTS.replace(old, new))
    with pytest.raises(VaultError, match=complaint):
        read_limits(path, "CNY")


@pytest.mark.parametrize(
    ("text", "minor"), [("0", 0), ("1", 100), ("12.50", 1250), ("10737418.23", 0x3FFFFFFF)]
)
def test_amounts_are_read_without_rounding(text: str, minor: int) -> None:
    assert parse_amount(text) == minor
    assert parse_amount(format_amount(minor).replace(",", "")) == minor


@pytest.mark.parametrize("text", ["", "1.5", "1,50", "-1", "1e3", ".50", "10737418.24", "1.500"])
def test_what_is_not_an_amount_is_refused(text: str) -> None:
    with pytest.raises(BadAmount):
        parse_amount(text)

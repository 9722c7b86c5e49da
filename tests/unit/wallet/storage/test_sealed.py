"""Sealed values: what opens, what does not, and what a wallet does that cannot open its own."""

from __future__ import annotations

import pytest

from _jzcbor import loads
from jiaozi.wallet.store_keys import (
    CHANNEL_KEY,
    FIRST_SECRET,
    FROZEN_KEY,
    NETWORK_KEY,
    PIN_KEY,
    SECRETS_END,
    SEED_KEY,
)
from jiaozi.wire import commands, errors
from tests.fixtures import devices
from tests.fixtures.devices import DEVICE_KEY
from tests.fixtures.wallets import Bank, MemoryStore
from wallet.roles.tap import wants_tap
from wallet.storage.errors import SecretDamaged
from wallet.storage.sealed import Sealed

SEED = bytes(range(100, 132))
LONGER_BY = 28


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def sealed(store: MemoryStore) -> Sealed:
    return Sealed(store, DEVICE_KEY)


def test_secrets_are_sealed_and_the_rest_is_not(store: MemoryStore, sealed: Sealed) -> None:
    changes = {key: SEED for key in range(FIRST_SECRET - 1, SECRETS_END + 1)}
    sealed.commit(changes)
    assert changes[SEED_KEY] == SEED
    assert {key: sealed.get(key) for key in changes} == changes
    assert store.commits == 1
    for key, value in store.data.items():
        if FIRST_SECRET <= key < SECRETS_END:
            assert len(value) == len(SEED) + LONGER_BY
            assert SEED[:8] not in value
        else:
            assert value == SEED


def test_no_value_is_sealed_twice_alike(store: MemoryStore, sealed: Sealed) -> None:
    seen = set()
    for _ in range(50):
        sealed.commit({SEED_KEY: SEED})
        seen.add(store.data[SEED_KEY][:12])
    assert len(seen) == 50


def test_deleting_and_empty_values(store: MemoryStore, sealed: Sealed) -> None:
    sealed.commit({SEED_KEY: b"", PIN_KEY: SEED})
    assert sealed.get(SEED_KEY) == b""
    sealed.commit({SEED_KEY: None})
    assert sealed.get(SEED_KEY) is None
    assert SEED_KEY not in store.data


def test_each_bit_of_a_sealed_value_counts(store: MemoryStore, sealed: Sealed) -> None:
    sealed.commit({SEED_KEY: SEED})
    good = store.data[SEED_KEY]
    for at in range(len(good)):
        store.data[SEED_KEY] = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        with pytest.raises(SecretDamaged):
            sealed.get(SEED_KEY)
    for length in range(len(good)):
        store.data[SEED_KEY] = good[:length]
        with pytest.raises(SecretDamaged):
            sealed.get(SEED_KEY)


def test_a_value_opens_under_its_own_key_alone(store: MemoryStore, sealed: Sealed) -> None:
    sealed.commit({SEED_KEY: SEED})
    for key in range(FIRST_SECRET, SECRETS_END):
        store.data[key] = store.data[SEED_KEY]
        if key != SEED_KEY:
            with pytest.raises(SecretDamaged):
                sealed.get(key)
    with pytest.raises(SecretDamaged):
        Sealed(store, bytes(32)).get(SEED_KEY)


def sealed_wallet(bank: Bank) -> tuple[devices.Wallet, MemoryStore]:
    """A provisioned wallet over a sealed store, and what lies in that."""
    plain = devices.provision(bank, "alice").store.data
    store = MemoryStore()
    sealed = Sealed(store, DEVICE_KEY)
    sealed.commit(dict(plain))
    return devices.Wallet(sealed), store


def assert_damaged(wallet: devices.Wallet, store: MemoryStore) -> None:
    before = dict(store.data)
    wallet.restart()
    wallet.device.home()
    assert wallet.screens[-1] == ("damaged", {})
    assert wallet.select()[1:] == [commands.DAMAGED, 0, None, None]
    for ins in (commands.AGREE, commands.PAY, commands.CREATE, commands.EPOCH, commands.RESOLVE):
        assert wallet.give_plain(ins)[1] == errors.MEMORY_DAMAGED
    assert loads(wallet.give_plain(commands.INFO)[0])[:2] == [commands.DAMAGED, None]
    assert not wants_tap(wallet.device)
    assert store.data == before


@pytest.mark.parametrize("key", [SEED_KEY, PIN_KEY])
def test_a_wallet_with_an_altered_secret_is_damaged(key: int) -> None:
    wallet, store = sealed_wallet(Bank())
    assert wallet.device.status == commands.READY
    store.data[key] = store.data[key][:-1] + bytes([store.data[key][-1] ^ 0x80])
    assert_damaged(wallet, store)


def test_a_wallet_with_swapped_secrets_is_damaged() -> None:
    wallet, store = sealed_wallet(Bank())
    store.data[SEED_KEY], store.data[PIN_KEY] = store.data[PIN_KEY], store.data[SEED_KEY]
    assert_damaged(wallet, store)


def test_a_wallet_without_its_seed_is_damaged() -> None:
    wallet, store = sealed_wallet(Bank())
    del store.data[SEED_KEY]
    assert_damaged(wallet, store)


def test_a_device_that_has_only_a_key_is_damaged_too() -> None:
    wallet, store = sealed_wallet(Bank())
    store.data = {CHANNEL_KEY: store.data[SEED_KEY]}
    assert_damaged(wallet, store)


def test_a_blank_device_is_not_damaged() -> None:
    wallet = devices.Wallet(Sealed(MemoryStore(), bytes(32)))
    assert wallet.device.status == commands.BLANK


def test_other_values_are_no_concern_of_it() -> None:
    """The rest of a memory is not sealed: what is altered there, the audit at sync must find."""
    wallet, store = sealed_wallet(Bank())
    store.data[FROZEN_KEY] = b"\x01"
    assert store.data[NETWORK_KEY] == wallet.store.get(NETWORK_KEY)
    wallet.restart()
    assert wallet.device.status == commands.FROZEN

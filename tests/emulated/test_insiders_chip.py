"""Attacks by insiders on the image: here with the wallet's memory chip in hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simulator.scenarios.rig import PIN, Rig

from _jzcrypto import sha256
from jiaozi.wallet import store_keys
from jiaozi.wire import commands, errors
from jiaozi.wire.cose import SigningKey
from jiaozi_host.errors import WalletRefused
from jiaozi_host.wallet import WalletClient
from jiaozi_host.wallet_answers import Info, Selected
from jiaozi_sim.client import Wallet
from jiaozi_sim.machines.base import NVM_SIZE
from jiaozi_sim.machines.marks import Mark
from tests.emulated.faces import await_screen
from tests.emulated.opened_chip import has_verifier, pins_that_open, signing_keys
from tests.emulated.pairs import device_key, restart
from tests.sweep.flows.oracle import ImageNvm, Store
from wallet.pin import Pin
from wallet.storage.sealed import Sealed

SECRET_RUN = 8


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(tmp_path_factory.mktemp("chip")) as made:
        yield made


@pytest.fixture(scope="module")
def alice(rig: Rig, firmware_elf: Callable[[str], Path]) -> Wallet:
    """A wallet with all the secrets that it makes by itself."""
    wallet = rig.add("alice", "visual_card", firmware_elf("visual_card"))
    rig.provision(wallet)
    rig.balance(wallet)  # it has made its key for channels
    return wallet


@pytest.fixture(scope="module")
def image(alice: Wallet) -> bytes:
    return alice.nvm_read()


@pytest.fixture(scope="module")
def thief(rig: Rig, firmware_elf: Callable[[str], Path]) -> Wallet:
    """Another device of the same kind, for chips that were taken out."""
    return rig.add("thief", "visual_card", firmware_elf("visual_card"))


def put_chip(wallet: Wallet, image: bytes) -> None:
    wallet.cut_power()
    wallet.nvm_write(image)
    restart(wallet)


def seen_at_reader(rig: Rig, wallet: Wallet) -> tuple[Selected, Info]:
    with rig.at_reader(wallet) as link:
        client = WalletClient(link)
        return client.select(), client.info()


def assert_damaged(rig: Rig, wallet: Wallet) -> None:
    """It names nobody, signs nothing, checks no PIN, says so, and does not start over and over."""
    hello, info = seen_at_reader(rig, wallet)
    assert hello.certificate is None
    assert hello.status == info.status == commands.DAMAGED
    assert info.id is None
    for act in (rig.balance, rig.provision):
        with pytest.raises(WalletRefused) as caught:
            act(wallet)
        assert caught.value.status == errors.MEMORY_DAMAGED
    await_screen(wallet, "damaged")
    assert [event.mark for event in wallet.marks()].count(Mark.READY) == 1


def altered(image: bytes, changes: Callable[[Store], dict[int, bytes | None]]) -> bytes:
    """The image after a commit that the store's own code makes, so that its checksums are right."""
    nvm = ImageNvm(image)
    store = Store.mount(nvm)
    store.commit(changes(store))
    return nvm.image


def test_what_was_not_sealed_would_be_found() -> None:
    """The attack itself works: it opens a store that keeps the same secrets in clear."""
    nvm = ImageNvm(b"\xff" * NVM_SIZE)
    store = Store.mount(nvm)
    key = SigningKey(bytes(range(32)))
    store.commit(Pin(store).changes(PIN.encode()))
    store.commit({store_keys.SEED_KEY: bytes(range(32)), store_keys.CERTIFICATE_KEY: key.public})
    assert pins_that_open(nvm.image) == [PIN.encode()]
    assert has_verifier(nvm.image, PIN.encode())
    assert signing_keys(nvm.image) == [bytes(range(32))]


def test_the_chip_has_nothing_that_verifies_a_pin(image: bytes) -> None:
    assert pins_that_open(image) == []
    assert not has_verifier(image, PIN.encode())


def test_the_chip_has_no_key_that_signs(image: bytes) -> None:
    assert signing_keys(image) == []


def test_the_chip_has_no_run_of_a_secret(alice: Wallet, image: bytes) -> None:
    key = device_key(alice)
    store = Sealed(Store.mount(ImageNvm(image)), key)
    seed, channel, pin = (
        store.get(name)
        for name in (store_keys.SEED_KEY, store_keys.CHANNEL_KEY, store_keys.PIN_KEY)
    )
    assert pin[16:] == sha256(pin[:16] + PIN.encode())
    for secret in (seed, channel[:32], pin, key):
        runs = {secret[at : at + SECRET_RUN] for at in range(len(secret) - SECRET_RUN + 1)}
        assert not any(run in image for run in runs)


def test_the_chip_in_another_device_is_damaged(rig: Rig, thief: Wallet, image: bytes) -> None:
    put_chip(thief, image)
    assert_damaged(rig, thief)
    thief.cut_power()
    restart(thief)
    assert_damaged(rig, thief)


def test_values_swapped_or_altered_are_damaged(rig: Rig, alice: Wallet, image: bytes) -> None:
    seed, channel = store_keys.SEED_KEY, store_keys.CHANNEL_KEY

    def swapped(store: Store) -> dict[int, bytes | None]:
        return {seed: store.get(channel), channel: store.get(seed)}

    def flipped(store: Store) -> dict[int, bytes | None]:
        value = store.get(channel)
        return {channel: bytes([value[0] ^ 1]) + value[1:]}

    def removed(store: Store) -> dict[int, bytes | None]:
        return {seed: None}

    for changes in (swapped, flipped, removed):
        put_chip(alice, altered(image, changes))
        assert_damaged(rig, alice)
    put_chip(alice, image)
    assert seen_at_reader(rig, alice)[0].status == commands.READY


def test_a_key_page_that_was_lost_is_damaged(rig: Rig, alice: Wallet, image: bytes) -> None:
    """A new key is made in it, under which nothing opens; the old page makes all good again."""
    page = alice.key_page_read()
    alice.cut_power()
    alice.key_page_write(b"")
    restart(alice)
    assert_damaged(rig, alice)
    assert device_key(alice) not in (page[:32], bytes(32))
    alice.cut_power()
    alice.key_page_write(page)
    restart(alice)
    assert seen_at_reader(rig, alice)[0].status == commands.READY

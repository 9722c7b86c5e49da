"""An operator: certifies wallets, rules their limits, opens channels with them and settles.

operator/key.pem           signs certificates (of hosts too), policies and settlements
operator/account.pem       key of the operator's own account, a wallet
operator/certificate.cbor  the operator's certificate
operator/account.cbor      the account's certificate
operator/policies.toml     limits by tier, for people
operator/policies/*.cbor   the same, signed
operator/terms/*.cbor      terms of purses, by number
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jiaozi.operator import clearing, issue
from jiaozi.wire import certificates
from jiaozi.wire.cose import ID_LENGTH, OPERATOR, WALLET, SigningKey
from jiaozi.wire.errors import Refused
from jiaozi.wire.policies import read_policy
from jiaozi.wire.terms import Terms, read_terms
from jiaozi_host.channel import Speaker, certified
from jiaozi_host.errors import VaultError
from jiaozi_host.vault import files, holders, keys, policies
from jiaozi_host.vault.authority import Authority
from jiaozi_host.vault.published import Published, copy_public

WALLET_LIFE = 1_000
"""Epochs for which a wallet's certificate is good."""

CHANNEL_LIFE = 16
"""Epochs for which a host may open channels with the key it was given: wallets may be ahead."""

_REMEDY = "run: jiaozi operator init"


def key_path(home: Path) -> Path:
    """Where the operator's signing key is kept."""
    return home / "operator" / "key.pem"


class Operator:
    """An operator whose keys have been opened.

    account: the certificate of its own account; account_seed: that account's key.
    """

    def __init__(self, home: Path, key: SigningKey, account_seed: bytes) -> None:
        self.home = home
        self.folder = home / "operator"
        self.published = Published(home)
        self.network = self.published.network
        self._key = key
        self.account_seed = account_seed
        raw = files.read(self.folder / "certificate.cbor", "operator", _REMEDY)
        account = files.read(self.folder / "account.cbor", "operator's account", _REMEDY)
        try:
            self.certificate = certificates.read(OPERATOR, raw, self.network)
            self.certificate.signed.verify(
                self.published.authority.public, self.published.authority.hash
            )
            self.account = certificates.read(WALLET, account, self.network)
            self.account.signed.verify(self.certificate.public, self.certificate.hash)
        except Refused as refusal:
            raise VaultError(
                f"{self.folder} does not verify ({refusal})", "restore it from its backup"
            ) from refusal
        if key.public != self.certificate.public:
            raise VaultError(f"{key_path(home)} is another operator's", "restore the right key")

    @classmethod
    def init(
        cls, home: Path, authority: Authority, passphrase: str | None, currency: str = "CNY"
    ) -> Operator:
        """Make a new operator certified by `authority`, with an account. Raises VaultError.

        home: the authority's own, or another one, which gets a copy of what it has published.
        """
        folder = home / "operator"
        _, key = keys.create(key_path(home), passphrase)
        seed, account_key = keys.create(folder / "account.pem", passphrase)
        certificate = authority.certify(key.public, currency)
        if home != authority.home:
            copy_public(authority.home, home)
        files.write_new(folder / "certificate.cbor", certificate.raw)
        claims = [certificates.ACCOUNT, policies.ACCOUNT_TIER, 0, certificate.expiry]
        account = certificates.issue(
            WALLET,
            os.urandom(ID_LENGTH),
            account_key.public,
            claims,
            key,
            certificate,
            authority.published.network,
        )
        files.write_new(folder / "account.cbor", account.raw)
        files.write_new(folder / "policies.toml", policies.DEFAULTS.encode())
        return cls(home, key, seed)

    @classmethod
    def open(cls, home: Path, passphrase: str | None = None) -> Operator:
        """Open the operator kept in a home. Raises VaultError."""
        _, key = keys.load(key_path(home), passphrase, _REMEDY)
        seed, _ = keys.load(home / "operator" / "account.pem", passphrase, _REMEDY)
        return cls(home, key, seed)

    def refresh(self) -> None:
        """Read anew what the authority has published meanwhile."""
        self.published = Published(self.home)

    @property
    def currency(self) -> str:
        """Currency of the value this operator may hold."""
        return str(self.certificate.claims[0])

    # Wallets ------------------------------------------------------------------------------------

    def certify(
        self, public: bytes, form: int, tier: int, category: int = 0
    ) -> certificates.Certificate:
        """Certify a wallet's key under a fresh random id."""
        claims = [form, tier, category, self.published.epoch.number + WALLET_LIFE]
        return certificates.issue(
            WALLET,
            os.urandom(ID_LENGTH),
            public,
            claims,
            self._key,
            self.certificate,
            self.network,
        )

    def seal_holder(self, who: str) -> bytes:
        """A reference to who holds a wallet, for the authority's eyes. Raises VaultError."""
        return holders.seal(self.home, who)

    def export_holder(self, wallet: bytes, sealed: bytes) -> bytes:
        """What the authority is handed to open a reference."""
        return holders.export(wallet, sealed, self._key, self.certificate, self.network)

    def package(self, wallet: certificates.Certificate) -> bytes:
        """The package that `jiaozi.wallet.install` takes on the device with the certified key."""
        return issue.package(
            self.network,
            self.published.authority.raw,
            self.operators,
            wallet.raw,
            self.policy(wallet.tier),
            self.published.epoch.raw,
        )

    @property
    def operators(self) -> list[bytes]:
        """Certificates of the operators wallets are to know."""
        return [operator.raw for operator in self.published.operators]

    def policy(self, tier: int) -> bytes:
        """The signed policy of a tier. Raises VaultError."""
        if tier == policies.ACCOUNT_TIER:
            limits = policies.account_limits(self.currency)
        else:
            by_tier = policies.read_limits(self.folder / "policies.toml", self.currency)
            if tier not in by_tier:
                raise VaultError(f"no policy for tier {tier}", "add it to policies.toml")
            limits = by_tier[tier]
        made = issue.make_policy(limits, self._key, self.certificate, self.network)
        path = self.folder / "policies" / f"{tier}.cbor"
        if path.exists():
            known = read_policy(path.read_bytes(), self.network)
            if made == known.raw:
                return made
            if limits["version"] <= known.version:
                raise VaultError(
                    f"policy of tier {tier} changed, but version {limits['version']} did not rise",
                    f"set its version to {known.version + 1} in policies.toml",
                )
        files.write(path, made)
        return made

    def make_terms(self, number: int, categories: list[int], expiry: int, cap: int) -> Terms:
        """Sign and keep the terms of a purse. Raises VaultError when its number has others."""
        parts = (number, categories, expiry, cap, self._key, self.certificate, self.network)
        try:
            made = issue.make_terms(*parts)
        except Refused as refusal:
            raise VaultError(f"these are no terms ({refusal})", "see: jiaozi terms --help") from (
                refusal
            )
        path = self._terms_path(number)
        if path.exists() and path.read_bytes() != made:
            raise VaultError(
                f"purse {number} has other terms already", "take another number for a new purpose"
            )
        files.write(path, made)
        return read_terms(made, self.network)

    def terms(self, number: int) -> bytes:
        """The signed terms of a purse. Raises VaultError."""
        remedy = f"run: jiaozi terms {number}"
        return files.read(self._terms_path(number), f"terms of purse {number}", remedy)

    def _terms_path(self, number: int) -> Path:
        return self.folder / "terms" / f"{number}.cbor"

    # Sync ---------------------------------------------------------------------------------------

    def speaker(self) -> Speaker:
        """Who a host of this operator is in channels with wallets; its key is fresh."""
        expiry = self.published.epoch.number + CHANNEL_LIFE
        return certified(expiry, self._key, self.certificate, self.network)

    def settlement(
        self,
        wallet: certificates.Certificate,
        nonce: bytes,
        position: int,
        head: bytes,
        closed: Sequence[bytes] = (),
    ) -> bytes:
        """The settlement of a journal up to `position`; payments in `closed` are refunded."""
        return issue.make_settlement(
            wallet.hash, nonce, position, head, self._key, self.certificate, self.network, closed
        )

    def rotation(self, statement: bytes, certificate: certificates.Certificate) -> bytes:
        """The acknowledgement of a last statement, for the certificate of the key it names."""
        return issue.make_rotation(
            statement, certificate, self._key, self.certificate, self.network
        )

    # Other operators ----------------------------------------------------------------------------

    def clearing(self, to: bytes, number: int, seen: int, items: Sequence[Sequence[Any]]) -> bytes:
        """A clearing file for the operator whose certificate has the hash `to`."""
        return clearing.make(to, number, seen, items, self._key, self.certificate, self.network)

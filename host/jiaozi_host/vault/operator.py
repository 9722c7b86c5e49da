"""An operator: certifies wallets, signs their limits and settlements, opens channels with them.

operator/key.pem           signs certificates (also of hosts), policies, settlements, clearing
operator/account.pem       key of the operator's account, which is a wallet
operator/certificate.cbor  the operator's certificate
operator/account.cbor      the account's certificate
operator/policies.toml     limits by tier, edited by people
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
from jiaozi_host.channel import ChannelIdentity, certified
from jiaozi_host.errors import VaultError
from jiaozi_host.vault import escrow, files, keys, policies
from jiaozi_host.vault.authority import Authority
from jiaozi_host.vault.published import Published, copy_public, take_epoch

WALLET_LIFE = 1_000
"""Validity of a wallet's certificate, in epochs."""

CHANNEL_LIFE = 16
"""Validity of a host's channel key, in epochs; a wallet may know a later epoch than the host."""

_REMEDY = "run: jiaozi operator init"


def key_path(home: Path) -> Path:
    """Return the path of the operator's signing key."""
    return home / "operator" / "key.pem"


class Operator:
    """An operator with its keys unlocked.

    published: what its authority has published; account: certificate of its account; account_seed:
    that account's key.
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
            raise VaultError(
                f"{key_path(home)} is not the key of this operator",
                "restore the key from its backup",
            )

    @classmethod
    def init(
        cls, home: Path, authority: Authority, passphrase: str | None, currency: str = "CNY"
    ) -> Operator:
        """Create an operator certified by `authority`, with an account. Raises VaultError.

        home: the authority's home or another one, which then gets a copy of what is published;
        passphrase: None leaves the keys unencrypted; currency: ISO 4217 code.
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
        """Open the operator of a home. Raises VaultError."""
        _, key = keys.load(key_path(home), passphrase, _REMEDY)
        seed, _ = keys.load(home / "operator" / "account.pem", passphrase, _REMEDY)
        return cls(home, key, seed)

    def refresh(self) -> None:
        """Reload what the authority has published."""
        self.published = Published(self.home)

    def take_epoch(self, raw: bytes) -> None:
        """Publish a newer epoch that a wallet has handed over. Raises Refused."""
        take_epoch(self.home, raw)
        self.refresh()

    @property
    def currency(self) -> str:
        """Currency of this operator's wallets (ISO 4217 code)."""
        return str(self.certificate.claims[0])

    # Wallets ------------------------------------------------------------------------------------

    def certify(
        self, public: bytes, form: int, tier: int, category: int = 0
    ) -> certificates.Certificate:
        """Certify a wallet's public key under a fresh random id.

        form: as in `jiaozi.wire.certificates`; category: merchant category (ISO 18245), 0 for none.
        Raises VaultError for a public key that is not valid.
        """
        keys.check_public(public)
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
        """Seal a reference to a wallet's holder for the authority. Raises VaultError."""
        return escrow.seal(self.home, who)

    def export_holder(self, wallet: bytes, sealed: bytes) -> bytes:
        """Return a signed export of a sealed reference, for the authority to open."""
        return escrow.export(wallet, sealed, self._key, self.certificate, self.network)

    def package(self, wallet: certificates.Certificate) -> bytes:
        """Return the installation package for the device with the certified key."""
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
        """Encoded certificates of all operators, for wallets to install."""
        return [operator.raw for operator in self.published.operators]

    def policy(self, tier: int) -> bytes:
        """Return the signed policy of a tier. Raises VaultError.

        It is signed again when operator/policies.toml has changed and raised its version.
        """
        if tier == policies.ACCOUNT_TIER:
            limits = policies.account_limits(self.currency)
        else:
            by_tier = policies.read_limits(self.folder / "policies.toml", self.currency)
            if tier not in by_tier:
                raise VaultError(
                    f"there is no policy for tier {tier}", "add the tier to operator/policies.toml"
                )
            limits = by_tier[tier]
        made = issue.make_policy(limits, self._key, self.certificate, self.network)
        path = self.folder / "policies" / f"{tier}.cbor"
        if path.exists():
            known = read_policy(path.read_bytes(), self.network)
            if made == known.raw:
                return made
            if limits["version"] <= known.version:
                raise VaultError(
                    f"the limits of tier {tier} changed without a higher version",
                    f"set its version to {known.version + 1} in operator/policies.toml",
                )
        files.write(path, made)
        return made

    def make_terms(
        self,
        number: int,
        categories: list[int],
        expiry: int,
        cap: int,
        operators: Sequence[bytes] = (),
    ) -> Terms:
        """Sign and store the terms of a purse.

        categories: merchant categories (ISO 18245); expiry: last epoch in which its money can be
        spent; cap: largest payment; operators: ids of the operators whose merchants' categories
        count beside this one's. Raises VaultError for invalid terms or a number in use.
        """
        body = (number, categories, list(operators), expiry, cap)
        parts = (*body, self._key, self.certificate, self.network)
        try:
            made = issue.make_terms(*parts)
        except Refused as refusal:
            raise VaultError(
                f"the terms are invalid ({refusal})", "see: jiaozi terms --help"
            ) from (refusal)
        path = self._terms_path(number)
        if path.exists() and path.read_bytes() != made:
            raise VaultError(
                f"purse {number} has other terms already, which were kept",
                "choose another number for a new purpose",
            )
        files.write(path, made)
        return read_terms(made, self.network)

    def terms(self, number: int) -> bytes:
        """Return the signed terms of a purse. Raises VaultError."""
        remedy = f"run: jiaozi terms {number}"
        return files.read(self._terms_path(number), f"terms of purse {number}", remedy)

    def _terms_path(self, number: int) -> Path:
        return self.folder / "terms" / f"{number}.cbor"

    # Sync ---------------------------------------------------------------------------------------

    def channel_identity(self) -> ChannelIdentity:
        """Return an identity with a fresh certified key, for channels with own wallets."""
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
        """Sign the settlement of a journal up to `position`, where its hash chain is `head`.

        nonce: from the wallet's `challenge`; closed: hashes of payments that it refunds.
        """
        return issue.make_settlement(
            wallet.hash, nonce, position, head, self._key, self.certificate, self.network, closed
        )

    def rotation(self, statement: bytes, certificate: certificates.Certificate) -> bytes:
        """Sign a rotation: it acknowledges a last statement and certifies the key named there."""
        return issue.make_rotation(
            statement, certificate, self._key, self.certificate, self.network
        )

    # Other operators ----------------------------------------------------------------------------

    def clearing(self, to: bytes, number: int, seen: int, items: Sequence[Sequence[Any]]) -> bytes:
        """Sign a clearing file for the operator whose certificate has the hash `to`."""
        return clearing.make(to, number, seen, items, self._key, self.certificate, self.network)

"""The authority: certifies operators, proclaims epochs, opens sealed references."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from jiaozi.operator import issue
from jiaozi.wire import certificates
from jiaozi.wire.cose import AUTHORITY, ID_LENGTH, OPERATOR, SigningKey
from jiaozi.wire.epochs import Epoch
from jiaozi_host.errors import VaultError
from jiaozi_host.vault import escrow, keys
from jiaozi_host.vault.escrow import Opening, Openings
from jiaozi_host.vault.published import (
    Published,
    network_number,
    publish_authority,
    publish_epoch,
    publish_operator,
)

OPERATOR_LIFE = 10_000
"""Validity of an operator's certificate, in epochs."""


def key_path(home: Path) -> Path:
    """Return the path of the authority's key."""
    return home / "authority" / "key.pem"


class Authority:
    """An authority with its key unlocked. published: its public part."""

    def __init__(self, home: Path, key: SigningKey) -> None:
        self.home = home
        self.published = Published(home)
        self._key = key
        if key.public != self.published.authority.public:
            raise VaultError(
                f"{key_path(home)} is not the key of the authority in {self.published.folder}",
                "restore the key from its backup",
            )

    @classmethod
    def init(cls, home: Path, passphrase: str | None, network: str = "test") -> Authority:
        """Create an authority, and epoch 1 without operators. Raises VaultError.

        network: "test" or "live"; passphrase: None leaves its keys unencrypted.
        """
        number = network_number(network)
        _, key = keys.create(key_path(home), passphrase)
        identity = os.urandom(ID_LENGTH)
        certificate = certificates.issue(AUTHORITY, identity, key.public, [], key, None, number)
        publish_authority(home, network, certificate.raw)
        escrow.create(home, passphrase, key, certificate, number)
        publish_epoch(home, issue.make_epoch(1, [], [], key, certificate, number))
        return cls(home, key)

    @classmethod
    def open(cls, home: Path, passphrase: str | None = None) -> Authority:
        """Open the authority of a home. Raises VaultError."""
        _, key = keys.load(key_path(home), passphrase, "run: jiaozi authority init")
        return cls(home, key)

    def certify(self, public: bytes, currency: str) -> certificates.Certificate:
        """Certify an operator's key and proclaim an epoch that lists the operator.

        currency: ISO 4217 code. Raises VaultError for a public key that is not valid.
        """
        keys.check_public(public)
        now = self.published
        claims = [currency, now.epoch.number + OPERATOR_LIFE]
        operator = certificates.issue(
            OPERATOR,
            os.urandom(ID_LENGTH),
            public,
            claims,
            self._key,
            now.authority,
            now.network,
        )
        publish_operator(self.home, operator)
        self.advance(operators=[*now.epoch.operators, operator.hash])
        return operator

    def advance(self, revoke: Iterable[bytes] = (), operators: list[bytes] | None = None) -> Epoch:
        """Proclaim and return the next epoch.

        revoke: wallet ids to add to those already revoked; operators: hashes of the certificates of
        all valid operators, None for no change.
        """
        now = self.published
        revoked = list(dict.fromkeys([*now.epoch.revoked, *revoke]))
        valid = now.epoch.operators if operators is None else operators
        number = now.epoch.number + 1
        raw = issue.make_epoch(number, revoked, valid, self._key, now.authority, now.network)
        publish_epoch(self.home, raw)
        self.published = Published(self.home)
        return self.published.epoch

    def open_holder(
        self, raw: bytes, who: str, why: str, passphrase: str | None = None
    ) -> tuple[str, Opening]:
        """Open an exported reference and record it; see `Openings.open`. Raises VaultError."""
        return Openings(self.home).open(raw, who, why, self._key, passphrase)

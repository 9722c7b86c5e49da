"""The authority: certifies operators and proclaims epochs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from jiaozi.operator import issue
from jiaozi.wire import certificates
from jiaozi.wire.cose import AUTHORITY, ID_LENGTH, OPERATOR, SigningKey
from jiaozi.wire.epochs import Epoch
from jiaozi_host.errors import VaultError
from jiaozi_host.vault import holders, keys
from jiaozi_host.vault.holders import Opening, Openings
from jiaozi_host.vault.published import (
    Published,
    network_number,
    publish_authority,
    publish_epoch,
    publish_operator,
)

OPERATOR_LIFE = 10_000
"""Epochs for which an operator's certificate is good."""


def key_path(home: Path) -> Path:
    """Where the authority's key is kept."""
    return home / "authority" / "key.pem"


class Authority:
    """An authority whose key has been opened. `published` is what everybody may read of it."""

    def __init__(self, home: Path, key: SigningKey) -> None:
        self.home = home
        self.published = Published(home)
        self._key = key
        if key.public != self.published.authority.public:
            raise VaultError(
                f"{key_path(home)} is not the key of {self.published.folder}",
                "restore the key that belongs to it",
            )

    @classmethod
    def init(cls, home: Path, passphrase: str | None, network: str = "test") -> Authority:
        """Make an authority, and epoch 1, in which no operator is valid yet. Raises VaultError."""
        number = network_number(network)
        _, key = keys.create(key_path(home), passphrase)
        holder = os.urandom(ID_LENGTH)
        certificate = certificates.issue(AUTHORITY, holder, key.public, [], key, None, number)
        publish_authority(home, network, certificate.raw)
        holders.create(home, passphrase, key, certificate, number)
        publish_epoch(home, issue.make_epoch(1, [], [], key, certificate, number))
        return cls(home, key)

    @classmethod
    def open(cls, home: Path, passphrase: str | None = None) -> Authority:
        """Open the authority kept in a home. Raises VaultError."""
        _, key = keys.load(key_path(home), passphrase, "run: jiaozi authority init")
        return cls(home, key)

    def certify(self, public: bytes, currency: str) -> certificates.Certificate:
        """Certify an operator, and proclaim the epoch in which it becomes valid."""
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
        """Proclaim the next epoch; wallet ids in `revoke` are added to those revoked already.

        operators: hashes of the valid operators' certificates, None for no change.
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
        """Open a reference an operator has exported, on the record. Raises VaultError."""
        return Openings(self.home).open(raw, who, why, self._key, passphrase)

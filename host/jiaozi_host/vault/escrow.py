"""Identity escrow: references to wallets' holders, sealed by operators, opened by the authority.

A reference is sealed with HPKE (RFC 9180, base mode: DHKEM X25519, HKDF-SHA256, ChaCha20-Poly1305)
to a key used for nothing else. The operator stores it with the wallet's id and cannot open it; it
is never on a device. Before the authority opens one, it signs a record of who asked and why,
chained to the previous record.

    authority/holders.pem        private key that opens references
    authority/openings/*.cbor    records, numbered from 1; never changed or removed
    public/holders.cbor          public key that references are sealed to, signed by the authority
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from jiaozi.wire.certificates import Certificate
from jiaozi.wire.cose import (
    BYTES,
    HOLDER,
    HOLDERS_KEY,
    ID_LENGTH,
    OPENING,
    TEXT,
    UINT,
    SigningKey,
    expect,
    parse,
    sign,
)
from jiaozi.wire.errors import Refused
from jiaozi_host.errors import VaultError
from jiaozi_host.vault import files, keys
from jiaozi_host.vault.published import Published

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_INFO = b"jiaozi holder"
_BLOCK = 64
"""References are padded to multiples of this length, in bytes, to hide their own."""

_RECORD = (UINT, 32, UINT, ID_LENGTH, TEXT, TEXT, 32)
_FIRST = bytes(32)


def key_path(home: Path) -> Path:
    """Return the path of the private key that opens references."""
    return home / "authority" / "holders.pem"


def create(
    home: Path, passphrase: str | None, key: SigningKey, me: Certificate, network: int
) -> None:
    """Create the authority's key for references and publish its public part.

    key, me: the authority's signing key and certificate. Raises VaultError.
    """
    private = X25519PrivateKey.generate()
    keys.write(key_path(home), private, passphrase)
    public = sign(HOLDERS_KEY, [private.public_key().public_bytes_raw()], key, me.hash, network)
    files.write_new(home / "public" / "holders.cbor", public.raw)


def seal(home: Path, who: str) -> bytes:
    """Seal a reference, any text, so that only the authority can open it. Raises VaultError."""
    published = Published(home)
    raw = files.read(
        home / "public" / "holders.cbor", "public key for holders", "run: jiaozi operator refresh"
    )
    try:
        signed = parse(HOLDERS_KEY, raw, published.network)
        expect(signed.body, (32,))
        signed.verify(published.authority.public, published.authority.hash)
    except Refused as refusal:
        raise VaultError(
            f"the public key for holders does not verify ({refusal})",
            "run: jiaozi operator refresh",
        ) from refusal
    text = who.encode() + b"\x80"
    text += bytes(-len(text) % _BLOCK)
    return bytes(_SUITE.encrypt(text, X25519PublicKey.from_public_bytes(signed.body[0]), _INFO))


def export(
    wallet: bytes, sealed: bytes, key: SigningKey, operator: Certificate, network: int
) -> bytes:
    """Return a wallet's sealed reference, signed by its operator, for the authority to open."""
    return sign(HOLDER, [wallet, sealed], key, operator.hash, network).raw


@dataclass(frozen=True)
class Opening:
    """Record of an opening: who asked for the holder of a wallet, why, and in which epoch.

    reference: hash of the operator's export; hash: of this record.
    """

    number: int
    epoch: int
    wallet: bytes
    who: str
    why: str
    reference: bytes
    hash: bytes


class Openings:
    """The authority's chained records of openings."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = home / "authority" / "openings"
        self._published = Published(home)

    def read(self) -> list[Opening]:
        """Return all records, verified. Raises VaultError if one is missing or was changed."""
        found: list[Opening] = []
        for path in sorted(self._folder.glob("*.cbor")):
            try:
                found.append(self._read(path.read_bytes(), found))
            except Refused as refusal:
                raise VaultError(
                    f"the records of openings were changed at {path.name} ({refusal})",
                    "restore them from their backup and investigate",
                ) from refusal
        return found

    def _read(self, raw: bytes, before: list[Opening]) -> Opening:
        authority = self._published.authority
        signed = parse(OPENING, raw, self._published.network)
        expect(signed.body, _RECORD)
        signed.verify(authority.public, authority.hash)
        number, previous, epoch, wallet, who, why, reference = signed.body
        last = before[-1].hash if before else _FIRST
        if (number, previous) != (len(before) + 1, last):
            raise VaultError(
                f"records of openings are missing before number {number}",
                "restore them from their backup and investigate",
            )
        return Opening(number, epoch, wallet, who, why, reference, signed.hash)

    def open(
        self, raw: bytes, who: str, why: str, key: SigningKey, passphrase: str | None
    ) -> tuple[str, Opening]:
        """Store a record, then open an operator's export; return the reference and the record.

        who: officer or court that asks; why: the warrant; key: the authority's signing key;
        passphrase: of the private key for references. Raises VaultError.
        """
        if not who.strip() or not why.strip():
            raise VaultError(
                "--who or --why is empty; nothing was opened", "state who asks and why"
            )
        reference, wallet, sealed = self._reference(raw)
        private = keys.read(key_path(self._home), passphrase, "restore it from its backup")
        if not isinstance(private, X25519PrivateKey):
            raise VaultError(
                f"{key_path(self._home)} is not an X25519 key", "restore it from its backup"
            )
        records = self.read()
        now, number = self._published, len(records) + 1
        previous = records[-1].hash if records else _FIRST
        body: list[Any] = [number, previous, now.epoch.number, wallet, who, why, reference]
        record = sign(OPENING, body, key, now.authority.hash, now.network)
        files.write_new(self._folder / f"{number:06}.cbor", record.raw, secret=True)
        try:
            text = bytes(_SUITE.decrypt(sealed, private, _INFO))
        except (InvalidTag, ValueError):
            raise VaultError(
                "the reference is not sealed to this key; the opening is recorded",
                "ask the operator which authority it was sealed for",
            ) from None
        return text.rstrip(b"\x00")[:-1].decode(), self._read(record.raw, records)

    def _reference(self, raw: bytes) -> tuple[bytes, bytes, bytes]:
        known = {operator.hash: operator for operator in self._published.operators}
        try:
            signed = parse(HOLDER, raw, self._published.network)
            expect(signed.body, (ID_LENGTH, BYTES))
            operator = known.get(signed.signer)
            if operator is None:
                raise VaultError(
                    "the export is not by an operator of this authority; nothing was opened",
                    "check the file",
                )
            signed.verify(operator.public, operator.hash)
        except Refused as refusal:
            raise VaultError(
                f"the export does not verify ({refusal}); nothing was opened",
                "ask the operator to export it again",
            ) from refusal
        return signed.hash, signed.body[0], signed.body[1]

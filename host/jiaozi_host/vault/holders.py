"""Who holds a wallet: sealed to the authority's key, kept by the operator, opened on the record.

A reference is sealed with HPKE (RFC 9180, base mode: DHKEM X25519, HKDF-SHA256, ChaCha20-Poly1305)
to a key that serves for nothing else. The operator keeps it beside the wallet's id and cannot read
it; no wallet ever has it. The authority opens one only after it has signed a record of who asked
and why, chained to the record before.

    authority/holders.pem        the key that opens
    authority/openings/*.cbor    the records, numbered from 1: nothing is ever changed or removed
    public/holders.cbor          the key to seal to, signed by the authority
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
"""References are filled up to multiples of this, so that their length says little."""

_RECORD = (UINT, 32, UINT, ID_LENGTH, TEXT, TEXT, 32)
_FIRST = bytes(32)


def key_path(home: Path) -> Path:
    """Where the key that opens references is kept."""
    return home / "authority" / "holders.pem"


def create(
    home: Path, passphrase: str | None, key: SigningKey, me: Certificate, network: int
) -> None:
    """Make the authority's key for references and publish its public half."""
    private = X25519PrivateKey.generate()
    keys.write(key_path(home), private, passphrase)
    public = sign(HOLDERS_KEY, [private.public_key().public_bytes_raw()], key, me.hash, network)
    files.write_new(home / "public" / "holders.cbor", public.raw)


def seal(home: Path, who: str) -> bytes:
    """Seal a reference to a holder, so that only the authority can read it. Raises VaultError."""
    published = Published(home)
    raw = files.read(
        home / "public" / "holders.cbor", "key for holders", "run: jiaozi operator refresh"
    )
    try:
        signed = parse(HOLDERS_KEY, raw, published.network)
        expect(signed.body, (32,))
        signed.verify(published.authority.public, published.authority.hash)
    except Refused as refusal:
        raise VaultError(
            f"the key for holders does not verify ({refusal})", "run: jiaozi operator refresh"
        ) from refusal
    text = who.encode() + b"\x80"
    text += bytes(-len(text) % _BLOCK)
    return bytes(_SUITE.encrypt(text, X25519PublicKey.from_public_bytes(signed.body[0]), _INFO))


def export(
    wallet: bytes, sealed: bytes, key: SigningKey, operator: Certificate, network: int
) -> bytes:
    """What an operator hands to the authority to have a reference opened: its word for whose."""
    return sign(HOLDER, [wallet, sealed], key, operator.hash, network).raw


@dataclass(frozen=True)
class Opening:
    """A record: `who` had the reference of `wallet` opened in `epoch`, and why.

    reference: hash of what the operator had handed over; hash: of the record itself.
    """

    number: int
    epoch: int
    wallet: bytes
    who: str
    why: str
    reference: bytes
    hash: bytes


class Openings:
    """The authority's records of what it has opened."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = home / "authority" / "openings"
        self._published = Published(home)

    def read(self) -> list[Opening]:
        """All records, each verified and chained. Raises VaultError for any that is not right."""
        found: list[Opening] = []
        for path in sorted(self._folder.glob("*.cbor")):
            try:
                found.append(self._read(path.read_bytes(), found))
            except Refused as refusal:
                raise VaultError(
                    f"the record of openings was tampered with at {path.name} ({refusal})",
                    "restore it from its backup, and find out who did it",
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
                f"the record of openings lacks what comes before number {number}",
                "restore it from its backup, and find out who did it",
            )
        return Opening(number, epoch, wallet, who, why, reference, signed.hash)

    def open(
        self, raw: bytes, who: str, why: str, key: SigningKey, passphrase: str | None
    ) -> tuple[str, Opening]:
        """Open what an operator has exported; return the reference, and the record left first.

        who: the officer or court that asks; why: the warrant. Raises VaultError.
        """
        if not who.strip() or not why.strip():
            raise VaultError("nobody asks, or for no reason", "say who asks and why")
        reference, wallet, sealed = self._reference(raw)
        private = keys.read(key_path(self._home), passphrase, "restore it from its backup")
        if not isinstance(private, X25519PrivateKey):
            raise VaultError(f"{key_path(self._home)} is another kind of key", "restore the file")
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
                "the reference does not open", "ask the operator whether it was sealed to this key"
            ) from None
        return text.rstrip(b"\x00")[:-1].decode(), self._read(record.raw, records)

    def _reference(self, raw: bytes) -> tuple[bytes, bytes, bytes]:
        known = {operator.hash: operator for operator in self._published.operators}
        try:
            signed = parse(HOLDER, raw, self._published.network)
            expect(signed.body, (ID_LENGTH, BYTES))
            operator = known.get(signed.signer)
            if operator is None:
                raise VaultError("no operator known here has exported this", "ask who did")
            signed.verify(operator.public, operator.hash)
        except Refused as refusal:
            raise VaultError(
                f"what was exported does not verify ({refusal})", "have it exported again"
            ) from refusal
        return signed.hash, signed.body[0], signed.body[1]

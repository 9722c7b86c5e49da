"""The authority's public folder: its certificate, the operators it certified, the current epoch.

    public/network          "test" or "live"
    public/authority.cbor   the authority's certificate
    public/operators/*.cbor certificates of operators, by id
    public/epoch.cbor       the current epoch
    public/holders.cbor     public key that references to holders are sealed to (`vault.escrow`)

Nothing in it is secret. An operator with its own home has a copy (`jiaozi operator refresh`).
"""

from __future__ import annotations

from pathlib import Path

from jiaozi.wire import certificates, epochs
from jiaozi.wire.cose import AUTHORITY, LIVE, OPERATOR, SELF, TEST
from jiaozi.wire.epochs import Epoch
from jiaozi.wire.errors import Refused
from jiaozi.wire.trust import Trust
from jiaozi_host.errors import VaultError
from jiaozi_host.vault import files

_NETWORKS = {"test": TEST, "live": LIVE}
_REMEDY = "run: jiaozi authority init"


class Published:
    """The verified content of a home's public folder.

    The constructor raises VaultError when the folder is incomplete or does not verify.
    """

    def __init__(self, home: Path) -> None:
        self.folder = home / "public"
        name = files.read(self.folder / "network", "authority", _REMEDY).decode().strip()
        if name not in _NETWORKS:
            raise VaultError(f"{self.folder / 'network'} holds {name!r}", "write test or live")
        self.network = _NETWORKS[name]
        raw = files.read(self.folder / "authority.cbor", "authority", _REMEDY)
        try:
            self.authority = certificates.read(AUTHORITY, raw, self.network)
            self.authority.signed.verify(self.authority.public, SELF)
            self.operators = self._operators()
            self.epoch = self._epoch()
        except Refused as refusal:
            raise VaultError(
                f"{self.folder} does not verify ({refusal})", "restore it from its backup"
            ) from refusal

    def _operators(self) -> list[certificates.Certificate]:
        found = []
        for path in sorted((self.folder / "operators").glob("*.cbor")):
            operator = certificates.read(OPERATOR, path.read_bytes(), self.network)
            operator.signed.verify(self.authority.public, self.authority.hash)
            found.append(operator)
        return found

    def _epoch(self) -> Epoch:
        raw = files.read(self.folder / "epoch.cbor", "epoch", _REMEDY)
        epoch = epochs.read_epoch(raw, self.network)
        epoch.verify(self.authority.public, self.authority.hash)
        return epoch

    @property
    def missing_operators(self) -> frozenset[bytes]:
        """Hashes of certificates that the epoch names as valid and this folder lacks."""
        return frozenset(self.epoch.operators) - {operator.hash for operator in self.operators}

    @property
    def trust(self) -> Trust:
        """Authority and operators, for the verification of wallets' certificates."""
        return Trust(self.authority, self.operators, self.network)


def publish_authority(home: Path, network: str, certificate: bytes) -> None:
    """Write certificate and network of a new authority. Raises VaultError if there is one."""
    network_number(network)
    folder = home / "public"
    files.write_new(folder / "authority.cbor", certificate)
    files.write(folder / "network", network.encode() + b"\n")


def publish_epoch(home: Path, epoch: bytes) -> None:
    """Replace the current epoch."""
    files.write(home / "public" / "epoch.cbor", epoch)


def take_epoch(home: Path, raw: bytes) -> None:
    """Replace the current epoch by a newer one of the same authority, whoever hands it over.

    Raises Refused when it does not verify; an epoch that is not newer is left.
    """
    known = Published(home)
    epoch = epochs.read_epoch(raw, known.network)
    epoch.verify(known.authority.public, known.authority.hash)
    if epoch.number > known.epoch.number:
        publish_epoch(home, epoch.raw)


def publish_operator(home: Path, operator: certificates.Certificate) -> None:
    """Add an operator's certificate."""
    files.write_new(home / "public" / "operators" / f"{operator.id.hex()}.cbor", operator.raw)


def copy_public(source: Path, home: Path) -> None:
    """Copy the public folder of the home `source` into `home`.

    The epoch is written last, as it names operators. Raises VaultError for another authority or an
    older epoch.
    """
    news = Published(source)
    if (home / "public" / "authority.cbor").exists():
        known = Published(home)
        if (known.authority.hash, known.network) != (news.authority.hash, news.network):
            raise VaultError(
                f"{source} belongs to another authority; nothing was copied",
                "name a home of the same authority",
            )
        if news.epoch.number < known.epoch.number:
            raise VaultError(
                f"{source} has epoch {news.epoch.number}, older than {known.epoch.number} here;"
                " nothing was copied",
                "update that home first",
            )
    else:
        name = "live" if news.network == LIVE else "test"
        publish_authority(home, name, news.authority.raw)
    folder = home / "public" / "operators"
    sealing = source / "public" / "holders.cbor"
    if sealing.exists():
        files.write(home / "public" / sealing.name, sealing.read_bytes())
    for operator in news.operators:
        files.write(folder / f"{operator.id.hex()}.cbor", operator.raw)
    publish_epoch(home, news.epoch.raw)


def network_number(name: str) -> int:
    """Return the number of a network in signed objects. Raises VaultError."""
    if name not in _NETWORKS:
        raise VaultError(f"{name!r} is not a network", "choose test or live")
    return _NETWORKS[name]

"""What the authority publishes: its certificate, the operators it has certified, the current epoch.

    public/network          "test" or "live"
    public/authority.cbor   its certificate
    public/operators/*.cbor certificates of operators, by id
    public/epoch.cbor       the current epoch
    public/holders.cbor     the key that references to holders are sealed to (`vault.holders`)

None of it is secret. An operator on another machine gets a copy of this folder.
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
    """The folder `public` of a home. Raises VaultError when it is missing or does not verify."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "public"
        name = files.read(self.folder / "network", "authority", _REMEDY).decode().strip()
        if name not in _NETWORKS:
            raise VaultError(f"{self.folder / 'network'} says {name!r}", "write test or live")
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
    def trust(self) -> Trust:
        """Whom wallets of this authority believe."""
        return Trust(self.authority, self.operators, self.network)


def publish_authority(home: Path, network: str, certificate: bytes) -> None:
    """Write what stays the same for the life of an authority. Raises VaultError when it exists."""
    network_number(network)
    folder = home / "public"
    files.write_new(folder / "authority.cbor", certificate)
    files.write(folder / "network", network.encode() + b"\n")


def publish_epoch(home: Path, epoch: bytes) -> None:
    """Replace the current epoch."""
    files.write(home / "public" / "epoch.cbor", epoch)


def publish_operator(home: Path, operator: certificates.Certificate) -> None:
    """Add an operator's certificate."""
    files.write_new(home / "public" / "operators" / f"{operator.id.hex()}.cbor", operator.raw)


def copy_public(source: Path, home: Path) -> None:
    """Bring a home up to date with what the authority has published in the home `source`.

    The epoch is written last: it names operators. Raises VaultError for another authority, or one
    that has gone back to an older epoch.
    """
    news = Published(source)
    if (home / "public" / "authority.cbor").exists():
        known = Published(home)
        if (known.authority.hash, known.network) != (news.authority.hash, news.network):
            raise VaultError(
                f"{source} has another authority", "copy from a home of the same authority"
            )
        if news.epoch.number < known.epoch.number:
            raise VaultError(
                f"epoch {known.epoch.number} is known, {source} has {news.epoch.number}",
                "bring that home up to date first",
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
    """The number of a network in signed objects. Raises VaultError."""
    if name not in _NETWORKS:
        raise VaultError(f"no such network: {name!r}", "choose test or live")
    return _NETWORKS[name]

"""Files of the vault: replaced atomically, secrets with mode 0600."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from jiaozi_host.errors import VaultError

_SECRET = 0o600
_PUBLIC = 0o644


def write(path: Path, data: bytes, secret: bool = False) -> None:
    """Replace the content of a file atomically and durably. secret: mode 0600 instead of 0644."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), _SECRET if secret else _PUBLIC)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def write_new(path: Path, data: bytes, secret: bool = False) -> None:
    """Write a file that must not exist yet. Raises VaultError."""
    if path.exists():
        raise VaultError(
            f"{path} exists already and was kept", "choose another --home; keys are never replaced"
        )
    write(path, data, secret)


def read(path: Path, what: str, remedy: str) -> bytes:
    """Read a file. Raises VaultError with `remedy` if it is missing; what: noun for its message."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise VaultError(f"there is no {what} in {path.parent}", remedy) from None
    except OSError as error:
        raise VaultError(
            f"cannot read {path}: {error.strerror}", "check its owner and permissions"
        ) from error

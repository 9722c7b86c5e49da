"""Files of the vault: written whole or not at all, secrets readable by their owner only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from jiaozi_host.errors import VaultError

_SECRET = 0o600
_PUBLIC = 0o644


def write(path: Path, data: bytes, secret: bool = False) -> None:
    """Put `data` in place of whatever the file held, in one step that a power cut cannot tear."""
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
    """Write a file that must not be there yet. Raises VaultError."""
    if path.exists():
        raise VaultError(f"{path} exists already", "choose another --home; keys are never replaced")
    write(path, data, secret)


def read(path: Path, what: str, remedy: str) -> bytes:
    """Read a file. Raises VaultError that says `what` is missing."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise VaultError(f"no {what} in {path.parent}", remedy) from None
    except OSError as error:
        raise VaultError(f"cannot read {path}: {error.strerror}", "check who owns it") from error

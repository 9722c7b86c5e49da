"""Firmware images with a fault in them, built from a copy of the sources.

The copy is in build/seeded/tree and shares upstream's sources and mpy-cross with the tree; only the
changed files are frozen again, so that an image takes two seconds. Without a fault the copy gives
the release image, bit for bit.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.faults.seeded.faults import Fault

ROOT = Path(__file__).parents[3]
BOARD = "visual_card"
RELEASE = ROOT / "build" / "firmware" / BOARD / "firmware.elf"
_BUILD_SECONDS = 600
_COPIED = ("firmware", "boards", "protocol/jiaozi")
_SHARED = ("upstream", "mpy-cross")


class BuildFailed(Exception):
    """An image could not be built; the text is the build's output."""


class Workshop:
    """Builds images under `home`, from a copy that it updates first."""

    def __init__(self, home: Path) -> None:
        self._tree, self._images = home / "tree", home / "images"
        self._images.mkdir(parents=True, exist_ok=True)
        for name in _COPIED:
            self._copy(name)
        (self._tree / "build").mkdir(exist_ok=True)
        for name in _SHARED:
            link = self._tree / "build" / name
            if not link.is_symlink():
                link.symlink_to(ROOT / "build" / name)

    def _copy(self, name: str) -> None:
        sources = {
            path.relative_to(ROOT)
            for path in (ROOT / name).rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }
        for copied in list((self._tree / name).rglob("*")):
            if copied.is_file() and copied.relative_to(self._tree) not in sources:
                copied.unlink()
        for path in sorted(sources):
            self._write(str(path), (ROOT / path).read_bytes())

    def _write(self, name: str, content: bytes) -> None:
        """Update one file of the copy; an equal file keeps its date."""
        target = self._tree / name
        if target.is_file() and target.read_bytes() == content:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        shutil.copymode(ROOT / name, target)

    def build(self, fault: Fault | None) -> Path:
        """Build the image with a fault, or without any. Raises NotSeeded, BuildFailed."""
        seeded = {} if fault is None else fault.seed(_source)
        for name, text in seeded.items():
            self._write(name, text.encode())
        try:
            self._make()
        finally:
            for name in seeded:
                self._write(name, (ROOT / name).read_bytes())
        built = self._tree / "build" / "firmware" / BOARD / "firmware.elf"
        kept = self._images / f"{'control' if fault is None else fault.name}.elf"
        return Path(shutil.copy(built, kept))

    def _make(self) -> None:
        jobs = f"-j{os.cpu_count() or 1}"
        command = ["make", jobs, "-C", str(self._tree / "firmware"), f"BOARD={BOARD}"]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False
        )
        if done.returncode:
            raise BuildFailed(done.stdout[-2000:] + done.stderr[-2000:])


def _source(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")

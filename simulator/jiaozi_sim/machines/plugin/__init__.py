"""Builds the TCG plugin `marks.c` on demand; the result goes to `build/simulator/`."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from jiaozi_sim.machines.base import MachineError

SOURCE = Path(__file__).with_name("marks.c")
BUILD_DIRECTORY = Path(__file__).parents[4] / "build" / "simulator"


def marks_plugin() -> Path:
    """The plugin as a shared object, compiled once per content of its source.

    Raises:
        MachineError: there is no C compiler, or it refused the source.
    """
    source = SOURCE.read_bytes()
    target = BUILD_DIRECTORY / f"marks-{hashlib.sha256(source).hexdigest()[:12]}.so"
    if target.exists():
        return target
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise MachineError("no C compiler to build the QEMU plugin with (install gcc, or set CC)")
    BUILD_DIRECTORY.mkdir(parents=True, exist_ok=True)
    # Two test runs may build at the same time: each writes its own file and renames it.
    mine = target.with_suffix(f".{os.getpid()}")
    command = [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    built = subprocess.run(
        [*command, "-o", str(mine), str(SOURCE)], capture_output=True, text=True, check=False
    )
    if built.returncode:
        raise MachineError(f"building {SOURCE.name} failed:\n{built.stderr}")
    mine.replace(target)
    return target

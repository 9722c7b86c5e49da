"""Build the engines' C code on demand, into `build/simulator/`."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from jiaozi_sim.machines.base import MachineError

SOURCES = Path(__file__).parent
BUILD_DIRECTORY = Path(__file__).parents[4] / "build" / "simulator"


def built(name: str) -> Path:
    """Return a source of this folder as a shared object, compiled once per content.

    Raises:
        MachineError: there is no C compiler, or it failed.
    """
    source = SOURCES / f"{name}.c"
    headers = sorted(SOURCES.glob("*.h"))
    content = b"".join(file.read_bytes() for file in (source, *headers))
    target = BUILD_DIRECTORY / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}.so"
    if target.exists():
        return target
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise MachineError("no C compiler for the engines (install gcc, or set CC)")
    BUILD_DIRECTORY.mkdir(parents=True, exist_ok=True)
    # Test runs may build at the same time: each writes its own file and renames it.
    mine = target.with_suffix(f".{os.getpid()}")
    command = [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    done = subprocess.run(
        [*command, "-o", str(mine), str(source)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MachineError(f"building {source.name} failed:\n{done.stderr}")
    mine.replace(target)
    return target

"""The QEMU engine: `qemu-system-arm -M mps2-an386`, one process per wallet (see process.py).

* The memory file is the board's PSRAM.
* A TCG plugin counts instructions and phase marks and cuts the power at a chosen NVM store.
* No semihosting, no monitor, no network.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from jiaozi_sim.machines.base import (
    MARK_WORD,
    NVM_BASE,
    NVM_SIZE,
    MachineError,
    SnapshotRefused,
)
from jiaozi_sim.machines.plugin import built
from jiaozi_sim.machines.process import PSRAM_SIZE, UARTS, ProcessMachine


class QemuMachine(ProcessMachine):
    """One emulated board on QEMU."""

    def __init__(self, elf: Path, directory: Path, uarts: Mapping[str, int], seed: bytes) -> None:
        # QEMU's options separate fields by commas.
        if "," in str(directory):
            raise MachineError(f"the directory name {directory} has a comma in it")
        super().__init__(elf, directory, uarts, seed)

    def _command(self, wire_fds: Mapping[str, int]) -> list[str]:
        qemu = shutil.which("qemu-system-arm")
        if qemu is None:
            raise MachineError("qemu-system-arm is not installed")
        psram = f"memory-backend-file,id=psram,size={PSRAM_SIZE},mem-path={self._memory},share=on"
        plugin = (
            f"{built('marks')},page={self.counter_path},ram={self._memory},"
            f"ram_base={NVM_BASE:#x},nvm_size={NVM_SIZE:#x},mark={MARK_WORD:#x}"
        )
        command = [qemu, "-machine", "mps2-an386,memory-backend=psram", "-object", psram]
        command += ["-nodefaults", "-display", "none", "-monitor", "none", "-nic", "none"]
        serial = ["null"] * UARTS
        for role, fd in wire_fds.items():
            number = self._uarts[role]
            command += ["-chardev", f"socket,id=uart{number},fd={fd}"]
            serial[number] = f"chardev:uart{number}"
        for backend in serial:
            command += ["-serial", backend]
        return [*command, "-plugin", plugin, "-kernel", str(self._elf)]

    def snapshot(self) -> object:
        raise SnapshotRefused("QEMU runs without snapshots here; use the Unicorn engine")

    def restore(self, snapshot: object) -> None:
        raise SnapshotRefused("QEMU runs without snapshots here; use the Unicorn engine")

"""Robot library: the keywords and monitor commands of Renode that the suites use, run on QEMU.

It executes the `.resc` files themselves and rejects every other command, so a misspelt command,
variable or path fails as it would in Renode. It does not test Renode's models and hooks.
"""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from pausable_machine import PausableMachine  # noqa: E402

from jiaozi_sim.machines.renode import WIRES, key_file  # noqa: E402


class MonitorRefuses(Exception):
    """Renode's monitor would reject the command."""

    ROBOT_SUPPRESS_NAME = True


class RenodeOnQemu:
    """Renode's keywords."""

    ROBOT_LIBRARY_SCOPE = "GLOBAL"

    def __init__(self) -> None:
        self._machines: dict[str, PausableMachine] = {}
        self._periods: dict[str, tuple[Path, Path]] = {}
        self._since: dict[str, float] = {}
        self._variables: dict[str, str] = {}
        self._macros: dict[str, list[str]] = {}
        self._current: str | None = None
        self._started = False
        self._hubs: set[str] = set()

    # -- Renode's keywords -------------------------------------------------------------------------

    def setup(self) -> None:
        """Renode's suite set-up."""

    def teardown(self) -> None:
        """Renode's suite tear-down."""
        self.reset_emulation()

    def test_teardown(self) -> None:
        """Renode's test tear-down."""
        self.reset_emulation()

    def reset_emulation(self) -> None:
        """Start with an emulation without machines."""
        for machine in self._machines.values():
            machine.close()
        self.__init__()  # type: ignore[misc]

    def start_emulation(self) -> None:
        """Let time run."""
        self.execute_command("start")

    def execute_command(self, command: str) -> str:
        """Execute one line of the monitor."""
        line = command.strip()
        if not line or line.startswith(("#", ":")):
            return ""
        if assigned := re.fullmatch(r"\$(\w+)(\??=)(.+)", line):
            name, how, value = assigned.groups()
            if how == "=" or self._variable(name) is None:
                scope = f"{self._current}." if self._current else "global."
                self._variables[scope + name] = self._expanded(value)
            return ""
        # A path may have escaped spaces; strings are quoted.
        words = shlex.split(self._expanded(line))
        for length in (3, 2, 1):
            key = "_".join(words[:length]).replace(".", "_").lower()
            if (act := getattr(self, f"do_{key}", None)) and words[:length]:
                return str(act(*words[length:]) or "")
        raise MonitorRefuses(f"no such command: {command}")

    def _variable(self, name: str) -> str | None:
        for scope in (f"{self._current}.", "global."):
            if scope + name in self._variables:
                return self._variables[scope + name]
        return None

    def _expanded(self, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            found = self._variable(match[1])
            if found is None:
                raise MonitorRefuses(f"no such variable: ${match[1]}")
            return found

        return re.sub(r"\$(\w+)", value, text)

    def _machine(self) -> PausableMachine:
        if self._current is None:
            raise MonitorRefuses("no machine is set")
        return self._machines[self._current]

    @staticmethod
    def _file(path: str) -> Path:
        if not path.startswith("@") or not Path(path[1:]).exists():
            raise MonitorRefuses(f"no such file: {path}")
        return Path(path[1:])

    # -- commands of the monitor -------------------------------------------------------------------

    def do_include(self, path: str) -> None:
        file = self._file(path)
        if file.suffix == ".py":
            return
        before = self._variables.get("global.ORIGIN")
        self._variables["global.ORIGIN"] = "@" + str(file.parent).replace(" ", "\\ ")
        lines = iter(file.read_text().splitlines())
        for line in lines:
            if macro := re.fullmatch(r"macro (\w+)", line):
                self._read_macro(macro[1], lines)
            else:
                self.execute_command(line)
        if before is not None:
            self._variables["global.ORIGIN"] = before

    def _read_macro(self, name: str, lines: object) -> None:
        text = [next(lines)]  # type: ignore[call-overload]
        while text.count('"""') < 2:
            text.append(next(lines))  # type: ignore[call-overload]
        self._macros[f"{self._current}.{name}"] = text[1:-1]
        self._variables[f"{self._current}.{name}"] = name

    def do_runmacro(self, name: str) -> None:
        for line in self._macros[f"{self._current}.{name}"]:
            self.execute_command(line)

    def do_mach_clear(self) -> None:
        self._current = None

    def do_mach_set(self, name: str) -> None:
        if name not in self._machines:
            raise MonitorRefuses(f"machine {name} not found")
        self._current = name

    def do_mach_create(self, name: str) -> None:
        self._current = name
        self._since[name] = time.monotonic()

    def do_machine_loadplatformdescription(self, path: str) -> None:
        self._file(path)

    def do_sysbus_loadelf(self, path: str) -> None:
        directory = Path(tempfile.mkdtemp(prefix="on_qemu-"))
        name = self._current or ""
        self._machines[name] = PausableMachine(self._file(path), directory, WIRES)

    def do_sysbus_loadbinary(self, path: str, address: str) -> None:
        if int(address, 0) != 0x21020000:
            raise MonitorRefuses(f"nothing is loaded to {address} here")
        self._machine().boot_page = self._file(path)

    def do_sysbus_cpu_vectortableoffset(self, offset: str) -> None:
        if int(offset, 0):
            raise MonitorRefuses("the vector table lies at 0")

    def do_sysbus_cpu_pc(self) -> str:
        return "0x0"

    def do_sysbus_cpu_ishalted(self) -> str:
        return "False"

    def do_sysbus_cpu_executedinstructions(self) -> str:
        return f"0x{self._machine().instructions().instructions:016X}"

    def do_sysbus_ram_zeroall(self) -> None:
        self._machine()

    def do_machine_reset(self) -> None:
        machine = self._machine()
        if machine.running and not machine.paused:
            machine.reset()
        else:
            machine.cut_power()

    def do_machine_elapsedvirtualtime(self) -> str:
        seconds = time.monotonic() - self._since[str(self._current)]
        return f"Elapsed Virtual Time: 00:00:{seconds:09.6f}"

    def do_emulation_createuarthub(self, name: str) -> None:
        self._hubs.add(name)

    def do_connector_connect(self, uart: str, hub: str) -> None:
        if not re.fullmatch(r"sysbus\.uart[0-4]", uart) or hub not in self._hubs:
            raise MonitorRefuses(f"cannot connect {uart} to {hub}")

    def do_emulation_isstarted(self) -> str:
        cut = any(not m.running and m.boots for m in self._machines.values())
        return str(self._started and not cut)

    def do_emulation_gettimesourceinfo(self) -> str:
        return "on QEMU"

    def do_emulation_runfor(self, seconds: str) -> None:
        self.do_start()
        time.sleep(float(seconds))
        self.do_pause()

    def do_start(self) -> None:
        for name, machine in self._machines.items():
            machine.go(self._periods[name][0])
        self._started = True

    def do_pause(self) -> None:
        for machine in self._machines.values():
            machine.pause()
        self._started = False

    # -- commands of simulator/renode/probe.py -----------------------------------------------------

    def do_jiaozi_wire(self, role: str, uart: str, port: str) -> None:
        if uart != f"uart{WIRES[role]}":
            raise MonitorRefuses(f"{role} is not {uart}")
        self._machine().serve(role, int(port))

    def do_jiaozi_watch(self, counters: str, nvm: str) -> None:
        self._periods[str(self._current)] = (self._file(counters), self._file(nvm))

    def do_jiaozi_unwatch(self) -> None:
        self._machine()

    def do_jiaozi_refresh(self) -> None:
        self._machine()

    def do_jiaozi_cut(self, count: str) -> None:
        self._machine().cut_after_stores(int(count) or None)

    def do_jiaozi_erase_nvm(self) -> None:
        if self._current is None:  # a new machine's NVM is erased
            raise MonitorRefuses("no machine is set")

    def do_jiaozi_save_nvm(self, path: str) -> None:
        file = Path(path[1:])
        file.write_bytes(self._machine().read_nvm())
        key_file(file).write_bytes(self._machine().read_key_page())

"""Renode's files agree with the firmware, the simulator and each other; Renode is not needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from jiaozi_sim.board import load_board
from jiaozi_sim.machines import base
from jiaozi_sim.machines.marks import Mark
from jiaozi_sim.machines.renode import WIRES
from jiaozi_sim.machines.unicorn_state import UART_AT
from tests.fixtures.renode_platform import BOARDS, ROOT, Platform, generated, number

TARGET = ROOT / "firmware" / "targets" / "emulated"


NATIVE_UARTS = ROOT / "simulator" / "jiaozi_sim" / "machines" / "plugin" / "uarts.h"
SUITES = sorted((ROOT / "tests" / "renode").glob("*.robot"))
SCRIPTS = [generated(board, "resc") for board in BOARDS]
SCRIPTS += sorted((ROOT / "simulator" / "renode").glob("*.resc"))
# Models of Renode 1.15 and 1.16, with the properties and connections used here.
MODELS = {
    "IRQControllers.NVIC": {"priorityMask", "systickFrequency", "IRQ"},
    "CPU.CortexM": {"cpuType", "nvic", "PerformanceInMips"},
    "Memory.MappedMemory": {"size"},
    "Memory.ArrayMemory": {"size"},
    "UART.CMSDK_APB_UART": {"frequency", "RxInterrupt", "TxInterrupt"},
}
# First words of monitor commands, and devices with the members used.
COMMANDS = {
    "include",
    "macro",
    "mach create",
    "runMacro",
    "machine LoadPlatformDescription",
    "sysbus LoadELF",
    "sysbus LoadBinary",
    "sysbus.cpu VectorTableOffset",
    "emulation CreateUARTHub",
    "connector Connect",
}


@pytest.fixture(params=BOARDS)
def platform(request: pytest.FixtureRequest) -> Platform:
    board = request.param
    return Platform(board, generated(board, "repl").read_text())


def defined(file: Path, name: str) -> int:
    """Read a `#define NAME (value)` of a C file."""
    [found] = re.findall(rf"#define {name} \((\w+?)u?\)", file.read_text())
    return number(found)


def test_models_and_their_properties_exist(platform: Platform) -> None:
    for name, model in platform.models.items():
        assert set(platform.properties[name]) <= MODELS[model], name
    for properties in platform.properties.values():
        for key, value in properties.items():
            if "@" in value:
                assert value.split("@")[0] in platform.models, (key, value)


def test_uarts_are_those_of_the_firmware(platform: Platform) -> None:
    addresses = re.findall(r"\(cmsdk_uart_t \*\)(0x\w+)", (TARGET / "uart.c").read_text())
    [mask] = re.findall(r"#define UART_INTERRUPTS (.+)", (TARGET / "startup.c").read_text())
    interrupts = [int(bit) for bit in re.findall(r"<< (\d+)", mask)]
    assert len(addresses) == len(interrupts) == len(WIRES)
    for n, (address, interrupt) in enumerate(zip(addresses, interrupts, strict=True)):
        uart = platform.properties[f"uart{n}"]
        assert platform.addresses[f"uart{n}"] == number(address)
        assert uart["RxInterrupt"] == f"nvic@{interrupt}"
        assert uart["TxInterrupt"] == f"nvic@{interrupt + 1}"


def test_the_core_is_where_the_port_looks_for_it(platform: Platform) -> None:
    """SysTick, NVIC and SCB are in the first kilobytes of the interrupt controller's page."""
    [nvic] = [at for name, at in platform.addresses.items() if name == "nvic"]
    registers = (TARGET / "registers.h").read_text()
    found = {int(at, 16) for at in re.findall(r"JZ_REGISTER\((0xE\w+)\)", registers)}
    assert {at & ~0xFFF for at in found} == {nvic}


def test_unicorns_plugin_has_the_same_uarts() -> None:
    [pages] = re.findall(r"numbers\[\] = \{([-\d, ]+)\}", NATIVE_UARTS.read_text())
    numbers = [int(number) for number in pages.split(",")]
    assert {n: numbers.index(n) << 12 for n in range(len(UART_AT))} == dict(enumerate(UART_AT))


def test_the_marks_that_suites_wait_for_exist() -> None:
    suites = "".join(suite.read_text() for suite in SUITES)
    suites += (ROOT / "tests" / "renode" / "wallets.resource").read_text()
    named = re.findall(r"(?:Wait For Mark|No Mark Should Come) +\S+ +([A-Z_]+)$", suites, re.M)
    for phases in re.findall(r"^@\{(?:COMPUTING|HEAP_BOUND)\} +(.+)$", suites, re.M):
        named += phases.split()
    assert len(set(named)) > 3
    assert set(named) <= set(Mark.__members__)


def test_one_clock(platform: Platform) -> None:
    clock = defined(TARGET / "clock.h", "PORT_CORE_HZ")
    assert number(platform.properties["nvic"]["systickFrequency"]) == clock
    assert number(platform.properties["cpu"]["PerformanceInMips"]) * 1_000_000 == clock
    for n in range(len(WIRES)):
        assert number(platform.properties[f"uart{n}"]["frequency"]) == clock


def test_wires_are_those_of_every_board() -> None:
    for board in BOARDS:
        assert load_board(board).uarts == WIRES


# -- scripts --------------------------------------------------------------------------------------


def commands_of_the_probe() -> set[str]:
    probe = (ROOT / "simulator" / "renode" / "probe.py").read_text()
    return set(re.findall(r"^def mc_(jiaozi_\w+)", probe, re.M))


def check_script(script: Path, text: str) -> None:
    """Raise AssertionError for an unknown name."""
    given = {"ORIGIN": str(script.parent)}
    hubs = set()
    lines = text.splitlines()
    assert lines[0].startswith(":name:")
    for line in lines:
        if not line.strip() or line.startswith((":", "#", '"""')):
            continue
        for variable in re.findall(r"\$(\w+)", line.split("?=")[-1]):
            assert variable in given or variable in ("reset",), line
        if assigned := re.fullmatch(r"\$([a-z_]+)\?=(\S+)", line):
            given[assigned[1]] = assigned[2]
            path = assigned[2]
        else:
            words = line.split()
            check_command(line.strip(), words, hubs)
            path = words[-1]
        if path.startswith("$ORIGIN/") and "/build/" not in path:
            assert (script.parent / path.removeprefix("$ORIGIN/")).is_file(), line


def check_command(line: str, words: list[str], hubs: set[str]) -> None:
    if words[0].startswith("jiaozi_"):
        assert words[0] in commands_of_the_probe(), line
        if words[0] != "jiaozi_wire":
            return
        role, uart = words[1].strip('"'), words[2].strip('"')
        assert uart == f"uart{WIRES[role]}", line
        assert words[3].endswith(f"{role}_port"), line
        return
    assert " ".join(words[:2]) in COMMANDS or words[0] in COMMANDS, line
    if words[1] == "CreateUARTHub":
        hubs.add(words[2].strip('"'))
    if words[1] == "Connect":
        assert re.fullmatch(r"sysbus\.uart[0-4]", words[2]), line
        assert words[3] in hubs, line


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_refer_to_what_exists(script: Path) -> None:
    text = script.read_text()
    check_script(script, text)
    machines = text.count("mach create")
    assert text.count('"uart3"') + text.count("sysbus.uart3") == machines
    assert text.count("sysbus LoadBinary") == machines
    assert text.count(".repl\njiaozi_erase_nvm") + text.count("board\njiaozi_erase_nvm") == machines
    assert set(re.findall(r"LoadBinary \S+ (0x\w+)", text)) == {f"0x{base.BOOT_PAGE:08x}"}


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ('"uart0"', '"uart1"'),
        ("jiaozi_wire", "jiaozi_wires"),
        ("$host_port\n", "$hots_port\n"),
        ("/probe.py", "/prob.py"),
        ("sysbus LoadELF", "sysbus LoadElf"),
        ("VectorTableOffset", "VectorOffset"),
        ("visual_card.repl", "visible_card.repl"),
    ],
)
def test_a_slip_in_a_script_is_found(good: str, bad: str) -> None:
    script = SCRIPTS[0]
    text = script.read_text()
    assert good in text
    with pytest.raises((AssertionError, KeyError)):
        check_script(script, text.replace(good, bad))


# -- suites ---------------------------------------------------------------------------------------


def dry_run(suites: list[Path], directory: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "tests" / "renode" / "on_qemu" / "run_suites.py"
    command = [sys.executable, str(script), "--dryrun", "--output", str(directory)]
    command += [str(suite) for suite in suites]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def test_there_is_a_suite_for_each_thing() -> None:
    names = {suite.stem for suite in SUITES}
    assert names == {"boot", "provisioning", "tap", "power_cut", "pin", "display", "time"}


def test_every_keyword_of_the_suites_exists(tmp_path: Path) -> None:
    done = dry_run(SUITES, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"\b[1-9]\d* tests?, \d+ passed, 0 failed", done.stdout)) == len(SUITES)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("    Provision    alice", "    Provisions    alice"),
        ("Balance Should Be    alice    12.34", "Balance Should Be    alice"),
        ("wallets.resource", "wallet.resource"),
        ("Suite Setup       Set Up The Suite", "Suite Setup       Set Up A Suite"),
    ],
)
def test_a_slip_in_a_suite_is_found(good: str, bad: str, tmp_path: Path) -> None:
    text = (ROOT / "tests" / "renode" / "provisioning.robot").read_text()
    assert good in text
    text = text.replace(good, bad).replace("${CURDIR}", str(ROOT / "tests" / "renode"))
    slipped = tmp_path / "slipped.robot"
    slipped.write_text(text)
    done = dry_run([slipped], tmp_path)
    assert done.returncode != 0
    assert "FAIL" in done.stdout + done.stderr


def test_every_file_and_monitor_command_of_the_keywords_exists() -> None:
    resource = (ROOT / "tests" / "renode" / "wallets.resource").read_text()
    suites = "".join(suite.read_text() for suite in SUITES)
    commands = re.findall(r"\bjiaozi_\w+", resource + suites)
    assert set(commands) <= commands_of_the_probe()
    for script in re.findall(r"\b(\w+\.resc)\b", suites + resource):
        assert (ROOT / "simulator" / "renode" / script).is_file()
    uarts = re.findall(r"sysbus\.(\w+)", resource + suites)
    text = generated("visual_card", "repl").read_text()
    platform = Platform("visual_card", text)
    assert set(uarts) <= set(platform.models)


def test_every_keyword_is_documented() -> None:
    resource = (ROOT / "tests" / "renode" / "wallets.resource").read_text()
    keywords = resource.split("*** Keywords ***")[1]
    names = re.findall(r"^(\S.*)$", keywords, re.M)
    assert len(names) == keywords.count("[Documentation]")

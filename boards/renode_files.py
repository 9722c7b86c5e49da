"""Renode's files of an emulated board: the platform description and a script for one wallet."""

from __future__ import annotations

from jiaozi_sim.board import Board
from jiaozi_sim.machines.base import (
    BOOT_PAGE,
    BOOT_PAGE_SIZE,
    CORE_HZ,
    KEY_PAGE,
    KEY_PAGE_SIZE,
    MARK_PAGE_SIZE,
    MARK_WORD,
    NVM_BASE,
    NVM_SIZE,
    RAM_BASE,
    RAM_SIZE,
    ROM_SIZE,
    UART_ADDRESSES,
)

# The receive interrupt of each UART on MPS2-AN386; the transmit interrupt is the next one.
INTERRUPTS = (0, 2, 4, 18, 20)
FIRST_PORT = 34560


def platform(board: Board, origin: str) -> str:
    """Render the `.repl`: the parts of QEMU's machine mps2-an386 that the firmware uses."""
    head = f"""\
// {origin}
// What the firmware uses of {board.target.emulated.machine}.

nvic: IRQControllers.NVIC @ sysbus 0xE000E000
    priorityMask: 0xE0
    systickFrequency: {CORE_HZ}
    IRQ -> cpu@0

// One instruction a SysTick count.
cpu: CPU.CortexM @ sysbus
    cpuType: "cortex-m4f"
    nvic: nvic
    PerformanceInMips: {CORE_HZ // 1_000_000}

rom: Memory.MappedMemory @ sysbus 0x00000000
    size: {ROM_SIZE:#x}

ram: Memory.MappedMemory @ sysbus 0x{RAM_BASE:X}
    size: {RAM_SIZE:#x}

// Byte by byte on the bus instead of mapped, so that a hook sees every store. Erased by a script.
nvm: Memory.ArrayMemory @ sysbus 0x{NVM_BASE:X}
    size: {NVM_SIZE:#x}

// Seeded randomness, filled in before each start; not part of the NVM.
boot: Memory.MappedMemory @ sysbus 0x{BOOT_PAGE:X}
    size: {BOOT_PAGE_SIZE:#x}

// Phase marks: +0 phase, +4 address of the NVM page being erased.
marks: Memory.ArrayMemory @ sysbus 0x{MARK_WORD:X}
    size: {MARK_PAGE_SIZE:#x}

// The device key, a page of the microcontroller: saved and loaded with the NVM, not part of it.
key: Memory.MappedMemory @ sysbus 0x{KEY_PAGE:X}
    size: {KEY_PAGE_SIZE:#x}
"""
    return head + "".join(_uart(number) for number in range(len(UART_ADDRESSES)))


def _uart(number: int) -> str:
    return f"""
uart{number}: UART.CMSDK_APB_UART @ sysbus 0x{UART_ADDRESSES[number]:X}
    frequency: {CORE_HZ}
    RxInterrupt -> nvic@{INTERRUPTS[number]}
    TxInterrupt -> nvic@{INTERRUPTS[number] + 1}
"""


def script(board: Board, origin: str) -> str:
    """Render the `.resc`: one wallet with its UARTs on TCP sockets."""
    uarts = sorted(board.uarts.items(), key=lambda role_and_number: role_and_number[1])
    ports = "\n".join(f"${role}_port?={FIRST_PORT + number}" for role, number in uarts)
    wires = "\n".join(f'jiaozi_wire "{role}" "uart{number}" ${role}_port' for role, number in uarts)
    return f"""\
:name: Jiaozi {board.name}
:description: One wallet with its UARTs on TCP sockets; `start` applies power.

# {origin}
# Set any of these before including this file. The boot page is what the simulator writes before
# each start (jiaozi_sim.machines.base.boot_page); without one the firmware stops: no randomness.
$name?="{board.name}"
$elf?=$ORIGIN/../../../build/firmware/{board.name}/firmware.elf
$boot_page?=$ORIGIN/../../../build/renode/boot_page.bin
{ports}

include $ORIGIN/../../../simulator/renode/probe.py

mach create $name
machine LoadPlatformDescription $ORIGIN/{board.name}.repl
jiaozi_erase_nvm

# Renode keeps memory through a reset and forgets the vector table.
macro reset
\"\"\"
    sysbus.cpu VectorTableOffset 0x0
\"\"\"

sysbus LoadELF $elf
sysbus LoadBinary $boot_page {BOOT_PAGE:#010x}
runMacro $reset

{wires}
"""

"""One opinion on signatures: the host's library, the unix port and the image judge the same inputs.

    python -m tests.fuzz.signatures [--count N] [--image N] [--seed N]

Inputs are the edges of `protocol/tools/edwards.py` and mutations of them. The image's verdict comes
from its own libsodium, called on an emulated Cortex-M4. Writes build/signatures.json; prints the
inputs on which verdicts differ and ends with 1 if there are any.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from elftools.elf.elffile import ELFFile
from unicorn import UC_ARCH_ARM, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
from unicorn.arm_const import (
    UC_ARM_REG_LR,
    UC_ARM_REG_PC,
    UC_ARM_REG_R0,
    UC_ARM_REG_R1,
    UC_ARM_REG_R2,
    UC_ARM_REG_R3,
    UC_ARM_REG_SP,
    UC_CPU_ARM_CORTEX_M4,
)

from _jzcrypto import ed25519_verify
from jiaozi_sim.lifetime import worker_pool

ROOT = Path(__file__).resolve().parents[2]
UNIX_PORT = ROOT / "build" / "firmware" / "unix" / "micropython"
IMAGE = ROOT / "build" / "firmware" / "visual_card" / "firmware.elf"
REPORT = ROOT / "build" / "signatures.json"
MESSAGE_LENGTH = 40
INPUT_LENGTH = 32 + 64 + MESSAGE_LENGTH

sys.path.append(str(ROOT / "protocol" / "tools"))
import edwards  # noqa: E402


@dataclass(frozen=True)
class Input:
    """A public key, a signature and a message of MESSAGE_LENGTH bytes."""

    public: bytes
    signature: bytes
    message: bytes

    @property
    def raw(self) -> bytes:
        return self.public + self.signature + self.message


def inputs(count: int, seed: int) -> Iterator[Input]:
    """All edges with keys of their own, then as many mutations of them, until there are `count`."""
    rng = random.Random(seed)
    while count > 0:
        message = rng.randbytes(MESSAGE_LENGTH)
        secret, nonce = rng.randrange(edwards.ORDER), rng.randrange(edwards.ORDER)
        edges = [
            Input(edge.public, edge.signature, message)
            for edge in edwards.edges(message, secret, nonce)
        ]
        more = edges + [_mutated(rng, edge) for edge in edges]
        yield from more[:count]
        count -= len(more)


def _mutated(rng: random.Random, base: Input) -> Input:
    """`base` with one to three bytes or bits changed, or a part taken from nothing."""
    raw = bytearray(base.raw)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(INPUT_LENGTH)
        raw[at] = rng.choice((raw[at] ^ 1 << rng.randrange(8), 0, 0xFF, rng.randrange(256)))
    return Input(bytes(raw[:32]), bytes(raw[32:96]), bytes(raw[96:]))


def by_host(cases: list[Input]) -> list[bool]:
    """Verdicts of the host's library."""
    return [ed25519_verify(case.public, case.message, case.signature) for case in cases]


_SCRIPT = """
import sys
from _jzcrypto import ed25519_verify
with open(sys.argv[1], "rb") as file:
    while True:
        raw = file.read({length})
        if not raw:
            break
        print(int(ed25519_verify(raw[:32], raw[96:], raw[32:96])), end="")
"""


def by_unix_port(cases: list[Input], folder: Path) -> list[bool]:
    """Verdicts of the C module in MicroPython's unix port. folder: for its input."""
    data, script = folder / "signatures.bin", folder / "judge.py"
    data.write_bytes(b"".join(case.raw for case in cases))
    script.write_text(_SCRIPT.format(length=INPUT_LENGTH), "utf-8")
    command = [str(UNIX_PORT), str(script), str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [digit == "1" for digit in done.stdout]


class ImageVerifier:
    """`crypto_sign_ed25519_verify_detached` of a firmware image, called on a Cortex-M4."""

    _RAM, _RAM_SIZE = 0x2000_0000, 0x40_000
    _END = 0x00F0_0000  # where the function returns to: nothing is mapped there

    def __init__(self, elf: Path) -> None:
        self._uc = uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M4)
        uc.mem_map(0, 0x40_0000)
        uc.mem_map(self._RAM, self._RAM_SIZE)
        uc.mem_map(self._END, 0x1000)
        with elf.open("rb") as file:
            image = ELFFile(file)
            for segment in image.iter_segments("PT_LOAD"):
                uc.mem_write(segment["p_paddr"], segment.data())
            symbols = image.get_section_by_name(".symtab")
            found = symbols.get_symbol_by_name("crypto_sign_ed25519_verify_detached")
            self._function = found[0]["st_value"]

    def verify(self, case: Input) -> bool:
        """The image's verdict."""
        uc, at = self._uc, self._RAM + self._RAM_SIZE - 0x400
        uc.mem_write(at, case.raw)
        stack = at - 0x100
        uc.mem_write(stack, at.to_bytes(4, "little"))  # the fourth argument: the public key
        for register, value in (
            (UC_ARM_REG_R0, at + 32),
            (UC_ARM_REG_R1, at + 96),
            (UC_ARM_REG_R2, MESSAGE_LENGTH),
            (UC_ARM_REG_R3, 0),
            (UC_ARM_REG_SP, stack),
            (UC_ARM_REG_LR, self._END | 1),
        ):
            uc.reg_write(register, value)
        uc.emu_start(self._function | 1, self._END)
        if uc.reg_read(UC_ARM_REG_PC) != self._END:
            raise RuntimeError("the image did not return")
        return uc.reg_read(UC_ARM_REG_R0) == 0


@cache
def _verifier() -> ImageVerifier:
    return ImageVerifier(IMAGE)


def _chunk(cases: list[Input]) -> list[bool]:
    return [_verifier().verify(case) for case in cases]


def by_image(cases: list[Input], workers: int = 1) -> list[bool]:
    """Verdicts of the image, by as many processes."""
    if workers == 1:
        return _chunk(cases)
    pieces = [cases[at : at + 500] for at in range(0, len(cases), 500)]
    verdicts: list[bool] = []
    with worker_pool(workers) as pool:
        for piece in pool.imap(_chunk, pieces):
            verdicts += piece
            print(f"\rimage: {len(verdicts):,} of {len(cases):,}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return verdicts


def differences(cases: list[Input], verdicts: dict[str, list[bool]]) -> Iterator[str]:
    """A line for each input on which two judges differ; a judge may have seen fewer inputs."""
    for name, found in verdicts.items():
        for case, verdict, expected in zip(cases, found, verdicts["host"], strict=False):
            if verdict != expected:
                yield f"{name} says {verdict}, host {expected}: {case.raw.hex()}"


def main() -> int:
    """Run all three judges and write the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000, help="inputs (default: %(default)s)")
    parser.add_argument("--image", type=int, default=100_000, help="of these, on the image")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    print(f"signatures: {options.count:,} inputs, seed {options.seed}")
    cases = list(inputs(options.count, options.seed))
    with tempfile.TemporaryDirectory() as folder:
        verdicts = {"host": by_host(cases), "unix port": by_unix_port(cases, Path(folder))}
    verdicts["image"] = by_image(cases[: options.image], os.cpu_count() or 1)
    found = list(differences(cases, verdicts))
    report = {
        "seed": options.seed,
        "inputs": {name: len(judged) for name, judged in verdicts.items()},
        "accepted": sum(verdicts["host"]),
        "differences": len(found),
    }
    REPORT.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print("\n".join(found[:10]) or f"signatures: one opinion ({sum(verdicts['host']):,} accepted)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""One fuzzer of `make fuzz`: `python -m tests.fuzz.target doors|wallet CORPUS -runs=N …`.

The options are libFuzzer's. Whatever a target lets out is a crash; libFuzzer keeps the input.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

# Atheris is installed by `make fuzz` alone.
import atheris  # type: ignore[import-not-found]

sys.path.append(str(Path(__file__).parents[2] / "firmware"))


def _doors() -> Callable[[bytes], None]:
    from tests.fuzz.doors import knock_by_bytes

    return knock_by_bytes


def _wallet() -> Callable[[bytes], None]:
    from tests.fuzz.programme import play, wallet_of
    from tests.fuzz.scene import WALLETS
    from tests.fuzz.stage import Stage

    stages = {name: Stage(template) for name, template in WALLETS.items()}

    def attack(data: bytes) -> None:
        stage = stages[wallet_of(data)]
        stage.reset()
        play(stage, data)

    return attack


TARGETS = {"doors": _doors, "wallet": _wallet}


def main() -> None:
    """Fuzz until libFuzzer has done its runs; it ends the process itself."""
    with atheris.instrument_imports(include=["jiaozi", "jiaozi_host", "wallet"]):
        target = TARGETS[sys.argv.pop(1)]()
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""Fuzz targets for atheris (libFuzzer), one a process.

    python -m tests.fuzz.atheris_targets decoders|wallet CORPUS -runs=N …

The options are libFuzzer's. An exception from a target is a crash; libFuzzer keeps the input.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

# Atheris is installed only by `make fuzz`.
import atheris  # type: ignore[import-not-found]

from tests import firmware_path  # noqa: F401  (for `wallet`)


def _decoders() -> Callable[[bytes], None]:
    from tests.fuzz.decoders import decode_chosen

    return decode_chosen


def _wallet() -> Callable[[bytes], None]:
    from tests.fuzz.attack_material import WALLETS
    from tests.fuzz.sequences import play, wallet_of
    from tests.fuzz.wallet_on_cpython import WalletOnCPython

    wallets = {name: WalletOnCPython(template) for name, template in WALLETS.items()}

    def attack(data: bytes) -> None:
        wallet = wallets[wallet_of(data)]
        wallet.reset()
        play(wallet, data)

    return attack


TARGETS = {"decoders": _decoders, "wallet": _wallet}


def main() -> None:
    """Fuzz until libFuzzer has done its runs and ends the process."""
    with atheris.instrument_imports(include=["jiaozi", "jiaozi_host", "wallet"]):
        target = TARGETS[sys.argv.pop(1)]()
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

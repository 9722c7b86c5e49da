"""Import this to make `wallet` importable as on the device, also outside pytest."""

from __future__ import annotations

import sys
from pathlib import Path

_FIRMWARE = str(Path(__file__).parents[1] / "firmware")
if _FIRMWARE not in sys.path:
    sys.path.append(_FIRMWARE)

"""The numbers of the board's wiring: each board's boards/<board>/generated/wiring.py."""

from typing import Any

def __getattr__(name: str) -> Any: ...

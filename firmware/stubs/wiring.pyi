"""The board's wiring numbers, from boards/<board>/generated/wiring.py."""

from typing import Any

def __getattr__(name: str) -> Any: ...

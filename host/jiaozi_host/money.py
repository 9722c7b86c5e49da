"""Amounts of money: text to minor units and back, in integers."""

from __future__ import annotations

import re

from jiaozi_host.errors import HostError

LARGEST = 0x3FFFFFFF
"""The largest amount a message can carry, in minor units (10,737,418.23)."""

_AMOUNT = re.compile(r"(\d{1,9})(?:\.(\d{2}))?")


class BadAmount(HostError):
    """The text is not an amount of money."""

    exit_code = 2
    remedy = "write an amount like 12.50 or 12, at most 10737418.23"


def parse_amount(text: str) -> int:
    """Read "12.50" or "12" as minor units. Raises BadAmount."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise BadAmount(f"{text!r} is not an amount of money")
    amount = int(match[1]) * 100 + int(match[2] or 0)
    if amount > LARGEST:
        raise BadAmount(f"the amount {text} is too large")
    return amount


def parse_positive(text: str) -> int:
    """Read an amount above zero. Raises BadAmount."""
    amount = parse_amount(text)
    if amount == 0:
        raise BadAmount("the amount must be above zero")
    return amount


def format_amount(minor: int) -> str:
    """Write minor units as "1,234.50"."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100:,}.{abs(minor) % 100:02d}"

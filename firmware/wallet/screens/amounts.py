"""Amounts as text."""

from micropython import const

_MINOR = const(100)


def amount(minor: int, signed: bool = False) -> str:
    """Format minor units with two decimals and groups of three: 123456 as "1,234.56".

    signed: put a plus sign before zero and positive amounts.
    """
    sign = "-" if minor < 0 else "+" if signed else ""
    units, rest = divmod(abs(minor), _MINOR)
    text = str(units)
    groups = [text[max(end - 3, 0) : end] for end in range(len(text), 0, -3)]
    groups.reverse()
    return f"{sign}{','.join(groups)}.{rest:02d}"

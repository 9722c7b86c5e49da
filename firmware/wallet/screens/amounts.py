"""Money as people read it."""

from micropython import const

_MINOR = const(100)


def amount(minor: int, signed: bool = False) -> str:
    """Minor units (fen) as units with two decimals and groups of three: 123456 is "1,234.56".

    signed: put a plus before what is not negative.
    """
    sign = "-" if minor < 0 else "+" if signed else ""
    units, rest = divmod(abs(minor), _MINOR)
    text = str(units)
    groups = [text[max(end - 3, 0) : end] for end in range(len(text), 0, -3)]
    groups.reverse()
    return f"{sign}{','.join(groups)}.{rest:02d}"

"""MicroPython's module of the same name, reduced to what shared code needs on CPython."""


def const(value: int) -> int:
    """Return the value; a compile-time constant on MicroPython."""
    return value

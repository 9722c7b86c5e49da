"""MicroPython's module of the same name, as far as code that also runs on CPython needs it."""


def const(value: int) -> int:
    """A compile-time constant on MicroPython."""
    return value

"""This target's side of waiting: phase marks, waiting, collections, reset."""

def mark(phase: int) -> int:
    """Announce what the wallet works on (firmware/include/jz/marks.h); returns the phase before."""

def wait(ms: int) -> bool:
    """Sleep until a byte arrives on a UART or an input pin changes (True), or `ms` passed (False).

    True at once when something arrived since the last wait returned. A negative `ms` never ends.
    """

def gc_count() -> int:
    """How many times the heap was collected since the start."""

def reset() -> None:
    """Start anew, as after a power cycle. Does not return."""

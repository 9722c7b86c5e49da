"""What only this port knows: phase marks, waiting, collections, reset."""

def mark(phase: int) -> int:
    """Announce what the wallet works on from now (firmware/port/marks.h); returns the phase before."""

def wait(ms: int) -> bool:
    """Sleep until a byte arrives on any UART or an input pin changes (True), or `ms` passed (False).

    True at once when something arrived since the last wait returned. A negative `ms` waits for ever.
    """

def gc_count() -> int:
    """How many times the heap was collected since the start."""

def reset() -> None:
    """Start anew, as after a power cycle. Does not return."""

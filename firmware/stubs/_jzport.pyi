"""The target's functions: phase marks, waiting, count of collections, reset."""

def mark(phase: int) -> int:
    """Enter a phase (firmware/include/jz/marks.h); return the previous one."""

def wait(ms: int) -> bool:
    """Sleep until a byte arrives on a UART or an input pin changes (True), or `ms` passed (False).

    Returns True at once if something arrived since the last wait returned. A negative `ms` waits
    forever.
    """

def gc_count() -> int:
    """Return the number of garbage collections since the start."""

def reset() -> None:
    """Restart as after a power cycle. Does not return."""

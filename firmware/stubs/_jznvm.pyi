"""The board's non-volatile memory, with the manners of NOR flash. Offsets and sizes in bytes."""

size: int
page_size: int
"""What `erase` sets to ones."""
program_unit: int
"""What `program` takes multiples of."""

def read(offset: int, length: int) -> bytes:
    """A copy of `length` bytes. Raises ValueError outside the memory."""

def program(offset: int, data: bytes) -> None:
    """Clear bits so that `data` stands at `offset`; both are multiples of `program_unit`.

    Raises ValueError for misuse, OSError(EIO) when a bit would have to rise (nothing is stored) or
    reading back shows something else.
    """

def erase(page_offset: int) -> None:
    """Set one page to 0xFF. Raises ValueError for an offset that is no page's."""

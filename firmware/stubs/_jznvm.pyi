"""The board's non-volatile memory, with the properties of NOR flash. Sizes are in bytes."""

size: int
page_size: int
"""What `erase` sets to ones."""
program_unit: int
"""What `program` takes multiples of."""

def read(offset: int, length: int) -> bytes:
    """Return a copy of `length` bytes. Raises ValueError outside the memory."""

def program(offset: int, data: bytes) -> None:
    """Clear bits to store `data` at `offset`; offset and length are multiples of `program_unit`.

    Raises ValueError for misuse, OSError(EIO) if a bit would have to rise (nothing is stored) or
    the data read back differ.
    """

def erase(page_offset: int) -> None:
    """Set one page to 0xFF. Raises ValueError if `offset` is not the start of a page."""

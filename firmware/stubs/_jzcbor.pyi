"""Deterministic CBOR (RFC 8949, 4.2.1) of a small subset.

Integers of 64 bits, byte strings, text, arrays, maps, False, True and None; an item lies in at most
eight containers.
"""

def dumps(obj: object) -> bytes:
    """Encode: shortest heads, definite lengths, map keys in bytewise order of their encodings.

    Bytes-like objects become byte strings, lists and tuples arrays. Raises TypeError for anything
    outside the subset, ValueError for an integer beyond 64 bits or too deep a nesting.
    """

def loads(data: bytes) -> object:
    """Decode exactly one item.

    Raises ValueError unless `data` is what `dumps` makes of the result.
    """

"""Deterministic CBOR (RFC 8949, 4.2.1) of a small subset.

Integers of 64 bits, byte strings, text, arrays, maps, False, True and None, nested in at most eight
containers.
"""

def dumps(obj: object) -> bytes:
    """Encode: shortest heads, definite lengths, map keys in bytewise order of their encodings.

    Bytes-like objects become byte strings, lists and tuples arrays. Raises TypeError for anything
    outside the subset, ValueError for an integer over 64 bits or nesting too deep.
    """

def loads(data: bytes) -> object:
    """Decode exactly one item.

    Raises ValueError unless `data` is the encoding that `dumps` gives for the result.
    """

"""Deterministic CBOR on CPython, over cbor2; a device has a C module of the same name.

Both accept the same subset: unsigned and negative integers of 64 bits, byte and text strings,
arrays, maps, false, true and null. Arrays and maps nest at most eight deep; a map key is neither an
array nor a map.
"""

import io

import cbor2

_DEEPEST = 8
_LARGEST = 2**64
# What cbor2 raises, including its decoders of tags (decimals, rationals, references).
_UNDECODABLE = (
    cbor2.CBORError,
    TypeError,
    ValueError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
)


def dumps(obj: object) -> bytes:
    """Encode by RFC 8949, 4.2.1 (shortest forms, keys in bytewise order of their encodings).

    Raises TypeError for anything outside the subset, ValueError if nested too deep or too large.
    """
    return cbor2.dumps(_ordered(obj, 0))


def _ordered(obj: object, depth: int) -> object:
    """Return the item with sorted maps, in types for which cbor2 gives the right encoding."""
    if depth > _DEEPEST:
        raise ValueError("nested too deep")
    if isinstance(obj, (list, tuple)):
        return [_ordered(item, depth + 1) for item in obj]
    if isinstance(obj, dict):
        if any(isinstance(key, (tuple, frozenset, cbor2.FrozenDict)) for key in obj):
            raise TypeError("a key is neither array nor map")
        keys = sorted((cbor2.dumps(_ordered(key, depth + 1)), key) for key in obj)
        return {key: _ordered(obj[key], depth + 1) for _, key in keys}
    if isinstance(obj, (bytearray, memoryview)):
        return bytes(obj)
    if obj is not None and not isinstance(obj, (bool, int, bytes, str)):
        raise TypeError(f"cannot encode {type(obj).__name__}")
    if isinstance(obj, int) and not -_LARGEST <= obj < _LARGEST:
        raise ValueError("integer out of range")
    return obj


def loads(data: bytes) -> object:
    """Decode exactly one item in the encoding of `dumps`. Raises ValueError for anything else."""
    raw = bytes(memoryview(data))
    try:
        with io.BytesIO(raw) as stream:
            obj = cbor2.CBORDecoder(stream).decode()
        if dumps(obj) == raw:
            return obj
    except _UNDECODABLE as error:
        raise ValueError("not deterministic CBOR") from error
    raise ValueError("not deterministic CBOR")

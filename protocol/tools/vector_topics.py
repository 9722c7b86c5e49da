"""The files of protocol/vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import vector_reading as reading
import vector_taps as taps
from vector_world import Vector

from jiaozi.book import Book

Scenes = Callable[[], dict[str, Book]]
TOPICS: dict[str, tuple[Callable[[], Iterator[Vector]], Scenes]] = {
    "cbor": (reading.cbor, dict),
    "cose": (reading.signatures, dict),
    "certificate": (reading.wallets, dict),
    "request": (taps.requests, taps.payers),
    "payment": (taps.payments, taps.payees),
    "outcome": (taps.outcomes, taps.payers),
}
"""Files by name: their vectors, and the wallets these start from."""

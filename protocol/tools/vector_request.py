"""Vectors of requests at payers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import vector_world as world
from taps import NAME, OPEN_REQUEST, REQUEST, SIGNER, payers, request_of
from vector_world import OK, Vector, copy, vector

from jiaozi import certificates, errors, payer

scenes = payers


def vectors() -> Iterator[Vector]:
    """Requests at a payer: refused, or answered by one payment, byte for byte."""
    wallets = scenes()
    taker = world.certificate("bob").raw

    def made(
        rule: str, sw: int, note: str, request: bytes, scene: str = "alice", **parts: Any
    ) -> Vector:
        parts = {"certificate": taker, "amount": 500} | parts
        wallet = copy(wallets[scene])
        answer = {}
        if sw == OK:
            order = payer.read_order(wallet, parts["certificate"], request)
            stored = payer.recall(wallet, order)
            if stored is None:
                payer.check(wallet, order, parts["amount"])
                stored = wallet.apply(payer.pay(wallet, order, parts["amount"], True))
            answer = {"answer": stored}
        return vector(rule, "request", sw, note, scene=scene, input=request, **parts, **answer)

    yield made("P1", OK, "as it should be", REQUEST)
    yield made("P1", OK, "an open amount", OPEN_REQUEST, amount=900)
    yield made("P6", OK, "the same request again", REQUEST, "alice who paid")
    own = world.certificate("alice").raw
    yield made("P1", errors.SAME_WALLET, "one's own", request_of("alice"), certificate=own)
    refused: list[tuple[str, int, str, dict]] = [
        ("P1", errors.MALFORMED, "amount and ceiling", {"ceiling": 1}),
        ("P1", errors.MALFORMED, "neither amount nor ceiling", {"amount": 0}),
        ("P1", errors.MALFORMED, "no purses", {"purses": []}),
        ("P1", errors.MALFORMED, "an amount beyond 2^30 - 1", {"amount": 2**30}),
        ("P1", errors.WRONG_CURRENCY, "another currency", {"currency": "USD"}),
        ("P1", errors.PURSE_REFUSED, "other purses", {"purses": [1]}),
        ("P1", errors.AMOUNT_INVALID, "another amount", {"amount": 501}),
        ("P1", errors.AMOUNT_INVALID, "above the ceiling", {"amount": 0, "ceiling": 499}),
        ("P2", errors.WRONG_SIGNER, "another signer is named", {"signer": NAME}),
        ("P2", errors.BAD_SIGNATURE, "not signed by the payee", {"key": SIGNER}),
        ("P3", errors.REQUEST_EXPIRED, "expired", {"expiry": 0}),
        ("P3", errors.SYNC_OVERDUE, "from an epoch too far ahead", {"expiry": 13}),
    ]
    for rule, sw, note, parts in refused:
        yield made(rule, sw, note, request_of(**parts))
    yield made("P3", OK, "as far ahead as may be", request_of(expiry=12))
    late = request_of(expiry=13)
    yield made("P3", errors.SYNC_OVERDUE, "no sync for too long", late, "alice without sync")
    yield made("P2", errors.REVOKED, "the payer is revoked", REQUEST, "alice, revoked")
    foreign = world.certificate("eve", by="foreign")
    note = "the payee's operator has another currency"
    request = request_of(key=world.key_of("eve"), signer=foreign.hash)
    yield made("P2", errors.WRONG_CURRENCY, note, request, certificate=foreign.raw)
    limits = "alice at her limits"
    yield made("P4", OK, "at every limit", REQUEST, limits)
    yield made(
        "P4", errors.OVER_SINGLE, "above one payment", request_of(amount=501), limits, amount=501
    )
    note = "one payment too many"
    yield made("P4", errors.OVER_OFFLINE_COUNT, note, REQUEST, "alice out of limits")
    large = {"amount": 300_001}
    rich = request_of(**large)
    yield made("P4", errors.OVER_BALANCE, "more than there is", rich, **large)
    yield made("P5", errors.OVER_HOPS, "value of level 9", REQUEST, "alice with worn value")
    account = world.certificate("account", certificates.ACCOUNT)
    back = request_of(key=world.key_of("account"), signer=account.hash)
    note = "value of level 9 back to an operator"
    yield made("P5", OK, note, back, "alice with worn value", certificate=account.raw)

"""Vectors of receipts and voids at payers."""

from __future__ import annotations

from collections.abc import Iterator

import vector_world as world
from taps import NAME, SIGNER, payers
from vector_world import OK, Vector, copy, vector

from jiaozi import book, cose, errors, payer

scenes = payers


def vectors() -> Iterator[Vector]:
    """Receipts and voids at a payer, and the state they leave."""
    wallets = scenes()
    paid = wallets["alice who paid"].pending()[0]
    request_hash, payment_hash = paid[book.REQUEST_HASH], paid[book.PAYMENT_HASH]
    bob_hash, bob_key = world.certificate("bob").hash, world.key_of("bob")
    receipt, void = [payment_hash, 0, 1], [request_hash, payment_hash, 0, 1]

    def made(
        rule: str,
        kind: int,
        sw: int,
        note: str,
        body: list,
        key: cose.SigningKey = bob_key,
        signer: bytes = bob_hash,
    ) -> Vector:
        raw = world.forge(kind, body, key, signer)
        wallet = copy(wallets["alice who paid"])
        state = {}
        if sw == OK:
            step = payer.resolve(wallet, raw)
            if step is not None:
                wallet.apply(step)
            state = {"state": wallet.state.encode()}
        name = "receipt" if kind == cose.RECEIPT else "void"
        return vector(rule, name, sw, note, scene="alice who paid", input=raw, **state)

    for kind, good in ((cose.RECEIPT, receipt), (cose.VOID, void)):
        yield made("O1", kind, OK, "as it should be", good)
        stranger = [*good[:-3], NAME, 0, 1]
        yield made("O2", kind, errors.UNKNOWN_PAYMENT, "another payment", stranger)
        yield made("O2", kind, errors.BAD_SIGNATURE, "forged", good, SIGNER)
        yield made("O2", kind, errors.WRONG_SIGNER, "another signer is named", good, signer=NAME)
        yield made("O2", kind, errors.MALFORMED, "a position too large", [*good[:-2], 2**30, 1])
    other = [NAME, payment_hash, 0, 1]
    yield made("O2", cose.VOID, errors.UNKNOWN_PAYMENT, "another request", other)
    yield made("O2", cose.RECEIPT, errors.BAD_SIGNATURE, "a receipt's body as a void", void)
    yield made("O2", cose.VOID, errors.BAD_SIGNATURE, "a void's body as a receipt", receipt)

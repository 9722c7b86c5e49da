"""SUCCESSOR: make the next key and name it in the last statement under this one."""

from _jzcrypto import random
from jiaozi.wallet.rotate import last_statement, prepare
from jiaozi.wallet.store_keys import NEXT_SEED_KEY
from jiaozi.wire.cose import expect
from jiaozi.wire.statements import NONCE_LENGTH
from wallet.device import Device


def run(device: Device, data: bytes) -> bytes:
    """Take the operator's nonce; return the statement. Repeated, it names the same key."""
    expect([data], (NONCE_LENGTH,))
    seed = device.store.get(NEXT_SEED_KEY) or random(32)
    changes = prepare(device.book, seed)
    if changes:
        device.store.commit(changes)
        device.reload()
    return last_statement(device.book, data, seed)

"""A store filled by many commits, made on the host with the wallet's own storage code."""

from __future__ import annotations

from jiaozi.wallet.store_keys import POLICY_KEY
from tests.sweep.flows.oracle import RESERVE, Broken, ImageNvm, Store

_PAGES_AFTER_FIRST_ROUND = 4


def fill_nvm(room: int, image: bytes) -> bytes:
    """Commit the same policy until the active page has less than `room` bytes left.

    By then the ring of pages has gone round, the oldest page holds live values, and as many pages
    are ready as tidying provides. So the next page makes tidying copy those values and erase.
    """
    memory = ImageNvm(image)
    store = Store.mount(memory)
    policy = store.get(POLICY_KEY)
    if policy is None:
        raise Broken("there is no policy in the store")
    log = store._log
    while True:
        left = log.base(log.active) + log.last - log.at
        wrapped = log.active >= log.count + _PAGES_AFTER_FIRST_ROUND
        if wrapped and log.ready == RESERVE and left < room and store._live_in(log.oldest):
            return memory.image
        store.commit({POLICY_KEY: policy})
        while store.tidy():
            pass

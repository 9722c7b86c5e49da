"""A store that many commits have filled, made on the host by the wallet's own store."""

from __future__ import annotations

from jiaozi.wallet.store_keys import POLICY_KEY
from scenarios.sweep.oracle import RESERVE, Broken, ImageNvm, Store

_PAGES_PAST_THE_FIRST_ROUND = 4


def fill_nvm(room: int, image: bytes) -> bytes:
    """Write the same policy again and again, until the ring of pages has gone round once, the
    oldest page holds what is of use, and another page is begun by less than `room` bytes.

    As many pages are ready then as tidying provides: with the next page, it has to copy what is of
    use in the oldest page and erase that.
    """
    memory = ImageNvm(image)
    store = Store.mount(memory)
    policy = store.get(POLICY_KEY)
    if policy is None:
        raise Broken("there is no policy in the store")
    log = store._log
    while True:
        rest = log.base(log.active) + log.last - log.at
        round_it = log.active >= log.count + _PAGES_PAST_THE_FIRST_ROUND
        if round_it and log.ready == RESERVE and rest < room and store._live_in(log.oldest):
            return memory.image
        store.commit({POLICY_KEY: policy})
        while store.tidy():
            pass

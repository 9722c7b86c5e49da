"""Update a wallet with a policy and its present epoch."""

from _jzcbor import dumps
from jiaozi.wallet import install
from jiaozi.wallet.store_keys import POLICY_KEY


def run(vector, raw, book):
    book.store.commit(install.update(book, dumps([[], raw, book.epoch.raw])))
    if book.store.get(POLICY_KEY) != raw:
        return {"input": "not adopted"}
    return {}

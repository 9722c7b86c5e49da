"""Update a wallet with an epoch and its present policy."""

from _jzcbor import dumps
from jiaozi.wallet import install
from jiaozi.wallet.store_keys import EPOCH_KEY


def run(vector, raw, book):
    book.store.commit(install.update(book, dumps([[], book.policy.raw, raw])))
    return {"adopted": book.store.get(EPOCH_KEY) == raw}

"""Install a package on a device that has a key, or update a wallet."""

from binascii import unhexlify

from jiaozi.wallet import install
from jiaozi.wallet.store_keys import CERTIFICATE_KEY, EPOCH_KEY


def run(vector, raw, book):
    if vector["kind"] == "package":
        changes = install.install(raw, unhexlify(vector["public"]))
        return {} if CERTIFICATE_KEY in changes else {"note": "nothing is installed"}
    changes = install.update(book, raw)
    book.store.commit(changes)
    return {} if EPOCH_KEY in changes else {"note": "nothing is updated"}

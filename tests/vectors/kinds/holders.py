"""Read objects about holders with the host's code, in a home with the authority's files.

holders-key: seal a reference to it; holder: open the reference with the authority's `key`, which
writes the record `answer` and returns the reference `text`; opening: read the record after the
records `before`.
"""

from binascii import hexlify, unhexlify
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from jiaozi.wire.cose import SigningKey
from jiaozi.wire.errors import Refused
from jiaozi_host.errors import VaultError
from jiaozi_host.vault import escrow, files, keys


def publish(home, vector):
    public = home / "public"
    files.write(public / "network", b"test")
    files.write(public / "authority.cbor", unhexlify(vector["authority"]))
    files.write(public / "epoch.cbor", unhexlify(vector["epoch"]))
    for number, operator in enumerate(vector["operators"]):
        files.write(public / "operators" / f"{number}.cbor", unhexlify(operator))


def record_path(home, number):
    return home / "authority" / "openings" / f"{number:06}.cbor"


def sealing(home, vector, raw):
    files.write(home / "public" / "holders.cbor", raw)
    return {"length": len(escrow.seal(home, "somebody"))}


def opening(home, vector, raw):
    private = X25519PrivateKey.from_private_bytes(unhexlify(vector["private"]))
    keys.write(escrow.key_path(home), private, None)
    authority = SigningKey(unhexlify(vector["key"]))
    text, _ = escrow.Openings(home).open(raw, vector["who"], vector["why"], authority, None)
    return {"text": text, "answer": hexlify(record_path(home, 1).read_bytes()).decode()}


def reading(home, vector, raw):
    records = [unhexlify(one) for one in vector["before"]] + [raw]
    for number, record in enumerate(records, 1):
        files.write(record_path(home, number), record)
    return {"number": escrow.Openings(home).read()[-1].number}


KINDS = {"holders-key": sealing, "holder": opening, "opening": reading}


def run(vector, raw, book):
    with TemporaryDirectory() as name:
        publish(Path(name), vector)
        try:
            return KINDS[vector["kind"]](Path(name), vector, raw)
        except VaultError as error:
            if isinstance(error.__cause__, Refused):
                raise error.__cause__ from error
            raise

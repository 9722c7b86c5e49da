"""INFO: read the state of the wallet; money only in a channel, by owner or operator."""

from _jzcbor import dumps
from jiaozi.wallet.book import Book
from wallet.device import Device
from wallet.version import FIRMWARE


def run(device: Device, data: bytes) -> bytes:
    """Return the array described in `jiaozi.wire.commands`."""
    if not device.provisioned:
        none: list[int | None] = [None, None, None, None]
        return dumps([device.status, None, 0, 0, 0, 0, device.pin.tries()] + none + [FIRMWARE])
    book = device.book
    shown: list[int | list[list] | None] = [None, None, None, None]
    session = device.session
    if session.inside and (session.owner or session.operator):
        shown = [book.state.balance, book.unresolved(), len(book.open), _purses(book)]
    public = [device.status, book.me.id, book.me.form, book.me.tier]
    rules = [book.policy.version, book.epoch.number, device.pin.tries()]
    return dumps(public + rules + shown + [FIRMWARE])


def _purses(book: Book) -> "list[list]":
    return [
        [number, book.state.held(number), terms.expiry, terms.cap, terms.categories]
        for number, terms in book.terms.items()
    ]

"""Flows at the operator's desk: how each is prepared and played (see catalogue.py)."""

from __future__ import annotations

from jiaozi.wire.commands import READER
from jiaozi_host.errors import WrongPin
from jiaozi_host.wallet import WalletClient
from tests.sweep.flows.actors import PAYEE, PAYER, Actors
from tests.sweep.flows.operator_desk import PIN

IN, OUT, BOUND = 40_00, 30_00, 50_00
GROCER, PURSE = 5411, 7
NEW_PIN, WRONG_PIN = "98765", "0000"


def play_top_up(actors: Actors) -> None:
    """Top up once, however often the command is repeated."""
    actors.retry(lambda: actors.desk.top_up(PAYER, IN))


def arm_purse(actors: Actors) -> None:
    """Make terms of a purse that is new to the wallet."""
    actors.desk.operator.make_terms(PURSE, [GROCER], 9, BOUND)


def play_purse_top_up(actors: Actors) -> None:
    """Top up a purse, which installs its terms first."""
    actors.retry(lambda: actors.desk.top_up(PAYER, BOUND, PURSE))


def play_cash_out(actors: Actors) -> None:
    """Cash out once, however often the command is repeated."""
    actors.retry(lambda: actors.desk.cash_out(PAYER, OUT))


def arm_update(actors: Actors) -> None:
    """Publish a newer epoch, and a policy of a higher version."""
    desk = actors.desk
    policies = desk.operator.folder / "policies.toml"
    text = policies.read_text(encoding="utf-8")
    policies.write_text(text.replace("version = 1", "version = 2"), encoding="utf-8")
    desk.authority.advance()
    desk.operator.refresh()


def play_update(actors: Actors) -> None:
    """Update the wallet with both."""
    actors.retry(lambda: actors.desk.update(PAYER))


def arm_pin_change(actors: Actors) -> None:
    """Use up one PIN try, so that a gained one would be seen."""

    def try_wrong(client: WalletClient) -> None:
        try:
            client.verify(WRONG_PIN)
        except WrongPin:
            return

    with actors.desk.at_reader(PAYER) as link:
        try_wrong(actors.desk.client(link))


def play_pin_change(actors: Actors) -> None:
    """Change the PIN; if the old one is wrong by now, the new one must be right."""

    def change() -> None:
        with actors.desk.at_reader(PAYER) as link:
            client = actors.desk.client(link)
            try:
                client.change(PIN, NEW_PIN)
            except WrongPin:
                client.verify(NEW_PIN)

    actors.retry(change)


def arm_sync(actors: Actors) -> None:
    """Make a payment that is not in the ledger."""
    actors.desk.receive(PAYEE, IN, READER)
    actors.tap()
    actors.separate()


def play_sync(actors: Actors) -> None:
    """Post the journal and settle."""
    actors.retry(lambda: actors.desk.sync(PAYER))


def play_rotation(actors: Actors) -> None:
    """Give the wallet another key and id, once."""
    desk = actors.desk

    def rotate() -> None:
        me = actors.book(PAYER).me.id
        rotated = desk.ledger.wallet(me).predecessor is not None
        desk.sync(PAYER, None if rotated else 0)

    actors.retry(rotate)


def play_provision(actors: Actors) -> None:
    """Provision a blank device that has never had power."""
    if not actors.bench.wallets[PAYEE].core.powered:
        actors.desk.boot(PAYEE)
    actors.retry(lambda: actors.desk.provision(PAYEE))

"""`jiaozi authority` and `jiaozi epoch`: the authority's commands."""

from __future__ import annotations

from typing import Annotated

import typer

from jiaozi_host.cli.context import (
    HomeOption,
    JsonOption,
    NoPassphraseOption,
    ask_new_passphrase,
    ledger_of,
    open_authority,
    read_id,
    show,
)
from jiaozi_host.errors import LedgerError
from jiaozi_host.ledger.database import FILE
from jiaozi_host.ledger.ledger import Ledger
from jiaozi_host.vault import Authority

authority_app = typer.Typer(
    no_args_is_help=True, help="The authority: certifies operators and issues money to them."
)
epoch_app = typer.Typer(
    no_args_is_help=True,
    help="Epochs: numbered periods, proclaimed by the authority, that expiry is counted in.",
)


@authority_app.command("init")
def authority_init(
    home: HomeOption,
    network: Annotated[
        str, typer.Option(metavar="test|live", help="Money of one network is void on the other.")
    ] = "test",
    no_passphrase: NoPassphraseOption = False,
) -> None:
    """Create an authority with its own keys, and epoch 1.

    Example: jiaozi authority init
    """
    made = Authority.init(home, ask_new_passphrase(no_passphrase), network)
    show(False, {}, f"authority {made.published.authority.id.hex()} on the {network} network")


@epoch_app.command("advance")
def epoch_advance(
    home: HomeOption,
    revoke: Annotated[
        list[str] | None,
        typer.Option(metavar="WALLET", help="Id of a wallet to revoke; may be repeated."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Proclaim the next epoch, and revoke wallets.

    All ids of a revoked wallet that this home's ledger knows are revoked with it. Wallets receive
    the epoch at sync, and from each other when they tap.

    Example: jiaozi epoch advance --revoke 0123456789abcdef
    """
    ids = [read_id(text) for text in revoke or []]
    if ids and (home / FILE).exists():
        with ledger_of(home) as ledger:
            ids = [every for one in ids for every in _all_ids(ledger, one)]
    epoch = open_authority(home).advance(ids)
    text = f"epoch {epoch.number}, {len(epoch.revoked)} wallet ids revoked"
    show(as_json, {"epoch": epoch.number, "revoked": [one.hex() for one in epoch.revoked]}, text)


def _all_ids(ledger: Ledger, wallet: bytes) -> list[bytes]:
    try:
        return ledger.ids_of(wallet)
    except LedgerError:  # a wallet of another operator
        return [wallet]

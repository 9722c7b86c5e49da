"""Commands of authority and operator that need no reader."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jiaozi.wire.errors import Refused
from jiaozi_host.cli.context import (
    AmountArgument,
    HomeOption,
    JsonOption,
    NoPassphraseOption,
    ask_new_passphrase,
    ledger_of,
    open_authority,
    open_operator,
    short_id,
    show,
)
from jiaozi_host.errors import AccountRefused, LedgerError
from jiaozi_host.ledger import FILE, Ledger
from jiaozi_host.ledger.account import open_account
from jiaozi_host.money import format_amount, parse_positive
from jiaozi_host.vault import Authority, Operator, Published
from jiaozi_host.vault.published import copy_public

AuthorityHomeOption = Annotated[
    Path | None,
    typer.Option(help="Home of the authority, when it is not this one."),
]

authority_app = typer.Typer(no_args_is_help=True, help="The authority: certifies operators.")
operator_app = typer.Typer(no_args_is_help=True, help="The operator: issues wallets, holds value.")
epoch_app = typer.Typer(no_args_is_help=True, help="Epochs: freshness without a clock.")


@authority_app.command("init")
def authority_init(
    home: HomeOption,
    network: Annotated[
        str, typer.Option(help="test or live; money of one is void on the other")
    ] = "test",
    no_passphrase: NoPassphraseOption = False,
) -> None:
    """Make an authority with a key of its own.

    Example: jiaozi authority init
    """
    made = Authority.init(home, ask_new_passphrase(no_passphrase), network)
    show(False, {}, f"authority {made.published.authority.id.hex()} on the {network} network")


@operator_app.command("init")
def operator_init(
    home: HomeOption,
    currency: Annotated[str, typer.Option(help="ISO 4217 code")] = "CNY",
    authority_home: AuthorityHomeOption = None,
    no_passphrase: NoPassphraseOption = False,
) -> None:
    """Make an operator, certified by the authority, with an account and a ledger.

    The authority is in the same home, or in --authority-home when there are several operators. The
    limits of its wallets are in operator/policies.toml, to be edited.

    Example: jiaozi operator init
    """
    authority = open_authority(authority_home or home)
    made = Operator.init(home, authority, ask_new_passphrase(no_passphrase), currency)
    with ledger_of(home) as ledger:
        open_account(ledger, made)
    show(False, {}, f"operator {made.certificate.id.hex()}, account {made.account.id.hex()}")


@operator_app.command("refresh")
def operator_refresh(
    home: HomeOption,
    authority_home: Annotated[Path, typer.Argument(help="Home with the authority's folder public")],
) -> None:
    """Take over what the authority has published: its current epoch, and all operators.

    Example: jiaozi operator refresh /srv/authority
    """
    copy_public(authority_home, home)
    now = Published(home)
    show(False, {}, f"epoch {now.epoch.number}, {len(now.operators)} operators")


@operator_app.command("ids")
def operator_ids(wallet: Annotated[str, typer.Argument(help="Id.")], home: HomeOption) -> None:
    """Show all ids a wallet has had, the oldest first: what the authority revokes together.

    Example: jiaozi operator ids 0123456789abcdef
    """
    with ledger_of(home) as ledger:
        ids = [one.hex() for one in ledger.chain(short_id(wallet))]
    show(False, {}, "\n".join(ids))


def issue(
    amount: AmountArgument,
    home: HomeOption,
    authority_home: AuthorityHomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Issue value to the operator's account: the authority makes money.

    Example: jiaozi issue 10000.00
    """
    _issue(home, authority_home, parse_positive(amount), as_json)


def redeem(
    amount: AmountArgument,
    home: HomeOption,
    authority_home: AuthorityHomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give value back from the operator's account to the authority.

    Example: jiaozi redeem 500.00
    """
    _issue(home, authority_home, -parse_positive(amount), as_json)


def _issue(home: Path, authority_home: Path | None, amount: int, as_json: bool) -> None:
    open_authority(authority_home or home)  # only who has its key may make money or take it back
    operator = open_operator(home)
    with ledger_of(home) as ledger:
        account = open_account(ledger, operator)
        try:
            account.issue(amount) if amount > 0 else account.redeem(-amount)
        except Refused as refusal:
            raise AccountRefused(refusal) from refusal
        balance = account.state.balance
    verb = "issued" if amount > 0 else "redeemed"
    text = f"{verb} {format_amount(abs(amount))}, the account holds {format_amount(balance)}"
    show(as_json, {verb: abs(amount), "balance": balance}, text)


def terms(
    number: Annotated[int, typer.Argument(min=2, help="Of the purse: one purpose for ever.")],
    home: HomeOption,
    category: Annotated[
        list[int], typer.Option(help="Merchant category (ISO 18245); may be repeated.")
    ],
    expiry: Annotated[int, typer.Option(help="Last epoch in which it may be spent.")],
    cap: Annotated[str, typer.Option(help="The most of one payment, for instance 20.00")],
    as_json: JsonOption = False,
) -> None:
    """Sign the terms of a purse; `jiaozi top-up --purse` then funds it on a wallet.

    Example: jiaozi terms 7 --category 5411 --expiry 9 --cap 20.00
    """
    made = open_operator(home).make_terms(number, category, expiry, parse_positive(cap))
    data = {"purse": number, "categories": made.categories, "expiry": expiry, "cap": made.cap}
    where = ", ".join(map(str, made.categories))
    text = f"purse {number}: categories {where}, to epoch {expiry}, {format_amount(made.cap)} each"
    show(as_json, data, text)


@epoch_app.command("advance")
def epoch_advance(
    home: HomeOption,
    revoke: Annotated[
        list[str] | None, typer.Option(help="Id of a wallet to revoke; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Proclaim the next epoch. With a wallet all ids it has had in this home's ledger are revoked.

    Wallets learn of it at sync, and from each other.

    Example: jiaozi epoch advance --revoke 0123456789abcdef
    """
    ids = [short_id(text) for text in revoke or []]
    if ids and (home / FILE).exists():
        with ledger_of(home) as ledger:
            ids = [every for one in ids for every in _all_ids(ledger, one)]
    epoch = open_authority(home).advance(ids)
    text = f"epoch {epoch.number}, {len(epoch.revoked)} wallets revoked"
    show(as_json, {"epoch": epoch.number, "revoked": [one.hex() for one in epoch.revoked]}, text)


def _all_ids(ledger: Ledger, wallet: bytes) -> list[bytes]:
    try:
        return ledger.chain(wallet)
    except LedgerError:  # another operator's
        return [wallet]

"""`jiaozi operator`, `issue`, `redeem` and `terms`: the operator's commands without a reader."""

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
    WalletArgument,
    ask_new_passphrase,
    ledger_of,
    open_authority,
    open_operator,
    read_id,
    show,
)
from jiaozi_host.errors import AccountRefused
from jiaozi_host.ledger.account import open_account
from jiaozi_host.money import format_amount, parse_positive
from jiaozi_host.vault import Operator, Published
from jiaozi_host.vault.published import copy_public

AuthorityHomeOption = Annotated[
    Path | None,
    typer.Option(
        "--authority-home",
        metavar="FOLDER",
        show_default="--home",
        help="Home of the authority, if it is another folder.",
    ),
]

operator_app = typer.Typer(
    no_args_is_help=True,
    help="The operator: certifies, tops up and settles wallets.",
)


@operator_app.command("init")
def operator_init(
    home: HomeOption,
    currency: Annotated[
        str, typer.Option(metavar="CODE", help="Currency of all its wallets (ISO 4217).")
    ] = "CNY",
    authority_home: AuthorityHomeOption = None,
    no_passphrase: NoPassphraseOption = False,
) -> None:
    """Create an operator: its keys, its account and its ledger.

    The authority in the same home certifies it; name another home with --authority-home when there
    are several operators. The limits of its wallets are in the file operator/policies.toml, which
    you may edit.

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
    authority_home: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Home of the authority, or a copy of it.")
    ],
) -> None:
    """Copy what the authority has published: the current epoch and all operators.

    Example: jiaozi operator refresh /srv/authority
    """
    copy_public(authority_home, home)
    now = Published(home)
    show(False, {}, f"epoch {now.epoch.number}, {len(now.operators)} operators")


@operator_app.command("ids")
def operator_ids(wallet: WalletArgument, home: HomeOption) -> None:
    """List all ids of a wallet, the oldest first; key rotation gives it a new one.

    Example: jiaozi operator ids 0123456789abcdef
    """
    with ledger_of(home) as ledger:
        ids = [one.hex() for one in ledger.ids_of(read_id(wallet))]
    show(False, {}, "\n".join(ids))


def issue(
    amount: AmountArgument,
    home: HomeOption,
    authority_home: AuthorityHomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Issue new money to the operator's account (needs the authority's key).

    Example: jiaozi issue 10000.00
    """
    _issue(home, authority_home, parse_positive(amount), as_json)


def redeem(
    amount: AmountArgument,
    home: HomeOption,
    authority_home: AuthorityHomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Return money from the operator's account to the authority (needs its key).

    Example: jiaozi redeem 500.00
    """
    _issue(home, authority_home, -parse_positive(amount), as_json)


def _issue(home: Path, authority_home: Path | None, amount: int, as_json: bool) -> None:
    open_authority(authority_home or home)  # proves that the caller has the authority's key
    operator = open_operator(home)
    with ledger_of(home) as ledger:
        account = open_account(ledger, operator)
        try:
            account.issue(amount) if amount > 0 else account.redeem(-amount)
        except Refused as refusal:
            raise AccountRefused(refusal) from refusal
        balance = account.state.balance
    verb = "issued" if amount > 0 else "redeemed"
    text = f"{verb} {format_amount(abs(amount))}; the account holds {format_amount(balance)}"
    show(as_json, {verb: abs(amount), "balance": balance}, text)


def terms(
    number: Annotated[
        int,
        typer.Argument(min=2, metavar="PURSE", help="Number of the purse; it keeps these terms."),
    ],
    home: HomeOption,
    category: Annotated[
        list[int],
        typer.Option(metavar="MCC", help="Merchant category (ISO 18245); may be repeated."),
    ],
    expiry: Annotated[
        int, typer.Option(metavar="EPOCH", help="Last epoch in which its money can be spent.")
    ],
    cap: Annotated[
        str, typer.Option(metavar="AMOUNT", help="Largest payment, for instance 20.00.")
    ],
    operator: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="Another operator whose merchants count too; may be repeated."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Define a purse: money for certain categories of merchants only.

    Put money into it on a wallet with `jiaozi top-up AMOUNT --purse PURSE`. What is left after its
    expiry returns to the operator's account at the wallet's next sync.

    Example: jiaozi terms 7 --category 5411 --expiry 9 --cap 20.00
    """
    ids = [read_id(one) for one in operator or ()]
    made = open_operator(home).make_terms(number, category, expiry, parse_positive(cap), ids)
    data = {"purse": number, "categories": made.categories, "expiry": expiry, "cap": made.cap}
    where = ", ".join(map(str, made.categories))
    cap_text = format_amount(made.cap)
    text = f"purse {number}: categories {where}, until epoch {expiry}, {cap_text} a payment"
    show(as_json, data, text)

"""The command `jiaozi`."""

from __future__ import annotations

import sys

import typer
from rich.markup import escape

from jiaozi_host.cli import authority, clearing, counter, holder, ledger, operator, owner
from jiaozi_host.cli.context import err
from jiaozi_host.errors import HostError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Money you can tap with no network on either side: make wallets, fill and empty them, "
    "settle their offline payments, and see that all of it adds up.",
    epilog="Start with jiaozi authority init, jiaozi operator init and jiaozi issue 10000.00; then "
    "put a blank device on the reader and run jiaozi provision. "
    "Exit codes: 1 other errors, 2 wrong usage, 3 no reader, 4 no card, 5 card removed, 6 not a "
    "wallet, 7 wrong PIN, 8 PIN blocked, 9 refused by a rule, 10 bad answer, 11 keys or files, "
    "12 ledger, 13 clearing file, 20 does not add up, 130 stopped.",
)

_COUNTER = "At the counter (operator, wallet on the reader)"
_OWNER = "For the owner (wallet on the reader)"
_SET_UP = "Set-up (no reader)"
_BOOKS = "Money and books (no reader)"

app.command(rich_help_panel=_COUNTER)(counter.provision)
app.command("top-up", rich_help_panel=_COUNTER)(counter.top_up)
app.command("cash-out", rich_help_panel=_COUNTER)(counter.cash_out)
app.command(rich_help_panel=_COUNTER)(counter.sync)
app.command(rich_help_panel=_OWNER)(owner.info)
app.command(rich_help_panel=_OWNER)(owner.pay)
app.command(rich_help_panel=_OWNER)(owner.receive)
app.command(rich_help_panel=_OWNER)(owner.disarm)
app.add_typer(owner.pin_app, name="pin", rich_help_panel=_OWNER)
app.add_typer(authority.authority_app, name="authority", rich_help_panel=_SET_UP)
app.add_typer(authority.epoch_app, name="epoch", rich_help_panel=_SET_UP)
app.add_typer(operator.operator_app, name="operator", rich_help_panel=_SET_UP)
app.command(rich_help_panel=_BOOKS)(operator.issue)
app.command(rich_help_panel=_BOOKS)(operator.redeem)
app.command(rich_help_panel=_BOOKS)(operator.terms)
app.add_typer(ledger.ledger_app, name="ledger", rich_help_panel=_BOOKS)
app.add_typer(clearing.clear_app, name="clear", rich_help_panel=_BOOKS)
app.add_typer(holder.holder_app, name="holder", rich_help_panel=_BOOKS)


def main(arguments: list[str] | None = None) -> None:
    """Run the command; print a HostError as one line and exit with its code."""
    try:
        app(arguments)
    except HostError as error:
        remedy = f" — {error.remedy}" if error.remedy else ""
        err.print(f"[red]error:[/red] {escape(str(error))}{escape(remedy)}", soft_wrap=True)
        sys.exit(error.exit_code)

"""The command `jiaozi`."""

from __future__ import annotations

import sys

import typer
from rich.markup import escape

from jiaozi_host.cli import clear, counter, holder, holding, operating
from jiaozi_host.cli.context import err
from jiaozi_host.errors import HostError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Money you can tap with no network on either side: the operator's and owner's tool.",
    epilog="Exit codes: 2 usage, 3 no reader, 4 no card, 5 card pulled away, 6 foreign card, "
    "7 wrong PIN, 8 PIN blocked, 9 refused by a rule, 10 bad answer, 11 keys, 12 ledger, "
    "13 another operator's file, "
    "20 does not add up, 130 stopped.",
)
app.add_typer(operating.authority_app, name="authority")
app.add_typer(operating.operator_app, name="operator")
app.add_typer(operating.epoch_app, name="epoch")
app.command()(operating.issue)
app.command()(operating.redeem)
app.command()(counter.provision)
app.command()(operating.terms)
app.command("top-up")(counter.top_up)
app.command("cash-out")(counter.cash_out)
app.command()(counter.sync)
app.add_typer(counter.ledger_app, name="ledger")
app.add_typer(clear.clear_app, name="clear")
app.add_typer(holder.holder_app, name="holder")
app.command()(holding.info)
app.command()(holding.pay)
app.command()(holding.receive)
app.command()(holding.disarm)
app.add_typer(holding.pin_app, name="pin")


def main(arguments: list[str] | None = None) -> None:
    """Run the command; every error a person can do something about becomes one line and a code."""
    try:
        app(arguments)
    except HostError as error:
        remedy = f" — {error.remedy}" if error.remedy else ""
        err.print(f"[red]error:[/red] {escape(str(error))}{escape(remedy)}", soft_wrap=True)
        sys.exit(error.exit_code)

"""Commands for clearing with other operators."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jiaozi_host.cli.context import (
    HomeOption,
    JsonOption,
    ledger_of,
    open_operator,
    out,
    short_id,
    show,
)
from jiaozi_host.errors import HostError
from jiaozi_host.ledger.clearing import Clearing
from jiaozi_host.money import format_amount
from jiaozi_host.vault import files

clear_app = typer.Typer(no_args_is_help=True, help="Clearing with other operators, by files.")


@clear_app.command("export")
def clear_export(
    to: Annotated[str, typer.Argument(metavar="OPERATOR", help="Id of the other operator.")],
    home: HomeOption,
    folder: Annotated[Path, typer.Option(help="Where the files are written.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Write the files that operator has not confirmed yet; run it again to write them again.

    Example: jiaozi clear export 0123456789abcdef --folder outbox
    """
    operator = open_operator(home)
    with ledger_of(home) as ledger:
        clearing = Clearing(ledger, operator)
        made = clearing.export(clearing.partner(short_id(to)))
    names = []
    for number, raw in made:
        path = folder / f"{operator.certificate.id.hex()}-{to}-{number:06}.cbor"
        files.write(path, raw)
        names.append(str(path))
    show(as_json, {"files": names}, "\n".join(names) or "nothing to tell")


@clear_app.command("import")
def clear_import(
    paths: Annotated[list[Path], typer.Argument(help="Files of one or several operators.")],
    home: HomeOption,
    as_json: JsonOption = False,
) -> None:
    """Take files other operators have exported. One that was taken before changes nothing.

    Example: jiaozi clear import inbox/*.cbor
    """
    operator = open_operator(home)
    with ledger_of(home) as ledger:
        clearing = Clearing(ledger, operator)
        for path in sorted(paths):
            try:
                raw = path.read_bytes()
            except OSError as error:
                raise HostError(f"cannot read {path}: {error.strerror}", "check the path") from None
            taken = clearing.take(raw)
            text = f"{path.name}: {taken.items} payments, {format_amount(taken.netted)} netted"
            data = {"number": taken.number, "new": taken.new, "netted": taken.netted}
            show(as_json, data, text if taken.new else f"{path.name}: taken before")


@clear_app.command("show")
def clear_show(home: HomeOption, as_json: JsonOption = False) -> None:
    """Show how each other operator stands: what it owes, or is owed, and what is not cleared yet.

    Example: jiaozi clear show
    """
    operator = open_operator(home)
    with ledger_of(home) as ledger:
        found = Clearing(ledger, operator).positions()
    if as_json:
        rows = [
            {"operator": one.operator.hex(), "netted": one.netted, "waiting": one.waiting}
            for one in found
        ]
        show(True, {"operators": rows}, "")
        return
    if not found:
        out.print("no other operator is known: jiaozi operator refresh learns of them")
    for one in found:
        verb = "owes us" if one.netted >= 0 else "is owed"
        amount = format_amount(abs(one.netted))
        out.print(f"operator {one.operator.hex()} {verb} {amount}, {one.waiting} not cleared")

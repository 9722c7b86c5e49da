"""`jiaozi clear`: clearing with other operators, by files."""

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
    read_id,
    show,
)
from jiaozi_host.errors import HostError
from jiaozi_host.ledger.clearing import Clearing
from jiaozi_host.money import format_amount
from jiaozi_host.vault import files

clear_app = typer.Typer(
    no_args_is_help=True,
    help="Clearing: settle payments between wallets of different operators, by files.",
)


@clear_app.command("export")
def clear_export(
    to: Annotated[str, typer.Argument(metavar="OPERATOR", help="Id of the other operator.")],
    home: HomeOption,
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the files.")] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Write clearing files for another operator.

    Writes every file that the other operator has not confirmed; running it again repeats them.

    Example: jiaozi clear export 0123456789abcdef --folder outbox
    """
    operator = open_operator(home)
    with ledger_of(home) as ledger:
        clearing = Clearing(ledger, operator)
        made = clearing.export(clearing.partner(read_id(to)))
    names = []
    for number, raw in made:
        path = folder / f"{operator.certificate.id.hex()}-{to}-{number:06}.cbor"
        files.write(path, raw)
        names.append(str(path))
    show(as_json, {"files": names}, "\n".join(names) or "nothing to export")


@clear_app.command("import")
def clear_import(
    paths: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Files of one or several operators.")
    ],
    home: HomeOption,
    as_json: JsonOption = False,
) -> None:
    """Import clearing files of other operators; importing a file again changes nothing.

    Example: jiaozi clear import inbox/*.cbor
    """
    operator = open_operator(home)
    with ledger_of(home) as ledger:
        clearing = Clearing(ledger, operator)
        for path in sorted(paths):
            try:
                raw = path.read_bytes()
            except OSError as error:
                raise HostError(
                    f"cannot read {path}: {error.strerror}; the files before it were imported",
                    "check the path and import again",
                ) from None
            imported = clearing.import_file(raw)
            text = (
                f"{path.name}: {imported.items} payments, {format_amount(imported.netted)} netted"
            )
            data = {"number": imported.number, "new": imported.new, "netted": imported.netted}
            show(as_json, data, text if imported.new else f"{path.name}: imported before")


@clear_app.command("show")
def clear_show(home: HomeOption, as_json: JsonOption = False) -> None:
    """Show what each other operator owes us, or is owed, and how many payments are not cleared.

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
        out.print(
            "no other operator is known here; to update the list, run: jiaozi operator refresh"
        )
    for one in found:
        verb = "owes us" if one.netted >= 0 else "is owed"
        amount = format_amount(abs(one.netted))
        out.print(
            f"operator {one.operator.hex()} {verb} {amount}, {one.waiting} payments not cleared"
        )

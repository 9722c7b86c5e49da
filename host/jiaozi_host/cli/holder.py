"""`jiaozi holder`: identity escrow; references sealed by the operator, opened by the authority."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jiaozi_host.cli.context import (
    HomeOption,
    JsonOption,
    WalletArgument,
    ledger_of,
    open_authority,
    open_operator,
    passphrase_of,
    read_id,
    show,
)
from jiaozi_host.errors import HostError, LedgerError
from jiaozi_host.vault import escrow, files

holder_app = typer.Typer(
    no_args_is_help=True,
    help="Who holds a wallet: the operator stores it sealed, only the authority can open it.",
)


@holder_app.command("set")
def holder_set(wallet: WalletArgument, home: HomeOption) -> None:
    """Store who holds a wallet, sealed to the authority's key; asks for the text.

    The text is any reference, for instance a customer number. The operator cannot read it back.

    Example: jiaozi holder set 0123456789abcdef
    """
    operator = open_operator(home)
    who = str(typer.prompt("Holder", err=True))
    with ledger_of(home) as ledger:
        ledger.set_holder(read_id(wallet), operator.seal_holder(who))
    show(False, {}, f"wallet {wallet}: holder sealed and stored")


@holder_app.command("export")
def holder_export(
    wallet: WalletArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write.")],
    home: HomeOption,
) -> None:
    """Write the sealed reference of a wallet to a file, for the authority to open.

    Example: jiaozi holder export 0123456789abcdef case-17.cbor
    """
    operator = open_operator(home)
    with ledger_of(home) as ledger:
        row = ledger.wallet(read_id(wallet))
    if row.holder is None:
        raise LedgerError(
            f"no holder is stored for wallet {wallet}", f"run: jiaozi holder set {wallet}"
        )
    files.write(file, operator.export_holder(row.id, row.holder))
    show(False, {}, str(file))


@holder_app.command("open")
def holder_open(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File exported by the operator.")],
    home: HomeOption,
    who: Annotated[str, typer.Option(metavar="TEXT", help="Officer or court that requests it.")],
    why: Annotated[str, typer.Option(metavar="TEXT", help="The warrant.")],
    as_json: JsonOption = False,
) -> None:
    """Open an exported reference with the authority's key.

    A signed record of who asked and why is stored first, and is never removed.

    Example: jiaozi holder open case-17.cbor --who "district court" --why "2026-17"
    """
    authority = open_authority(home)
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise HostError(f"cannot read {file}: {error.strerror}", "check the path") from None
    secret = passphrase_of(escrow.key_path(home))
    text, record = authority.open_holder(raw, who, why, secret)
    data = {"wallet": record.wallet.hex(), "holder": text, "record": record.number}
    line = f"wallet {record.wallet.hex()} is held by {text}; record {record.number}"
    show(as_json, data | {"hash": record.hash.hex()}, f"{line}, {record.hash.hex()}")


@holder_app.command("openings")
def holder_openings(home: HomeOption, as_json: JsonOption = False) -> None:
    """Verify and list the records of all openings.

    Example: jiaozi holder openings
    """
    found = escrow.Openings(home).read()
    rows = [
        {
            "record": one.number,
            "epoch": one.epoch,
            "wallet": one.wallet.hex(),
            "who": one.who,
            "why": one.why,
            "hash": one.hash.hex(),
        }
        for one in found
    ]
    lines = [
        f"{one.number} epoch {one.epoch} {one.wallet.hex()} {one.who}: {one.why}" for one in found
    ]
    show(as_json, {"openings": rows}, "\n".join(lines) or "no reference was ever opened")

"""Commands about who holds a wallet: sealed by the operator, opened by the authority alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jiaozi_host.cli.context import (
    HomeOption,
    JsonOption,
    ledger_of,
    open_authority,
    open_operator,
    passphrase_of,
    short_id,
    show,
)
from jiaozi_host.errors import HostError, LedgerError
from jiaozi_host.vault import files, holders

holder_app = typer.Typer(no_args_is_help=True, help="Who holds a wallet: sealed, for the law only.")
WalletArgument = Annotated[str, typer.Argument(metavar="WALLET", help="Id of the wallet.")]


@holder_app.command("set")
def holder_set(wallet: WalletArgument, home: HomeOption) -> None:
    """Seal who holds a wallet to the authority's key and keep that; asks for the reference.

    Example: jiaozi holder set 0123456789abcdef
    """
    operator = open_operator(home)
    who = str(typer.prompt("Holder", err=True))
    with ledger_of(home) as ledger:
        ledger.set_holder(short_id(wallet), operator.seal_holder(who))
    show(False, {}, f"wallet {wallet}: sealed")


@holder_app.command("export")
def holder_export(
    wallet: WalletArgument, file: Annotated[Path, typer.Argument()], home: HomeOption
) -> None:
    """Write what the authority needs to open the reference of a wallet.

    Example: jiaozi holder export 0123456789abcdef case-17.cbor
    """
    operator = open_operator(home)
    with ledger_of(home) as ledger:
        row = ledger.wallet(short_id(wallet))
    if row.holder is None:
        raise LedgerError(f"wallet {wallet} has no holder", "run: jiaozi holder set")
    files.write(file, operator.export_holder(row.id, row.holder))
    show(False, {}, str(file))


@holder_app.command("open")
def holder_open(
    file: Annotated[Path, typer.Argument(help="What the operator has exported.")],
    home: HomeOption,
    who: Annotated[str, typer.Option(help="Officer or court that asks.")],
    why: Annotated[str, typer.Option(help="The warrant.")],
    as_json: JsonOption = False,
) -> None:
    """Open a reference, with the authority's key. A signed record of it is left first, for good.

    Example: jiaozi holder open case-17.cbor --who "district court" --why "2026-17"
    """
    authority = open_authority(home)
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise HostError(f"cannot read {file}: {error.strerror}", "check the path") from None
    secret = passphrase_of(holders.key_path(home))
    text, record = authority.open_holder(raw, who, why, secret)
    data = {"wallet": record.wallet.hex(), "holder": text, "record": record.number}
    line = f"wallet {record.wallet.hex()} is held by {text}; record {record.number}"
    show(as_json, data | {"hash": record.hash.hex()}, f"{line}, {record.hash.hex()}")


@holder_app.command("openings")
def holder_openings(home: HomeOption, as_json: JsonOption = False) -> None:
    """Verify and list all records of references that were opened.

    Example: jiaozi holder openings
    """
    found = holders.Openings(home).read()
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
    show(as_json, {"openings": rows}, "\n".join(lines) or "nothing was ever opened")

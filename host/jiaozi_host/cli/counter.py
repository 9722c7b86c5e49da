"""Commands of an operator's counter: provision, top up, cash out, sync a wallet on a reader."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from jiaozi_host import provisioning
from jiaozi_host.cli.context import (
    DEFAULT_WAIT,
    FORM_NAMES,
    FORMS,
    AmountArgument,
    DoesNotAddUp,
    Form,
    HomeOption,
    JsonOption,
    ReaderOption,
    WaitOption,
    ask_pin,
    err,
    ledger_of,
    open_operator,
    show,
    wallet_on,
)
from jiaozi_host.cli.ledger import finding_data
from jiaozi_host.money import format_amount, parse_positive
from jiaozi_host.sync.result import Synced
from jiaozi_host.sync.session import sync_wallet


def provision(
    home: HomeOption,
    reader: ReaderOption = None,
    wait: WaitOption = DEFAULT_WAIT,
    tier: Annotated[
        int, typer.Option(metavar="NUMBER", help="Tier of its limits in operator/policies.toml.")
    ] = 3,
    form: Annotated[Form, typer.Option(help="Form of the device.")] = Form.card,
    category: Annotated[
        int,
        typer.Option(
            min=0, metavar="MCC", help="Merchant category (ISO 18245) of a payee, 0 for none."
        ),
    ] = 0,
    holder: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            show_default="none",
            help="Who holds the wallet; sealed, only the authority can open it.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a blank device a wallet, and set its first PIN.

    The device creates its own key; the operator certifies it. If this is broken off, run it again.

    Example: jiaozi provision --tier 4 --form wearable
    """
    operator = open_operator(home)
    pin = ask_pin("First PIN", twice=True)
    with ledger_of(home) as ledger, wallet_on(reader, wait) as link:
        made = provisioning.provision(link, operator, ledger, pin, FORMS[form], tier, category)
        if holder is not None:
            ledger.set_holder(made.id, operator.seal_holder(holder))
    data = {"id": made.id.hex(), "form": FORM_NAMES[made.form], "tier": made.tier}
    again = " (finished an earlier attempt)" if made.resumed else ""
    text = f"wallet {made.id.hex()}, a {FORM_NAMES[made.form]} of tier {made.tier}{again}"
    show(as_json, data | {"resumed": made.resumed}, text)


def top_up(
    amount: AmountArgument,
    home: HomeOption,
    reader: ReaderOption = None,
    wait: WaitOption = DEFAULT_WAIT,
    purse: Annotated[
        int,
        typer.Option(min=0, metavar="PURSE", help="Purse defined by `jiaozi terms`, 0 for none."),
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Pay money from the operator's account to the wallet.

    If this is broken off, run it again with the same amount: it is paid once.

    Example: jiaozi top-up 100.00
    """
    minor, operator, pin = parse_positive(amount), open_operator(home), ask_pin()
    with ledger_of(home) as ledger, wallet_on(reader, wait) as link:
        done = provisioning.top_up(link, operator, ledger, pin, minor, purse)
    _show_transfer(done, "paid in", as_json)


def cash_out(
    amount: AmountArgument,
    home: HomeOption,
    reader: ReaderOption = None,
    wait: WaitOption = DEFAULT_WAIT,
    as_json: JsonOption = False,
) -> None:
    """Pay money from the wallet to the operator's account.

    If this is broken off, run it again with the same amount: it is paid once.

    Example: jiaozi cash-out 20.00
    """
    minor, operator, pin = parse_positive(amount), open_operator(home), ask_pin()
    with ledger_of(home) as ledger, wallet_on(reader, wait) as link:
        done = provisioning.cash_out(link, operator, ledger, pin, minor)
    _show_transfer(done, "paid out", as_json)


def _show_transfer(done: provisioning.Transfer, verb: str, as_json: bool) -> None:
    parts = [f"finished an earlier payment of {format_amount(one)}" for one in done.resumed]
    parts += [f"refunded an earlier payment of {format_amount(one)}" for one in done.voided]
    parts += [f"left a payment of {format_amount(one)} to jiaozi sync" for one in done.stuck]
    if done.amount:
        parts.append(f"{verb} {format_amount(done.amount)}")
    data = {
        "wallet": done.wallet.hex(),
        "amount": done.amount,
        "resumed": done.resumed,
        "voided": done.voided,
        "stuck": done.stuck,
    }
    show(as_json, data, f"wallet {done.wallet.hex()}: {', '.join(parts)}")


def sync(
    home: HomeOption,
    reader: ReaderOption = None,
    wait: WaitOption = DEFAULT_WAIT,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Give the wallet a new key and id.")
    ] = False,
    rotate_after: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="EPOCHS",
            show_default="never",
            help="Rotate the key if it is this many epochs old.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Post a wallet's offline payments, deliver what it is due, reset its limits.

    A wallet with findings against it is not settled but frozen, and the command exits with 20.
    Findings about others are shown and change nothing for it. If it is broken off, run it again.

    Example: jiaozi sync
    """
    operator = open_operator(home)
    with ledger_of(home) as ledger, wallet_on(reader, wait) as link:
        with err.status("syncing") as status:
            done = sync_wallet(link, operator, ledger, status.update, 0 if rotate else rotate_after)
        show(as_json, _sync_data(done), _sync_text(done))
    if not done.settled:
        raise DoesNotAddUp(f"the wallet was not settled: {len(done.findings)} findings")


def _sync_data(done: Synced) -> dict[str, Any]:
    return {
        "wallet": done.wallet.hex(),
        "entries": done.entries,
        "delivered": done.delivered,
        "resolved": done.resolved,
        "refunded": done.refunded,
        "reclaimed": done.reclaimed,
        "undelivered": done.undelivered,
        "balance": done.balance,
        "epoch": done.epoch,
        "rotated": None if done.rotated is None else done.rotated.hex(),
        "firmware": done.firmware,
        "outdated": done.outdated,
        "settled": done.settled,
        "frozen": done.frozen,
        "findings": [finding_data(found) for found in done.findings],
    }


def _sync_text(done: Synced) -> str:
    delivered = f"{done.delivered} payments and {done.resolved} receipts delivered"
    lines = [
        f"wallet {done.wallet.hex()} holds {format_amount(done.balance)}, epoch {done.epoch}",
        f"{done.entries} new entries, {delivered}",
        *([f"{format_amount(done.refunded)} refunded"] if done.refunded else []),
        *([f"its id was {done.rotated.hex()}"] if done.rotated else []),
        *([f"{format_amount(done.reclaimed)} taken from expired purses"] if done.reclaimed else []),
        *(f"not delivered: {reason}" for reason in done.undelivered),
        *(f"[red]{found.kind}, {found.name}: {found.detail}[/red]" for found in done.findings),
        *(["[red]firmware too old to pay: update it[/red]"] if done.outdated else []),
        "settled" if done.settled else "[red]not settled[/red]",
        *(["[red]frozen: it refuses new payments and requests[/red]"] if done.frozen else []),
    ]
    return "\n".join(lines)

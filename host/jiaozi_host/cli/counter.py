"""Commands of an operator's counter: provision, top up, cash out, sync, and the ledger."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table

from jiaozi_host import provisioning
from jiaozi_host.cli.context import (
    DEFAULT_WAIT,
    FORM_NAMES,
    FORMS,
    AmountArgument,
    Form,
    HomeOption,
    JsonOption,
    ReaderOption,
    WaitOption,
    ask_pin,
    err,
    existing_ledger,
    ledger_of,
    open_operator,
    out,
    show,
    wallet_on,
)
from jiaozi_host.errors import HostError
from jiaozi_host.ledger.report import Report, report
from jiaozi_host.money import format_amount, parse_positive
from jiaozi_host.sync import Synced, sync_wallet

ledger_app = typer.Typer(no_args_is_help=True, help="What wallets have signed, and what adds up.")


class DoesNotAddUp(HostError):
    """There are findings, or the invariant does not hold."""

    exit_code = 20
    remedy = "see: jiaozi ledger show"


def provision(
    home: HomeOption,
    reader: ReaderOption = None,
    wait: WaitOption = DEFAULT_WAIT,
    tier: Annotated[int, typer.Option(help="Tier of the policy: 1 to 4 by default.")] = 3,
    form: Annotated[Form, typer.Option(help="What the device is.")] = Form.card,
    category: Annotated[
        int, typer.Option(min=0, help="Merchant category (ISO 18245), 0 for none.")
    ] = 0,
    holder: Annotated[
        str | None, typer.Option(help="Who holds it: sealed at once, only the authority can read.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a wallet of a blank device; the PIN asked for becomes its first.

    Example: jiaozi provision --tier 4 --form wearable
    """
    operator = open_operator(home)
    pin = ask_pin("First PIN", twice=True)
    with ledger_of(home) as ledger, wallet_on(reader, wait) as link:
        made = provisioning.provision(link, operator, ledger, pin, FORMS[form], tier, category)
        if holder is not None:
            ledger.set_holder(made.id, operator.seal_holder(holder))
    data = {"id": made.id.hex(), "form": FORM_NAMES[made.form], "tier": made.tier}
    again = " (an earlier attempt is finished)" if made.resumed else ""
    text = f"wallet {made.id.hex()}, a {FORM_NAMES[made.form]} of tier {made.tier}{again}"
    show(as_json, data | {"resumed": made.resumed}, text)


def top_up(
    amount: AmountArgument,
    home: HomeOption,
    reader: ReaderOption = None,
    wait: WaitOption = DEFAULT_WAIT,
    purse: Annotated[
        int, typer.Option(min=0, help="Purse whose terms were made by `jiaozi terms`.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Pay from the operator's account to the wallet. A torn top-up is finished by running it again.

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
    """Take from the wallet to the operator's account. A torn one is finished by running it again.

    Example: jiaozi cash-out 20.00
    """
    minor, operator, pin = parse_positive(amount), open_operator(home), ask_pin()
    with ledger_of(home) as ledger, wallet_on(reader, wait) as link:
        done = provisioning.cash_out(link, operator, ledger, pin, minor)
    _show_transfer(done, "paid out", as_json)


def _show_transfer(done: provisioning.Transfer, verb: str, as_json: bool) -> None:
    parts = [f"finished a torn payment of {format_amount(one)}" for one in done.resumed]
    parts += [f"gave back a torn payment of {format_amount(one)}" for one in done.voided]
    parts += [f"left a payment of {format_amount(one)} for sync" for one in done.stuck]
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
        int | None, typer.Option(min=1, help="The same, once it has had these for so many epochs.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Post what the wallet did, deliver what others have for it, and reset its offline counters.

    Example: jiaozi sync
    """
    operator = open_operator(home)
    with ledger_of(home) as ledger, wallet_on(reader, wait) as link:
        with err.status("syncing") as status:
            done = sync_wallet(link, operator, ledger, status.update, 0 if rotate else rotate_after)
        show(as_json, _sync_data(done), _sync_text(done))
    if done.findings:
        raise DoesNotAddUp(f"{len(done.findings)} findings: the wallet is not settled")


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
        "findings": [_finding(found) for found in done.findings],
    }


def _sync_text(done: Synced) -> str:
    delivered = f"{done.delivered} payments and {done.resolved} receipts delivered"
    lines = [
        f"wallet {done.wallet.hex()} holds {format_amount(done.balance)}, epoch {done.epoch}",
        f"{done.entries} new entries, {delivered}",
        *([f"{format_amount(done.refunded)} refunded"] if done.refunded else []),
        *([f"its id was {done.rotated.hex()}"] if done.rotated else []),
        *([f"{format_amount(done.reclaimed)} came back from purses"] if done.reclaimed else []),
        *done.undelivered,
        *(f"[red]{found.kind}: {found.detail}[/red]" for found in done.findings),
        *(["[red]firmware too old to pay: bring it up to date[/red]"] if done.outdated else []),
        "settled" if done.settled else "[red]not settled[/red]",
        *(["[red]frozen: it pays and asks for money no more[/red]"] if done.frozen else []),
    ]
    return "\n".join(lines)


def _finding(found: Any) -> dict[str, str]:
    return {
        "wallet": found.wallet.hex(),
        "kind": found.kind,
        "detail": found.detail,
        "subject": found.subject.hex(),
        "evidence": found.evidence.hex(),
        "at": found.at,
    }


@ledger_app.command("show")
def ledger_show(home: HomeOption, as_json: JsonOption = False) -> None:
    """Show balances, value in flight, the invariant and findings.

    Exits with 20 when something does not add up.

    Example: jiaozi ledger show
    """
    existing_ledger(home)
    with ledger_of(home) as ledger:
        shown = report(ledger)
    if as_json:
        show(True, _report_data(shown), "")
    else:
        _print_report(shown)
    if not shown.holds or shown.findings:
        raise DoesNotAddUp(f"the ledger does not add up: {len(shown.findings)} findings")


def _report_data(shown: Report) -> dict[str, Any]:
    return {
        "wallets": [
            {
                "id": line.id.hex(),
                "form": FORM_NAMES.get(line.form, str(line.form)),
                "tier": line.tier,
                "status": line.status,
                "balance": line.balance,
                "journal": line.journal,
                "purses": {number: held for number, held, _ in line.purses},
                "entries": line.position,
                "epoch": line.epoch,
                "synced_at": line.synced_at,
            }
            for line in shown.lines
        ],
        "in_flight": [
            {
                "payment": payment.hash.hex(),
                "payer": payment.payer.hex(),
                "payee": payment.payee.hex(),
                "amount": payment.amount,
                "in_flight": payment.in_flight,
                "state": payment.state,
            }
            for payment in shown.in_flight
        ],
        "balances": shown.balances,
        "flying": shown.flying,
        "held": shown.held,
        "issued": shown.issued,
        "cleared": shown.cleared,
        "holds": shown.holds,
        "findings": [_finding(found) for found in shown.findings],
    }


def _print_report(shown: Report) -> None:
    # Narrow enough for large amounts in a terminal of 80 columns: a cut amount would mislead.
    table = Table(title="Balances", box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    for name in ("wallet", "form", "tier", "entries", "synced"):
        table.add_column(name, no_wrap=True)
    for name in ("stated", "journal"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in shown.lines:
        form = FORM_NAMES.get(line.form, str(line.form))
        synced = (line.synced_at or line.status)[:10]
        row = [line.id.hex(), form, str(line.tier), str(line.position), synced]
        style = None if line.balance == line.journal else "red"
        amounts = (format_amount(line.balance), format_amount(line.journal))
        table.add_row(*row, *amounts, style=style)
        for number, stated, held in line.purses:
            amounts = (format_amount(stated), format_amount(held))
            style = None if stated == held else "red"
            table.add_row(f"  of it purse {number}", "", "", "", "", *amounts, style=style)
    out.print(table)
    if shown.in_flight:
        flying = Table("from", "to", "state", title="In flight")
        flying.add_column("amount", justify="right", no_wrap=True)
        for payment in shown.in_flight:
            ends = (payment.payer.hex(), payment.payee.hex())
            flying.add_row(*ends, payment.state, format_amount(payment.in_flight))
        out.print(flying)
    sign = "[green]=[/green]" if shown.holds else "[red]≠[/red]"
    out.print(
        f"balances {format_amount(shown.balances)} + in flight {format_amount(shown.flying)} "
        f"{sign} issued - redeemed {format_amount(shown.issued)}"
        + (f", held for payees {format_amount(shown.held)}" if shown.held else "")
        + (f" + cleared {format_amount(shown.cleared)}" if shown.cleared else "")
    )
    for found in shown.findings:
        out.print(f"[red]{found.kind}[/red] wallet {found.wallet.hex()}: {found.detail}")

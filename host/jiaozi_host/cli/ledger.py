"""`jiaozi ledger`: balances, value in flight and findings."""

from __future__ import annotations

from typing import Any

import typer
from rich import box
from rich.table import Table

from jiaozi_host.cli.context import (
    FORM_NAMES,
    DoesNotAddUp,
    HomeOption,
    JsonOption,
    check_ledger_exists,
    ledger_of,
    out,
    show,
)
from jiaozi_host.ledger.report import Report, report
from jiaozi_host.ledger.tables import Finding
from jiaozi_host.money import format_amount

ledger_app = typer.Typer(
    no_args_is_help=True, help="The ledger: what the wallets have signed, and whether it adds up."
)


@ledger_app.command("show")
def ledger_show(home: HomeOption, as_json: JsonOption = False) -> None:
    """Show balances, value in flight, the total of all money, and findings.

    Value in flight was paid by a wallet but not yet seen at its payee. Findings are contradictions
    in what wallets signed. Exits with 20 if the totals differ or there are findings.

    Example: jiaozi ledger show
    """
    check_ledger_exists(home)
    with ledger_of(home) as ledger:
        shown = report(ledger)
    if as_json:
        show(True, _report_data(shown), "")
    else:
        _print_report(shown)
    if not shown.holds or shown.findings:
        reason = f"{len(shown.findings)} findings" if shown.findings else "its totals differ"
        raise DoesNotAddUp(f"the ledger does not add up: {reason}")


def finding_data(found: Finding) -> dict[str, str]:
    """Return a finding for JSON output."""
    return {
        "operator": found.operator.hex(),
        "wallet": found.wallet.hex(),
        "kind": found.kind,
        "detail": found.detail,
        "subject": found.subject.hex(),
        "evidence": found.evidence.hex(),
        "at": found.at,
    }


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
                "payer": payment.payer_id.hex(),
                "payee": payment.payee_id.hex(),
                "amount": payment.amount,
                "in_flight": payment.in_flight,
                "state": payment.state,
            }
            for payment in shown.in_flight
        ],
        "balances": shown.balances,
        "value_in_flight": shown.value_in_flight,
        "held": shown.held,
        "issued": shown.issued,
        "cleared": shown.cleared,
        "holds": shown.holds,
        "findings": [finding_data(found) for found in shown.findings],
    }


def _print_report(shown: Report) -> None:
    out.print(_balances(shown))
    if shown.in_flight:
        out.print(_in_flight(shown))
    sign = "[green]=[/green]" if shown.holds else "[red]≠[/red]"
    in_flight = format_amount(shown.value_in_flight)
    held = f" + on hold {format_amount(shown.held)}" if shown.held else ""
    cleared = f" + cleared {format_amount(shown.cleared)}" if shown.cleared else ""
    out.print(
        f"balances {format_amount(shown.balances)} + in flight {in_flight}{held} "
        f"{sign} issued - redeemed {format_amount(shown.issued)}{cleared}"
    )
    for found in shown.findings:
        out.print(f"[red]{found.kind}[/red] {found.name}: {found.detail}")


def _balances(shown: Report) -> Table:
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
            table.add_row(f"  in purse {number}", "", "", "", "", *amounts, style=style)
    return table


def _in_flight(shown: Report) -> Table:
    table = Table("from", "to", "state", title="In flight")
    table.add_column("amount", justify="right", no_wrap=True)
    for payment in shown.in_flight:
        ends = (payment.payer_id.hex(), payment.payee_id.hex())
        table.add_row(*ends, payment.state, format_amount(payment.in_flight))
    return table

"""Commands of a wallet's owner: state, next tap and PIN of the wallet on the reader."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from jiaozi.wire import commands
from jiaozi.wire.certificates import read
from jiaozi.wire.cose import HASH_LENGTH, WALLET
from jiaozi_host.cli.context import (
    DEFAULT_WAIT,
    FORM_NAMES,
    NEW_PIN_VARIABLE,
    AmountArgument,
    HomeOption,
    JsonOption,
    ReaderOption,
    WaitOption,
    ask_pin,
    check_ledger_exists,
    ledger_of,
    open_operator,
    out,
    read_id,
    show,
    wallet_on,
)
from jiaozi_host.errors import HostError
from jiaozi_host.money import format_amount, parse_amount, parse_positive
from jiaozi_host.sync.own_wallet import set_pin
from jiaozi_host.vault.published import Published
from jiaozi_host.wallet import WalletClient

pin_app = typer.Typer(no_args_is_help=True, help="The wallet's PIN: change or unblock it.")

STATUS_NAMES = {
    commands.BLANK: "blank",
    commands.KEYED: "keyed",
    commands.READY: "ready",
    commands.FROZEN: "frozen",
    commands.OUTDATED: "outdated firmware",
    commands.DAMAGED: "damaged memory",
}


class Role(StrEnum):
    """The wallet's role at its next tap."""

    auto = "auto"
    reader = "reader"
    card = "card"


ROLES = {Role.auto: commands.AUTO, Role.reader: commands.READER, Role.card: commands.CARD}
RoleOption = Annotated[Role, typer.Option(help="Role of the wallet in that tap; auto tries both.")]


def info(
    home: HomeOption,
    reader: ReaderOption = None,
    wait: WaitOption = DEFAULT_WAIT,
    balance: Annotated[
        bool, typer.Option("--balance", help="Show the balance too; asks for the PIN.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a wallet's state: id, form, epoch, PIN tries, and with --balance its money.

    Example: jiaozi info --balance --reader /dev/ttyUSB0
    """
    pin = ask_pin() if balance else None
    trust = Published(home).trust if balance else None
    with wallet_on(reader, wait) as link:
        client = WalletClient(link, trust)
        client.select()
        if pin is not None:
            client.verify(pin)
        answer = client.info()
    data = {
        "status": STATUS_NAMES.get(answer.status, str(answer.status)),
        "id": answer.id.hex() if answer.id else None,
        "form": FORM_NAMES.get(answer.form, str(answer.form)) if answer.id else None,
        "tier": answer.tier if answer.id else None,
        "policy_version": answer.policy_version,
        "epoch": answer.epoch,
        "pin_tries": answer.tries,
        "balance": answer.balance,
        "pending": answer.pending,
        "open_requests": answer.open_requests,
        "firmware": answer.firmware,
    }
    lines = [f"{name.replace('_', ' '):15}{value}" for name, value in data.items()]
    if answer.balance is not None:
        lines[7] = f"{'balance':15}{format_amount(answer.balance)}"
    shown = [line for line, value in zip(lines, data.values(), strict=True) if value is not None]
    for number, held, expiry, cap, categories in answer.purses or []:
        where = ", ".join(map(str, categories))
        terms = f"until epoch {expiry}, {format_amount(cap)} a payment, categories {where}"
        shown.append(f"{f'purse {number}':15}{format_amount(held)} ({terms})")
    show(as_json, data | {"purses": answer.purses}, "\n".join(shown))


def pay(
    amount: AmountArgument,
    home: HomeOption,
    reader: ReaderOption = None,
    wait: WaitOption = DEFAULT_WAIT,
    role: RoleOption = Role.auto,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="PAYEE",
            show_default="any payee",
            help="Pay nobody else unasked: the id of a wallet in the ledger, or the hash of its "
            "certificate (64 hexadecimal digits).",
        ),
    ] = None,
) -> None:
    """Arm the wallet to pay this amount at its next tap, once, within two minutes.

    Example: jiaozi pay 12.50 --to 3f9ac1d200112233
    """
    minor = parse_positive(amount)
    payee = None if to is None else _certificate_hash(home, to)
    pin = ask_pin()
    trust = Published(home).trust
    with wallet_on(reader, wait) as link:
        client = WalletClient(link, trust)
        client.select()
        client.verify(pin)
        client.arm_pay(minor, ROLES[role], payee)
    out.print(f"the next tap within two minutes pays {format_amount(minor)}")


def _certificate_hash(home: Path, payee: str) -> bytes:
    """Return the hash of a payee's certificate, given itself or the wallet's id in the ledger."""
    if len(payee) == 2 * HASH_LENGTH:
        try:
            return bytes.fromhex(payee)
        except ValueError:
            raise HostError(
                f"{payee!r} is not the hash of a certificate", "give 64 hexadecimal digits"
            ) from None
    wallet = read_id(payee)
    check_ledger_exists(home)
    with ledger_of(home) as ledger:
        raw = ledger.wallet(wallet).certificate
    return read(WALLET, raw, Published(home).trust.network).hash


def receive(
    home: HomeOption,
    amount: Annotated[
        str, typer.Argument(metavar="AMOUNT", help="Amount, 0 for whatever the payer enters.")
    ] = "0",
    reader: ReaderOption = None,
    wait: WaitOption = DEFAULT_WAIT,
    role: RoleOption = Role.auto,
) -> None:
    """Arm the wallet to request this amount at its next tap.

    Example: jiaozi receive 12.50
    """
    minor, pin = parse_amount(amount), ask_pin()
    trust = Published(home).trust
    with wallet_on(reader, wait) as link:
        client = WalletClient(link, trust)
        client.select()
        client.verify(pin)
        client.arm_receive(minor, ROLES[role])
    out.print(f"the next tap receives {format_amount(minor) if minor else 'any amount'}")


def disarm(home: HomeOption, reader: ReaderOption = None, wait: WaitOption = DEFAULT_WAIT) -> None:
    """Clear what the wallet was armed for, and cancel its open requests.

    Example: jiaozi disarm
    """
    pin = ask_pin()
    trust = Published(home).trust
    with wallet_on(reader, wait) as link:
        client = WalletClient(link, trust)
        client.select()
        client.verify(pin)
        client.disarm()
    out.print("disarmed")


@pin_app.command("change")
def pin_change(
    home: HomeOption, reader: ReaderOption = None, wait: WaitOption = DEFAULT_WAIT
) -> None:
    """Change the PIN; asks for the old and the new one (or JIAOZI_PIN and JIAOZI_NEW_PIN).

    Example: jiaozi pin change
    """
    old = ask_pin("Old PIN")
    new = ask_pin("New PIN", NEW_PIN_VARIABLE, twice=True)
    trust = Published(home).trust
    with wallet_on(reader, wait) as link:
        client = WalletClient(link, trust)
        client.select()
        client.change(old, new)
    out.print("the PIN was changed")


@pin_app.command("unblock")
def pin_unblock(
    home: HomeOption, reader: ReaderOption = None, wait: WaitOption = DEFAULT_WAIT
) -> None:
    """Set a new PIN with the operator's key; asks for the new one (or JIAOZI_NEW_PIN).

    Use it when the PIN is blocked or forgotten.

    Example: jiaozi pin unblock
    """
    operator = open_operator(home)
    new = ask_pin("New PIN", NEW_PIN_VARIABLE, twice=True)
    with wallet_on(reader, wait) as link:
        wallet = set_pin(link, operator, new)
    out.print(f"wallet {wallet.hex()} has a new PIN")

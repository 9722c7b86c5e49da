"""Commands of a wallet's owner at a reader."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from jiaozi.wire import commands
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
    open_operator,
    out,
    show,
    wallet_on,
)
from jiaozi_host.money import format_amount, parse_amount, parse_positive
from jiaozi_host.sync import set_pin
from jiaozi_host.vault.published import Published
from jiaozi_host.wallet import WalletClient

pin_app = typer.Typer(no_args_is_help=True, help="The wallet's PIN.")

STATUS_NAMES = {
    commands.BLANK: "blank",
    commands.KEYED: "keyed",
    commands.READY: "ready",
    commands.FROZEN: "frozen",
    commands.OUTDATED: "outdated firmware",
}


class Role(StrEnum):
    """What the wallet does at its next tap."""

    auto = "auto"
    reader = "reader"
    card = "card"


ROLES = {Role.auto: commands.AUTO, Role.reader: commands.READER, Role.card: commands.CARD}
RoleOption = Annotated[
    Role, typer.Option(help="Whether the wallet reads, is read, or finds out (auto).")
]


def info(
    home: HomeOption,
    reader: ReaderOption = None,
    wait: WaitOption = DEFAULT_WAIT,
    balance: Annotated[
        bool, typer.Option("--balance", help="Also show what needs the PIN.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a wallet says of itself.

    Example: jiaozi info --balance --reader /dev/ttyUSB0
    """
    pin = ask_pin() if balance else None
    trust = Published(home).trust if balance else None
    with wallet_on(reader, wait) as link:
        client = WalletClient(link, trust)
        client.select()
        if pin is not None:
            client.verify(pin)
        told = client.info()
    data = {
        "status": STATUS_NAMES.get(told.status, str(told.status)),
        "id": told.id.hex() if told.id else None,
        "form": FORM_NAMES.get(told.form, str(told.form)) if told.id else None,
        "tier": told.tier if told.id else None,
        "policy_version": told.policy_version,
        "epoch": told.epoch,
        "pin_tries": told.tries,
        "balance": told.balance,
        "pending": told.pending,
        "open_requests": told.open_requests,
        "firmware": told.firmware,
    }
    lines = [f"{name.replace('_', ' '):15}{value}" for name, value in data.items()]
    if told.balance is not None:
        lines[7] = f"{'balance':15}{format_amount(told.balance)}"
    shown = [line for line, value in zip(lines, data.values(), strict=True) if value is not None]
    for number, held, expiry, cap, categories in told.purses or []:
        where = ", ".join(map(str, categories))
        terms = f"to epoch {expiry}, {format_amount(cap)} a payment, categories {where}"
        shown.append(f"{f'purse {number}':15}{format_amount(held)} of it ({terms})")
    show(as_json, data | {"purses": told.purses}, "\n".join(shown))


def pay(
    amount: AmountArgument,
    home: HomeOption,
    reader: ReaderOption = None,
    wait: WaitOption = DEFAULT_WAIT,
    role: RoleOption = Role.auto,
) -> None:
    """Arm the wallet: its next tap pays this amount, once.

    Example: jiaozi pay 12.50
    """
    minor, pin = parse_positive(amount), ask_pin()
    trust = Published(home).trust
    with wallet_on(reader, wait) as link:
        client = WalletClient(link, trust)
        client.select()
        client.verify(pin)
        client.arm_pay(minor, ROLES[role])
    out.print(f"the next tap pays {format_amount(minor)}")


def receive(
    home: HomeOption,
    amount: Annotated[str, typer.Argument(help="0 takes any amount there is room for.")] = "0",
    reader: ReaderOption = None,
    wait: WaitOption = DEFAULT_WAIT,
    role: RoleOption = Role.auto,
) -> None:
    """Arm the wallet: its next tap asks for this amount.

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
    """Make the wallet's next tap do nothing by itself; open requests are cancelled.

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
    """Replace the PIN: the owner knows the old one (JIAOZI_PIN, then JIAOZI_NEW_PIN).

    Example: jiaozi pin change
    """
    old = ask_pin("Old PIN")
    new = ask_pin("New PIN", NEW_PIN_VARIABLE, twice=True)
    trust = Published(home).trust
    with wallet_on(reader, wait) as link:
        client = WalletClient(link, trust)
        client.select()
        client.change(old, new)
    out.print("the PIN is changed")


@pin_app.command("unblock")
def pin_unblock(
    home: HomeOption, reader: ReaderOption = None, wait: WaitOption = DEFAULT_WAIT
) -> None:
    """Set a new PIN in the operator's name (JIAOZI_NEW_PIN), blocked or not.

    Example: jiaozi pin unblock
    """
    operator = open_operator(home)
    new = ask_pin("New PIN", NEW_PIN_VARIABLE, twice=True)
    with wallet_on(reader, wait) as link:
        wallet = set_pin(link, operator, new)
    out.print(f"wallet {wallet.hex()} has a new PIN")

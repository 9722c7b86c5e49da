"""Shared parts of the commands: options, home folder, secrets, reader and output."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from jiaozi.wire import certificates
from jiaozi.wire.cose import ID_LENGTH
from jiaozi_host.errors import HostError
from jiaozi_host.ledger.database import FILE
from jiaozi_host.ledger.ledger import Ledger
from jiaozi_host.links import GESTURE_POLL_SECONDS, READER_VARIABLE, Link, open_link
from jiaozi_host.vault import Authority, Operator, authority, keys, operator

HOME_VARIABLE = "JIAOZI_HOME"
PIN_VARIABLE = "JIAOZI_PIN"
NEW_PIN_VARIABLE = "JIAOZI_NEW_PIN"
PASSPHRASE_VARIABLE = "JIAOZI_PASSPHRASE"

HomeOption = Annotated[
    Path,
    typer.Option(
        "--home",
        metavar="FOLDER",
        envvar=HOME_VARIABLE,
        show_default="~/.jiaozi",
        default_factory=lambda: Path.home() / ".jiaozi",
        help="Folder with keys and ledger.",
    ),
]
ReaderOption = Annotated[
    str | None,
    typer.Option(
        "--reader",
        metavar="PATH",
        envvar=READER_VARIABLE,
        show_default="the first one found",
        help="Reader: path of a serial device, or a path of nfcpy such as usb.",
    ),
]
WaitOption = Annotated[
    float,
    typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait for a wallet."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON; amounts are in minor units.")]
NoPassphraseOption = Annotated[
    bool,
    typer.Option("--no-passphrase", help="Store keys unencrypted; only for tests and demos."),
]
AmountArgument = Annotated[
    str, typer.Argument(metavar="AMOUNT", help="Amount, for instance 12.50.")
]
WalletArgument = Annotated[
    str, typer.Argument(metavar="WALLET", help="Id of the wallet: 16 hexadecimal digits.")
]

DEFAULT_WAIT = 30.0

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Form(StrEnum):
    """Forms of a wallet, by their names on the command line."""

    account = "account"
    card = "card"
    wearable = "wearable"
    sim = "sim"


FORMS = {
    Form.account: certificates.ACCOUNT,
    Form.card: certificates.CARD,
    Form.wearable: certificates.WEARABLE,
    Form.sim: certificates.SIM,
}
FORM_NAMES = {number: form.value for form, number in FORMS.items()}


class Stopped(HostError):
    """The user pressed Ctrl-C."""

    exit_code = 130
    remedy = "nothing is lost: run the command again to resume it"


class BadPin(HostError):
    """The text cannot be a PIN."""

    exit_code = 2
    remedy = "enter 4 to 12 digits"


class DoesNotAddUp(HostError):
    """There are findings, or the ledger's totals differ."""

    exit_code = 20
    remedy = "look at the balances and findings: jiaozi ledger show"


# Secrets ------------------------------------------------------------------------------------------


def ask_pin(prompt: str = "PIN", variable: str = PIN_VARIABLE, twice: bool = False) -> str:
    """Return a PIN from the environment variable or a hidden prompt. Raises BadPin.

    There is no option for it: arguments are visible to other processes.
    """
    pin = os.environ.get(variable)
    if pin is None:
        pin = str(typer.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True))
    if not (4 <= len(pin) <= 12 and pin.isascii() and pin.isdigit()):
        raise BadPin("this is not a PIN; nothing was sent to the wallet")
    return pin


def ask_new_passphrase(none: bool) -> str | None:
    """Return the passphrase for new keys, None if `none`. Raises VaultError if too short."""
    if none:
        return None
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given is None:
        given = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    keys.check_passphrase(given)
    return str(given)


def passphrase_of(path: Path) -> str | None:
    """Return the passphrase of a key file, None if it is not encrypted."""
    if not keys.is_encrypted(path):
        return None
    given = os.environ.get(PASSPHRASE_VARIABLE)
    return given or str(typer.prompt(f"Passphrase of {path}", hide_input=True, err=True))


def open_authority(home: Path) -> Authority:
    """Open the authority of a home; ask for the passphrase of an encrypted key."""
    return Authority.open(home, passphrase_of(authority.key_path(home)))


def open_operator(home: Path) -> Operator:
    """Open the operator of a home; ask for the passphrase of encrypted keys."""
    return Operator.open(home, passphrase_of(operator.key_path(home)))


@contextmanager
def ledger_of(home: Path) -> Iterator[Ledger]:
    """Open the ledger of a home, and close it at the end."""
    ledger = Ledger.open(home)
    try:
        yield ledger
    finally:
        ledger.close()


def check_ledger_exists(home: Path) -> None:
    """Raise HostError when a home has no ledger yet."""
    if not (home / FILE).exists():
        raise HostError(
            f"there is no ledger in {home}", "run jiaozi operator init, or check --home"
        )


def read_id(text: str) -> bytes:
    """Parse the id of a wallet or an operator. Raises HostError."""
    try:
        identity = bytes.fromhex(text)
    except ValueError:
        identity = b""
    if len(identity) != ID_LENGTH:
        raise HostError(
            f"{text!r} is not an id",
            "give 16 hexadecimal digits, as jiaozi ledger show prints them",
        )
    return identity


# Readers ------------------------------------------------------------------------------------------


@contextmanager
def wallet_on(reader: str | None, wait: float) -> Iterator[Link]:
    """Open a reader and wait for a wallet on it; Ctrl-C in the block raises Stopped.

    While the wallet waits for its owner to press a key, it is said once what to press.
    """
    said: list[str] = []

    def prompt() -> None:
        if not said:
            said.append("press OK on the wallet, which asks for it, and leave it on the reader")
            err.print(said[0])
        time.sleep(GESTURE_POLL_SECONDS)

    try:
        with open_link(reader) as link:
            link.on_gesture = prompt
            with err.status(f"put the wallet on {link.name}") as status:
                link.wait_for_card(
                    wait,
                    lambda left: status.update(f"put the wallet on {link.name} ({left:.0f} s)"),
                )
            yield link
    except KeyboardInterrupt:
        raise Stopped("stopped by Ctrl-C") from None


# Output -------------------------------------------------------------------------------------------


def show(as_json: bool, data: dict[str, Any], line: str) -> None:
    """Print a result: text, or `data` as JSON with amounts in minor units and ids in hex."""
    if as_json:
        typer.echo(json.dumps(data, indent=2))
    else:
        out.print(line)

"""What the commands share: options, the home, secrets, and a reader with a wallet on it."""

from __future__ import annotations

import json
import os
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
from jiaozi_host.ledger import FILE, Ledger
from jiaozi_host.links import READER_VARIABLE, Link, open_link
from jiaozi_host.vault import Authority, Operator, authority, keys, operator

HOME_VARIABLE = "JIAOZI_HOME"
PIN_VARIABLE = "JIAOZI_PIN"
NEW_PIN_VARIABLE = "JIAOZI_NEW_PIN"
PASSPHRASE_VARIABLE = "JIAOZI_PASSPHRASE"

HomeOption = Annotated[
    Path,
    typer.Option(
        "--home",
        envvar=HOME_VARIABLE,
        show_default="~/.jiaozi",
        default_factory=lambda: Path.home() / ".jiaozi",
        help="Folder of keys and ledger.",
    ),
]
ReaderOption = Annotated[
    str | None,
    typer.Option(
        "--reader",
        envvar=READER_VARIABLE,
        show_default="the first one found",
        help="Reader: a serial device's path, or one of nfcpy's such as usb.",
    ),
]
WaitOption = Annotated[
    float, typer.Option("--wait", min=0, help="Seconds to wait for a wallet on the reader.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
NoPassphraseOption = Annotated[
    bool,
    typer.Option("--no-passphrase", help="Leave keys unencrypted: for tests and demonstrations."),
]
AmountArgument = Annotated[str, typer.Argument(metavar="AMOUNT", help="For instance 12.50")]

DEFAULT_WAIT = 30.0

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Form(StrEnum):
    """Forms of a wallet, as people write them."""

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
    """The person pressed Ctrl-C."""

    exit_code = 130
    remedy = "nothing is lost: run the command again and it goes on where it stopped"


class BadPin(HostError):
    """What was given cannot be a PIN."""

    exit_code = 2
    remedy = "a PIN has 4 to 12 digits"


# Secrets ------------------------------------------------------------------------------------------


def ask_pin(prompt: str = "PIN", variable: str = PIN_VARIABLE, twice: bool = False) -> str:
    """A PIN from the environment or a hidden prompt; never from the argument list."""
    pin = os.environ.get(variable)
    if pin is None:
        pin = str(typer.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True))
    if not (4 <= len(pin) <= 12 and pin.isascii() and pin.isdigit()):
        raise BadPin("that is not a PIN")
    return pin


def ask_new_passphrase(none: bool) -> str | None:
    """The passphrase new keys get; None when the person asked for none."""
    if none:
        return None
    given = os.environ.get(PASSPHRASE_VARIABLE)
    if given is None:
        given = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    keys.check_passphrase(given)
    return str(given)


def passphrase_of(path: Path) -> str | None:
    """The passphrase of a key file, asked for if it wants one."""
    if not keys.is_encrypted(path):
        return None
    given = os.environ.get(PASSPHRASE_VARIABLE)
    return given or str(typer.prompt(f"Passphrase of {path}", hide_input=True, err=True))


def open_authority(home: Path) -> Authority:
    """The authority of a home, its passphrase asked for if there is one."""
    return Authority.open(home, passphrase_of(authority.key_path(home)))


def open_operator(home: Path) -> Operator:
    """The operator of a home, its passphrase asked for if there is one."""
    return Operator.open(home, passphrase_of(operator.key_path(home)))


@contextmanager
def ledger_of(home: Path) -> Iterator[Ledger]:
    """The ledger of a home."""
    ledger = Ledger.open(home)
    try:
        yield ledger
    finally:
        ledger.close()


def existing_ledger(home: Path) -> Path:
    """Where the ledger is. Raises HostError when there is none yet."""
    path = home / FILE
    if not path.exists():
        raise HostError(f"no ledger in {home}", "run: jiaozi operator init, then jiaozi issue")
    return path


def short_id(text: str) -> bytes:
    """Read the id of a wallet or an operator. Raises HostError."""
    try:
        identity = bytes.fromhex(text)
    except ValueError:
        identity = b""
    if len(identity) != ID_LENGTH:
        raise HostError(f"not an id: {text!r}", "an id has 16 hexadecimal digits")
    return identity


# Readers ------------------------------------------------------------------------------------------


@contextmanager
def wallet_on(reader: str | None, wait: float) -> Iterator[Link]:
    """An open reader with a wallet on it."""
    try:
        with open_link(reader) as link:
            with err.status(f"lay the wallet on {link.name}") as status:
                link.wait_for_card(
                    wait,
                    lambda left: status.update(f"lay the wallet on {link.name} ({left:.0f} s)"),
                )
            yield link
    except KeyboardInterrupt:
        raise Stopped("stopped") from None


# Output -------------------------------------------------------------------------------------------


def show(as_json: bool, data: dict[str, Any], line: str) -> None:
    """Write a result: a line for people, or JSON with amounts in minor units and ids in hex."""
    if as_json:
        typer.echo(json.dumps(data, indent=2))
    else:
        out.print(line)

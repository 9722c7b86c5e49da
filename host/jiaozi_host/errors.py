"""Errors of the host: each has a message, a remedy and an exit code."""

from __future__ import annotations

from jiaozi.wire.errors import PIN_BLOCKED, PIN_WRONG, Refused
from jiaozi_host.error_texts import explain


class HostError(Exception):
    """Base of all errors that are printed as one line.

    remedy: what the user can do; exit_code: of the command `jiaozi`.
    """

    exit_code = 1
    remedy = ""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        if remedy:
            self.remedy = remedy


class ReaderMissing(HostError):
    """There is no reader at the path, or it does not answer."""

    exit_code = 3
    remedy = "plug in the reader and name it, for instance: --reader /dev/ttyUSB0"


class NoCard(HostError):
    """No card was found in time."""

    exit_code = 4
    remedy = "put the wallet on the reader and run the command again"


class CardGone(HostError):
    """The card was removed or stopped answering before the command was done."""

    exit_code = 5
    remedy = "put the wallet on the reader and run the command again to resume it"


class ForeignCard(HostError):
    """The card on the reader is not a Jiaozi wallet."""

    exit_code = 6
    remedy = "remove it and put a Jiaozi wallet on the reader"


class RuleRefused(HostError):
    """A rule of the protocol was violated, at this host or in the wallet.

    status: the status word; name: its name in `protocol/errors.toml`.
    """

    exit_code = 9

    def __init__(self, status: int, who: str) -> None:
        text = explain(status)
        super().__init__(f"{who}: {text.text} ({text.name})", text.remedy)
        self.status = status
        self.name = text.name


class AccountRefused(RuleRefused):
    """The operator's account refuses a transfer."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(refusal.sw, "the operator's account refuses")


class WalletRefused(RuleRefused):
    """The wallet answered with a status word other than 9000."""

    def __init__(self, status: int) -> None:
        super().__init__(status, "the wallet refuses")


class WrongPin(WalletRefused):
    """The PIN was wrong. tries: number of tries left."""

    exit_code = 7

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.tries = status & 0xF
        noun = "try" if self.tries == 1 else "tries"
        self.args = (f"the PIN is wrong: {self.tries} {noun} left",)
        if self.tries == 0:
            self.remedy = explain(PIN_BLOCKED).remedy


class PinBlocked(WalletRefused):
    """The PIN is blocked after too many wrong tries."""

    exit_code = 8


class BadAnswer(HostError):
    """A wallet's answer is malformed or not authentic."""

    exit_code = 10
    remedy = "try again; if it persists, do not trust this wallet and take it to its operator"


class VaultError(HostError):
    """Keys, certificates or policies are missing, unreadable or inconsistent."""

    exit_code = 11


class LedgerError(HostError):
    """The ledger refuses an operation; nothing was changed."""

    exit_code = 12


class ClearingRefused(LedgerError):
    """A clearing file of another operator is refused; nothing was imported."""

    exit_code = 13


def refused_by_wallet(status: int) -> WalletRefused:
    """Return the error for a status word of a wallet."""
    if status & 0xFFF0 == PIN_WRONG:
        return WrongPin(status)
    if status == PIN_BLOCKED:
        return PinBlocked(status)
    return WalletRefused(status)

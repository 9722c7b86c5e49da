"""What can go wrong at the host: each error says what happened and what to do about it."""

from __future__ import annotations

from jiaozi.wire.errors import PIN_BLOCKED, PIN_WRONG, Refused
from jiaozi_host.error_texts import explain


class HostError(Exception):
    """Base of all errors that a person is told in one line.

    remedy: what to do about it; exit_code: what the command `jiaozi` returns.
    """

    exit_code = 1
    remedy = ""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        if remedy:
            self.remedy = remedy


class ReaderMissing(HostError):
    """There is no reader at the path, or it does not answer (any more)."""

    exit_code = 3
    remedy = "plug the reader in and name it with --reader, for instance --reader /dev/ttyUSB0"


class NoCard(HostError):
    """No card came into the field in time."""

    exit_code = 4
    remedy = "lay the wallet on the reader and run the command again"


class CardGone(HostError):
    """The card left the field, or stopped answering, before it was done."""

    exit_code = 5
    remedy = "lay the wallet on the reader again and repeat the command, which then resumes"


class ForeignCard(HostError):
    """The card in the field is not a Jiaozi wallet."""

    exit_code = 6
    remedy = "take it away and lay a Jiaozi wallet on the reader"


class RuleRefused(HostError):
    """A rule of the protocol refuses, at this host or in the wallet.

    status: the status word; name: its name in the registry of errors.
    """

    exit_code = 9

    def __init__(self, status: int, who: str) -> None:
        text = explain(status)
        super().__init__(f"{who}: {text.text} ({text.name})", text.remedy)
        self.status = status
        self.name = text.name


class AccountRefused(RuleRefused):
    """A rule refuses at the operator's own account."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(refusal.sw, "the operator's account refuses")


class WalletRefused(RuleRefused):
    """The wallet answered a command with a status word other than 9000."""

    def __init__(self, status: int) -> None:
        super().__init__(status, "the wallet refuses")


class WrongPin(WalletRefused):
    """The PIN was wrong. tries: how many are left."""

    exit_code = 7

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.tries = status & 0xF
        noun = "try" if self.tries == 1 else "tries"
        self.args = (f"the PIN is wrong: {self.tries} {noun} left",)
        if self.tries == 0:
            self.remedy = explain(PIN_BLOCKED).remedy


class PinBlocked(WalletRefused):
    """Too many wrong PINs: only the operator can set a new one."""

    exit_code = 8


class BadAnswer(HostError):
    """A wallet answered with something that is not a valid message."""

    exit_code = 10
    remedy = "do not trust this wallet; if it persists, bring it to its operator"


class VaultError(HostError):
    """Keys, certificates or policies are missing, or do not open, or contradict each other."""

    exit_code = 11


class LedgerError(HostError):
    """The ledger does not take what it is given."""

    exit_code = 12


class ClearingRefused(LedgerError):
    """What another operator has exported is not taken; nothing has changed."""

    exit_code = 13


def refused_by_wallet(status: int) -> WalletRefused:
    """The error for a status word of a wallet."""
    if status & 0xFFF0 == PIN_WRONG:
        return WrongPin(status)
    if status == PIN_BLOCKED:
        return PinBlocked(status)
    return WalletRefused(status)

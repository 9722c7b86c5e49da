"""What a status word means to people.

Generated from protocol/errors.toml by protocol/tools/gen_errors.py; do not edit.
"""

from typing import NamedTuple

COUNTER = 0x63C0  # 63CX: the last digit is the number of tries left


class ErrorText(NamedTuple):
    """A refusal's name in the registry, what happened, and what to do about it."""

    name: str
    text: str
    remedy: str


TEXTS = {
    0x63C0: ErrorText(
        "PIN_WRONG",
        "the PIN is wrong (the last digit of the status word is the number of tries left)",
        "try again with care",
    ),
    0x6700: ErrorText(
        "WRONG_LENGTH",
        "the command's length fields are wrong",
        "use extended-length APDUs",
    ),
    0x6982: ErrorText(
        "PIN_NEEDED",
        "the PIN has not been verified",
        "give the PIN",
    ),
    0x6983: ErrorText(
        "PIN_BLOCKED",
        "the PIN is blocked after too many wrong tries",
        "bring the wallet to its operator to set a new PIN",
    ),
    0x6985: ErrorText(
        "NOT_ALLOWED",
        "the wallet does not take this command in its present state",
        "select the wallet, and provision it first if it is new",
    ),
    0x6987: ErrorText(
        "CHANNEL_NEEDED",
        "the wallet takes this command only inside an encrypted channel",
        "update the host software",
    ),
    0x6988: ErrorText(
        "CHANNEL_BROKEN",
        "the encrypted channel does not hold: a message was changed, repeated or left out",
        "start again; if it persists, do not trust this reader",
    ),
    0x6A80: ErrorText(
        "MALFORMED",
        "the data is not a valid message",
        "update the older of the two sides; if it persists, report the frame log",
    ),
    0x6A82: ErrorText(
        "NOT_FOUND",
        "the thing asked for is not there",
        "check that this is a Jiaozi wallet and that the position exists",
    ),
    0x6A86: ErrorText(
        "WRONG_P1P2",
        "the command's parameters are wrong",
        "update the host software",
    ),
    0x6D00: ErrorText(
        "INS_UNKNOWN",
        "the wallet does not know this command",
        "update the older of the two sides",
    ),
    0x6E00: ErrorText(
        "CLA_UNKNOWN",
        "the wallet does not know this class of command",
        "select the wallet application first",
    ),
    0x6F00: ErrorText(
        "INTERNAL",
        "the wallet met a fault of its own",
        "tap again; if it persists, bring the wallet to its operator",
    ),
    0x9401: ErrorText(
        "OVER_BALANCE",
        "the amount is above the balance",
        "top the wallet up",
    ),
    0x9402: ErrorText(
        "OVER_SINGLE",
        "the amount is above the limit of one payment",
        "pay a smaller amount",
    ),
    0x9403: ErrorText(
        "OVER_OFFLINE_TOTAL",
        "the total that may be paid before the next sync is used up",
        "sync the wallet",
    ),
    0x9404: ErrorText(
        "OVER_OFFLINE_COUNT",
        "the number of payments before the next sync is used up",
        "sync the wallet",
    ),
    0x9405: ErrorText(
        "OVER_HOPS",
        "the value has changed hands too often since it was last seen by an operator",
        "sync the wallet",
    ),
    0x9406: ErrorText(
        "CONSENT_NEEDED",
        "the payer must confirm on the wallet",
        "press OK on the wallet, then tap again (or keep it in place)",
    ),
    0x9407: ErrorText(
        "CONSENT_REFUSED",
        "the payer refused",
        "ask the payer",
    ),
    0x9408: ErrorText(
        "REQUEST_EXPIRED",
        "the request has expired",
        "make a new request",
    ),
    0x9409: ErrorText(
        "REQUEST_CLOSED",
        "the request was closed and is never answered again",
        "make a new request",
    ),
    0x940A: ErrorText(
        "AMOUNT_MISMATCH",
        "the requested amount is not the one the payer entered",
        "agree on the amount and enter it again",
    ),
    0x940B: ErrorText(
        "PURSE_REFUSED",
        "the request does not take the purse",
        "choose another purse",
    ),
    0x940C: ErrorText(
        "JOURNAL_FULL",
        "the journal has no room for another payment",
        "sync the wallet",
    ),
    0x940D: ErrorText(
        "SAME_WALLET",
        "a wallet cannot pay itself",
        "use another wallet",
    ),
    0x940E: ErrorText(
        "SYNC_OVERDUE",
        "the wallet has not been synced for too many epochs",
        "sync the wallet",
    ),
    0x940F: ErrorText(
        "AMOUNT_INVALID",
        "the amount must be above zero and within what the request permits",
        "enter another amount",
    ),
    0x9410: ErrorText(
        "BUSY",
        "another transaction holds the wallet",
        "finish it or take the other reader away, then tap again",
    ),
    0x9411: ErrorText(
        "AMOUNT_NEEDED",
        "the request is open: the payer must enter the amount",
        "enter the amount on the payer's side, then tap again",
    ),
    0x9412: ErrorText(
        "TERMS_REFUSED",
        "the terms of the purse do not permit this",
        "pay with general money, or pay a payee that the terms name",
    ),
    0x9413: ErrorText(
        "TOO_MANY_PURSES",
        "the wallet has no room for another purse",
        "use up a purse, and sync once it has expired",
    ),
    0x9501: ErrorText(
        "OTHER_REQUEST",
        "the payment does not answer a request of this wallet",
        "tap the wallet that made the request",
    ),
    0x9502: ErrorText(
        "OVER_CAP",
        "the balance would go above its cap",
        "ask for less, or cash out first",
    ),
    0x9503: ErrorText(
        "NO_REQUEST",
        "the wallet has no open request",
        "enter an amount to receive first",
    ),
    0x9504: ErrorText(
        "TOO_MANY_REQUESTS",
        "too many requests are open",
        "finish or cancel one first",
    ),
    0x9505: ErrorText(
        "UNKNOWN_PAYMENT",
        "the receipt or void is not for a payment of this wallet",
        "tap the wallet that paid",
    ),
    0x9601: ErrorText(
        "BAD_SIGNATURE",
        "a signature does not verify",
        "do not trust the other side; report it to the operator",
    ),
    0x9602: ErrorText(
        "WRONG_SIGNER",
        "the object names another signer than the certificate given",
        "tap again; report it to the operator if it persists",
    ),
    0x9603: ErrorText(
        "UNKNOWN_OPERATOR",
        "the certificate was issued by an operator this wallet does not know",
        "sync the wallet",
    ),
    0x9605: ErrorText(
        "EXPIRED",
        "a certificate has expired",
        "have the wallet renewed by its operator",
    ),
    0x9606: ErrorText(
        "REVOKED",
        "a wallet or its operator is revoked",
        "bring the wallet to its operator",
    ),
    0x9607: ErrorText(
        "POLICY_OLDER",
        "the policy is older than the one in force",
        "sync with an up-to-date host",
    ),
    0x9608: ErrorText(
        "EPOCH_OLDER",
        "the epoch is older than the one in force",
        "sync with an up-to-date host",
    ),
    0x9609: ErrorText(
        "WRONG_CURRENCY",
        "the currency is not the wallet's",
        "use a wallet of the same currency",
    ),
    0x960A: ErrorText(
        "WRONG_TIER",
        "the policy is for another tier than the wallet's",
        "give the wallet the policy of the tier in its certificate",
    ),
    0x960B: ErrorText(
        "FROZEN",
        "the operator has frozen the wallet: what it has signed does not add up",
        "bring it to its operator",
    ),
    0x960C: ErrorText(
        "FIRMWARE_OLDER",
        "the wallet's firmware is older than it may be",
        "have its operator bring the firmware up to date",
    ),
    0x9701: ErrorText(
        "SESSION_NEEDED",
        "only the operator may do this, within a session it has opened",
        "run the operator's tool with its key",
    ),
    0x9702: ErrorText(
        "ALREADY_PROVISIONED",
        "the wallet is provisioned already; it is never restored under an existing key",
        "use a fresh wallet",
    ),
    0x9704: ErrorText(
        "WRONG_KEY",
        "the certificate is not for this wallet's key",
        "start provisioning again",
    ),
    0x9705: ErrorText(
        "SETTLEMENT_MISMATCH",
        "the settlement does not fit the wallet's journal or nonce",
        "sync again",
    ),
    0x9706: ErrorText(
        "CLEARING_MISMATCH",
        "the clearing file is not for this operator, or an item in it does not fit its proof",
        "ask the other operator to export it again",
    ),
    0x9707: ErrorText(
        "NOT_AT_REST",
        "the wallet still has a pending payment, an open request, or value in a purse with terms",
        "finish or take back what is open (jiaozi disarm, jiaozi sync), then try again",
    ),
    0x9708: ErrorText(
        "ROTATION_MISMATCH",
        "the rotation does not fit the wallet's journal, its next key or its certificate",
        "sync again",
    ),
}


def explain(sw: int) -> ErrorText:
    """The text for a status word; one that is not in the registry says so."""
    key = COUNTER if sw & 0xFFF0 == COUNTER else sw
    unknown = ErrorText("UNKNOWN", f"status word {sw:04X} is not known", "update this software")
    return TEXTS.get(key, unknown)

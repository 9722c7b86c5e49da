"""Status words explained to users.

Generated from protocol/errors.toml by protocol/tools/gen_errors.py; do not edit.
"""

from typing import NamedTuple

COUNTER = 0x63C0  # 63CX: the last digit is the number of tries left


class ErrorText(NamedTuple):
    """A refusal's name in the registry, what happened, and what to do next."""

    name: str
    text: str
    remedy: str


TEXTS = {
    0x63C0: ErrorText(
        "PIN_WRONG",
        "the PIN is wrong (the last digit of the status word counts the tries left)",
        "enter the right PIN; when no try is left, the PIN is blocked",
    ),
    0x6700: ErrorText(
        "WRONG_LENGTH",
        "the length fields of the command are wrong",
        "use a reader and host software that support extended-length APDUs",
    ),
    0x6982: ErrorText(
        "PIN_NEEDED",
        "the PIN has not been verified",
        "enter the PIN, then repeat the command",
    ),
    0x6983: ErrorText(
        "PIN_BLOCKED",
        "the PIN is blocked after too many wrong tries",
        "take the wallet to its operator, who can set a new PIN",
    ),
    0x6985: ErrorText(
        "NOT_ALLOWED",
        "the command is not allowed in the wallet's present state",
        "if the wallet is new, provision it first",
    ),
    0x6987: ErrorText(
        "CHANNEL_NEEDED",
        "the command is allowed only inside an encrypted channel",
        "update the host software",
    ),
    0x6988: ErrorText(
        "CHANNEL_BROKEN",
        "the encrypted channel failed: a message was changed, repeated or lost",
        "run the command again; if it persists, do not trust this reader",
    ),
    0x6A80: ErrorText(
        "MALFORMED",
        "the data is not a valid message",
        "try again; if it persists, update the older of the two sides",
    ),
    0x6A82: ErrorText(
        "NOT_FOUND",
        "the application or journal entry does not exist",
        "check that the card is a Jiaozi wallet",
    ),
    0x6A86: ErrorText(
        "WRONG_P1P2",
        "the parameters P1 and P2 of the command are wrong",
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
        "the wallet has an internal fault",
        "try again; if it persists, take the wallet to its operator",
    ),
    0x9401: ErrorText(
        "OVER_BALANCE",
        "the amount is above the balance",
        "pay a smaller amount, or top up the wallet",
    ),
    0x9402: ErrorText(
        "OVER_SINGLE",
        "the amount is above the limit for one payment",
        "pay a smaller amount",
    ),
    0x9403: ErrorText(
        "OVER_OFFLINE_TOTAL",
        "the total of payments allowed until the next sync is reached",
        "sync the wallet",
    ),
    0x9404: ErrorText(
        "OVER_OFFLINE_COUNT",
        "the number of payments allowed until the next sync is reached",
        "sync the wallet",
    ),
    0x9405: ErrorText(
        "OVER_HOPS",
        "the money has changed hands too often since it was last synced",
        "sync the wallet",
    ),
    0x9406: ErrorText(
        "CONSENT_NEEDED",
        "the payer must confirm on the wallet",
        "press OK on the wallet, then tap again or keep it in place",
    ),
    0x9407: ErrorText(
        "CONSENT_REFUSED",
        "the payer refused the payment",
        "agree with the payer, then tap again",
    ),
    0x9408: ErrorText(
        "REQUEST_EXPIRED",
        "the request has expired",
        "make a new request",
    ),
    0x9409: ErrorText(
        "REQUEST_CLOSED",
        "the request is closed and cannot be paid any longer",
        "make a new request",
    ),
    0x940A: ErrorText(
        "AMOUNT_MISMATCH",
        "the requested amount differs from the amount the payer entered",
        "enter the requested amount on the payer's side, then tap again",
    ),
    0x940B: ErrorText(
        "PURSE_REFUSED",
        "the request does not accept money of this purse",
        "choose another purse",
    ),
    0x940C: ErrorText(
        "JOURNAL_FULL",
        "the wallet's journal is full",
        "sync the wallet",
    ),
    0x940D: ErrorText(
        "SAME_WALLET",
        "a wallet cannot pay itself",
        "use another wallet",
    ),
    0x940E: ErrorText(
        "SYNC_OVERDUE",
        "the wallet's last sync is too many epochs ago",
        "sync the wallet",
    ),
    0x940F: ErrorText(
        "AMOUNT_INVALID",
        "the amount is zero or above what the request permits",
        "enter another amount",
    ),
    0x9410: ErrorText(
        "BUSY",
        "another transaction is in progress on the wallet",
        "finish it or remove the wallet from the other reader, then try again",
    ),
    0x9411: ErrorText(
        "AMOUNT_NEEDED",
        "the request names no amount, and the payer has entered none",
        "enter the amount on the payer's side, then tap again",
    ),
    0x9412: ErrorText(
        "TERMS_REFUSED",
        "the terms of the purse do not permit this",
        "pay with general money, or pay a payee in the categories of the terms",
    ),
    0x9413: ErrorText(
        "TOO_MANY_PURSES",
        "the wallet has no room for another purse",
        "spend a purse or let it expire, then sync the wallet",
    ),
    0x9414: ErrorText(
        "OTHER_PAYEE",
        "the payer's wallet is armed to pay another payee",
        "tap the payee that was chosen, or clear the payment (jiaozi disarm)",
    ),
    0x9501: ErrorText(
        "OTHER_REQUEST",
        "the payment does not answer a request of this wallet",
        "tap the wallet that requested the money",
    ),
    0x9502: ErrorText(
        "OVER_CAP",
        "the payee's balance would exceed its cap",
        "request less, or cash out first",
    ),
    0x9503: ErrorText(
        "NO_REQUEST",
        "the payee's wallet requests no money",
        "enter an amount on the payee's wallet first, then tap again",
    ),
    0x9504: ErrorText(
        "TOO_MANY_REQUESTS",
        "too many requests are open on the wallet",
        "let one be paid, or cancel them (jiaozi disarm)",
    ),
    0x9505: ErrorText(
        "UNKNOWN_PAYMENT",
        "the receipt or void is not for a payment of this wallet",
        "tap the wallet that paid",
    ),
    0x9506: ErrorText(
        "TOO_MANY_VOIDS",
        "the payment was not credited, and the payee's wallet may give no more voids for now",
        "sync both wallets; the money comes back once the request has expired",
    ),
    0x9601: ErrorText(
        "BAD_SIGNATURE",
        "a signature does not verify",
        "do not trust the other side; report it to your operator",
    ),
    0x9602: ErrorText(
        "WRONG_SIGNER",
        "the signed object names a signer other than the given certificate",
        "try again; if it persists, report it to your operator",
    ),
    0x9603: ErrorText(
        "UNKNOWN_OPERATOR",
        "the operator that issued the certificate is not known here",
        "sync the wallet; on a host, run jiaozi operator refresh",
    ),
    0x9605: ErrorText(
        "EXPIRED",
        "a certificate or the terms of a purse have expired",
        "sync the wallet; if it persists, take it to its operator for a new certificate",
    ),
    0x9606: ErrorText(
        "REVOKED",
        "a wallet or its operator has been revoked",
        "take the wallet to its operator",
    ),
    0x9607: ErrorText(
        "POLICY_OLDER",
        "the policy is older than the one in force",
        "update the host (jiaozi operator refresh), then sync again",
    ),
    0x9608: ErrorText(
        "EPOCH_OLDER",
        "the epoch is older than the one in force",
        "update the host (jiaozi operator refresh), then sync again",
    ),
    0x9609: ErrorText(
        "WRONG_CURRENCY",
        "the currency differs from the wallet's",
        "use two wallets of the same currency",
    ),
    0x960A: ErrorText(
        "WRONG_TIER",
        "the policy is for a tier other than the wallet's",
        "install the policy of the tier in the wallet's certificate",
    ),
    0x960B: ErrorText(
        "FROZEN",
        "the operator has frozen the wallet because its records do not add up",
        "take the wallet to its operator; its balance is kept",
    ),
    0x960C: ErrorText(
        "FIRMWARE_OLDER",
        "the wallet's firmware is too old",
        "take the wallet to its operator for a firmware update",
    ),
    0x960D: ErrorText(
        "MEMORY_DAMAGED",
        "the wallet's memory is damaged, or comes from another device",
        "take the wallet to its operator; do not enter the PIN",
    ),
    0x9701: ErrorText(
        "SESSION_NEEDED",
        "the command needs an encrypted session with the wallet's operator",
        "run it as the operator: jiaozi with the operator's --home",
    ),
    0x9702: ErrorText(
        "ALREADY_PROVISIONED",
        "the device is a wallet already and was left unchanged",
        "use a blank device",
    ),
    0x9704: ErrorText(
        "WRONG_KEY",
        "the certificate is for another key than the device's",
        "run the provisioning again",
    ),
    0x9705: ErrorText(
        "SETTLEMENT_MISMATCH",
        "the settlement does not match the wallet's journal or nonce",
        "sync the wallet again",
    ),
    0x9706: ErrorText(
        "CLEARING_MISMATCH",
        "the clearing file is for another operator, or a payment in it lacks its proof",
        "ask the other operator to export it again",
    ),
    0x9707: ErrorText(
        "NOT_AT_REST",
        "the wallet has a pending payment, an open request, or money in a purse with terms",
        "run jiaozi disarm and jiaozi sync, spend the purses, then try again",
    ),
    0x9708: ErrorText(
        "ROTATION_MISMATCH",
        "the rotation does not match the wallet's journal, next key or certificate",
        "sync the wallet again",
    ),
    0x9709: ErrorText(
        "GESTURE_NEEDED",
        "the owner must allow the PIN on the wallet",
        "press OK on the wallet when it asks, and leave it on the reader",
    ),
    0x970A: ErrorText(
        "GESTURE_REFUSED",
        "the owner refused the PIN on the wallet",
        "run the command again and press OK on the wallet",
    ),
    0x970B: ErrorText(
        "CONTACT_NEEDED",
        "the wallet has no keys, and takes the last try of its PIN only on its contact line",
        "put the wallet into a reader with contacts, or have its operator set a new PIN",
    ),
}


def explain(sw: int) -> ErrorText:
    """Return the text of a status word; an unregistered one gets the name UNKNOWN."""
    key = COUNTER if sw & 0xFFF0 == COUNTER else sw
    unknown = ErrorText("UNKNOWN", f"status word {sw:04X} is not known", "update this software")
    return TEXTS.get(key, unknown)

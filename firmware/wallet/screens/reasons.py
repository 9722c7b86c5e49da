"""Short texts of refusals for a small display. The full texts are in `protocol/errors.toml`."""

from jiaozi.wire import errors


def reason_text(sw: int) -> str:
    """Return the text of a status word for the person who holds the wallet."""
    if sw in (errors.OVER_SINGLE, errors.OVER_OFFLINE_TOTAL, errors.OVER_OFFLINE_COUNT):
        return "Over the limit. Sync with your operator."
    if sw in (errors.OVER_HOPS, errors.SYNC_OVERDUE, errors.JOURNAL_FULL, errors.TOO_MANY_VOIDS):
        return "Sync with your operator first."
    if sw in (errors.REQUEST_EXPIRED, errors.REQUEST_CLOSED, errors.OTHER_REQUEST):
        return "The request is over. Ask for a new one."
    if sw in (errors.REVOKED, errors.EXPIRED, errors.UNKNOWN_OPERATOR):
        return "The other wallet is not accepted."
    return _OTHER.get(sw, f"Code {sw:04X}")


_OTHER = {
    errors.FROZEN: "This wallet is frozen.",
    errors.FIRMWARE_OLDER: "The firmware is too old.",
    errors.OVER_BALANCE: "Not enough money.",
    errors.OVER_CAP: "The other wallet is full.",
    errors.CONSENT_NEEDED: "Not confirmed in time.",
    errors.CONSENT_REFUSED: "Cancelled by the payer.",
    errors.AMOUNT_MISMATCH: "The amounts differ.",
    errors.AMOUNT_NEEDED: "Enter the amount to pay.",
    errors.OTHER_PAYEE: "This is not the chosen payee.",
    errors.SAME_WALLET: "This is the same wallet.",
    errors.BAD_SIGNATURE: "The other wallet is not genuine.",
    errors.WRONG_CURRENCY: "Another currency.",
    errors.NOT_ALLOWED: "The other wallet is not ready.",
    errors.PIN_NEEDED: "Enter the PIN.",
    errors.PIN_BLOCKED: "The PIN is blocked.",
}

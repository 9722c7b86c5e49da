"""Status words of refusals.

Generated from protocol/errors.toml by protocol/tools/gen_errors.py; do not edit.
"""

from micropython import const

PIN_WRONG = const(0x63C0)
WRONG_LENGTH = const(0x6700)
PIN_NEEDED = const(0x6982)
PIN_BLOCKED = const(0x6983)
NOT_ALLOWED = const(0x6985)
CHANNEL_NEEDED = const(0x6987)
CHANNEL_BROKEN = const(0x6988)
MALFORMED = const(0x6A80)
NOT_FOUND = const(0x6A82)
WRONG_P1P2 = const(0x6A86)
INS_UNKNOWN = const(0x6D00)
CLA_UNKNOWN = const(0x6E00)
INTERNAL = const(0x6F00)
OVER_BALANCE = const(0x9401)
OVER_SINGLE = const(0x9402)
OVER_OFFLINE_TOTAL = const(0x9403)
OVER_OFFLINE_COUNT = const(0x9404)
OVER_HOPS = const(0x9405)
CONSENT_NEEDED = const(0x9406)
CONSENT_REFUSED = const(0x9407)
REQUEST_EXPIRED = const(0x9408)
REQUEST_CLOSED = const(0x9409)
AMOUNT_MISMATCH = const(0x940A)
PURSE_REFUSED = const(0x940B)
JOURNAL_FULL = const(0x940C)
SAME_WALLET = const(0x940D)
SYNC_OVERDUE = const(0x940E)
AMOUNT_INVALID = const(0x940F)
BUSY = const(0x9410)
AMOUNT_NEEDED = const(0x9411)
TERMS_REFUSED = const(0x9412)
TOO_MANY_PURSES = const(0x9413)
OTHER_PAYEE = const(0x9414)
OTHER_REQUEST = const(0x9501)
OVER_CAP = const(0x9502)
NO_REQUEST = const(0x9503)
TOO_MANY_REQUESTS = const(0x9504)
UNKNOWN_PAYMENT = const(0x9505)
TOO_MANY_VOIDS = const(0x9506)
BAD_SIGNATURE = const(0x9601)
WRONG_SIGNER = const(0x9602)
UNKNOWN_OPERATOR = const(0x9603)
EXPIRED = const(0x9605)
REVOKED = const(0x9606)
POLICY_OLDER = const(0x9607)
EPOCH_OLDER = const(0x9608)
WRONG_CURRENCY = const(0x9609)
WRONG_TIER = const(0x960A)
FROZEN = const(0x960B)
FIRMWARE_OLDER = const(0x960C)
MEMORY_DAMAGED = const(0x960D)
SESSION_NEEDED = const(0x9701)
ALREADY_PROVISIONED = const(0x9702)
WRONG_KEY = const(0x9704)
SETTLEMENT_MISMATCH = const(0x9705)
CLEARING_MISMATCH = const(0x9706)
NOT_AT_REST = const(0x9707)
ROTATION_MISMATCH = const(0x9708)
GESTURE_NEEDED = const(0x9709)
GESTURE_REFUSED = const(0x970A)
CONTACT_NEEDED = const(0x970B)


class Refused(Exception):
    """A rule refused the input; `sw` is the status word to answer with."""

    def __init__(self, sw: int) -> None:
        super().__init__(sw)
        self.sw = sw

    def __str__(self) -> str:
        return f"refused: {self.sw:04X}"

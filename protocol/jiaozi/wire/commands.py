"""The commands of a wallet (class 0x80 except SELECT). Data fields are CBOR unless noted.

Owner and operator commands are accepted only in a channel; tap commands and INFO also outside one.

A tap, payee's reader:  SELECT, PAY, RESOLVE.        A tap, payer's reader:  SELECT, PAYMENT.

SELECT   application identifier (ISO 7816-4)
         ->  [version, status, epoch number, certificate, request]
         the last two are null if absent; unverified
PAY      [payee's certificate, request]                ->  [payment] or [payment, request]
PAYMENT  [payer's certificate, payment] or [payer's certificate, payment, request]
         ->  receipt or void
RESOLVE  receipt or void                               ->  nothing
EPOCH    nothing -> epoch;  a newer epoch -> nothing.  After the outcome, if one side's is older

INFO     nothing  ->  [status, wallet id, form, tier, policy version, epoch number, PIN tries,
                       balance, pending, open requests, purses, firmware];
                       balance, pending, open requests and purses are null except in a channel, to
                       the owner after the PIN and to the operator; purses:
                       [[number, balance, expiry, cap, [category]]]

Channel (see `jiaozi.wire.channel`):
AGREE    EDHOC message_1                               ->  message_2
CONFIRM  EDHOC message_3                               ->  nothing
RECORD   a command APDU, encrypted                     ->  its response APDU, encrypted

Owner:
VERIFY   PIN, as 4 to 12 digits (ISO 7816-4, 11.5.6)   ->  nothing.  Over the air after a gesture
CHANGE   [old PIN, new PIN]                            ->  nothing.  Over the air after a gesture
ARM      [direction, amount, role], [RECEIVE, amount, role, purse], [PAY_OUT, amount, role, payee]:
         the next tap receives, or within two minutes pays; amount 0 receives any amount, up to the
         room there is; purse: the one with terms to be funded; payee: hash of the only certificate
         that is paid unasked  ->  request when receiving, else nothing.  Needs the PIN
DISARM   nothing: the next tap does nothing by itself; an open request is cancelled

Operator:
CREATE   nothing  ->  public key, generated on the device
INSTALL  [package of `jiaozi.wallet.install`, PIN]            ->  nothing
CHALLENGE nothing ->  16-byte nonce for a settlement
UPDATE   [[operator], policy, epoch]                   ->  nothing
STATEMENT 16-byte nonce                                ->  statement
ENTRY    journal position, CBOR                        ->  the entry
SETTLE   settlement                                    ->  nothing
TERMS    terms of a purse                              ->  nothing
UNBLOCK  new PIN                                       ->  nothing
FREEZE   nothing  ->  nothing: permanently refuses new payments and requests
SUCCESSOR 16-byte nonce      ->  last statement, naming the next key, generated on the device
ROTATE   rotation of `jiaozi.wire.rotations`           ->  nothing: switches to the next key and id
"""

from micropython import const

# The codes are also valid on a contact interface: T=0 excludes INS 6X and 9X (ISO/IEC 7816-3,
# 10.3.2), and class 80 has toolkit commands 10, 12, 14, AA, C2, F2 (ETSI TS 102 221, 10.1.2).
SELECT = const(0xA4)

# The PIN (ISO 7816-4: VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER).
VERIFY = const(0x20)
CHANGE = const(0x24)
UNBLOCK = const(0x2C)

# The owner.
INFO = const(0x30)
ARM = const(0x32)
DISARM = const(0x34)

# Life cycle of a wallet.
CREATE = const(0x40)
INSTALL = const(0x42)
SUCCESSOR = const(0x44)
ROTATE = const(0x46)
FREEZE = const(0x48)

# A tap.
PAY = const(0x50)
RESOLVE = const(0x52)
PAYMENT = const(0x54)
EPOCH = const(0x56)

# The channel.
AGREE = const(0x70)
CONFIRM = const(0x72)
RECORD = const(0x74)

# Sync.
CHALLENGE = const(0x80)
UPDATE = const(0x82)
STATEMENT = const(0x84)
ENTRY = const(0x86)
SETTLE = const(0x88)
TERMS = const(0x8A)

# Status of a wallet, in SELECT and INFO. OUTDATED: its memory was written by newer firmware.
# DAMAGED: a secret in its memory does not open.
BLANK = const(0)
KEYED = const(1)
READY = const(2)
FROZEN = const(3)
OUTDATED = const(4)
DAMAGED = const(5)

# Directions and roles of ARM.
RECEIVE = const(0)
PAY_OUT = const(1)
AUTO = const(0)
READER = const(1)
CARD = const(2)

PIN_TRIES = const(3)

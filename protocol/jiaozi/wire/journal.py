"""Journal entries: their kinds and the indices of their fields (chapter 07).

An entry is a CBOR array `[kind, request hash, payment hash, ...]`; both hashes are at fixed
offsets, so an index is built without decoding. The journal is a hash chain:
head' = SHA-256(head || entry).

PAID      payment made:       payment, request, payee's certificate, amounts taken by level, what it
                              counted, the position of the last settlement, hash of the policy
CREDITED  payment credited:   payment, request, payer's certificate, receipt
RESOLVED  receipt obtained:   receipt
VOIDED    payment voided:     payment, request, payer's certificate, void
REFUNDED  void obtained:      void, or the operator's settlement that closes the payment
ADOPTED   terms of a purse:   terms; their hash and their funder's in place of the two hashes
OPENED    value brought over: the operator's rotation; hashes of the old and the new certificate
"""

from micropython import const

PAID = const(1)
CREDITED = const(2)
RESOLVED = const(3)
VOIDED = const(4)
REFUNDED = const(5)
ADOPTED = const(6)
OPENED = const(7)

# Indices of the fields of an entry.
KIND = const(0)
REQUEST_HASH = const(1)
PAYMENT_HASH = const(2)
PAYMENT_RAW = const(3)
REQUEST_RAW = const(4)
PEER_RAW = const(5)
OUTCOME_RAW = const(6)
TAKEN = const(6)
COUNTED = const(7)
SETTLED_AT = const(8)
POLICY_HASH = const(9)
TERMS_HASH = const(1)
FUNDER_HASH = const(2)
TERMS_RAW = const(3)

# What a payment counted (flags): to another wallet; not confirmed by the person. CONFIRMED: the
# person confirmed it, which counts nothing.
OFFLINE = const(1)
UNCONFIRMED = const(2)
CONFIRMED = const(4)

# Voids between two settlements that give back a place in the counts; more give back totals alone.
# Else a payee that voids all it gets could fill a payer's journal without a confirmation.
MOST_COUNTS_RETURNED = const(8)

# Voids that one request gives to one payer's certificate.
MOST_VOIDS_A_PAYER = const(2)

/* Bounds of transfer.pml, the steps that can be taken out of it, and how fine it is cut. */

#ifndef PAYERS
#define PAYERS 2
#endif
#ifndef REQUESTS
#define REQUESTS 1                              /* request numbers 0 .. REQUESTS-1 */
#endif
#ifndef FUNDS
#define FUNDS REQUESTS                          /* what a payer begins with */
#endif
#ifndef ROOM
#define ROOM REQUESTS                           /* the payee's balance cap */
#endif
#ifndef LAST
#define LAST 1                                  /* the last epoch; the first is 0 */
#endif
#ifndef VOIDS
#define VOIDS PAYMENTS                          /* voids that the payee's journal holds at once */
#endif
#define PAYEE PAYERS
#define PAYMENTS (PAYERS * REQUESTS)
#define ISSUED (PAYERS * FUNDS)
#define EXPIRES(w) (w == 1 -> 0 : LAST)         /* payer 1's certificate is valid in epoch 0 only */

/* The safety steps. MUTANT takes one out, and the checks must find what that breaks. */
#ifndef MUTANT
#define MUTANT 0
#endif
#define without(step) (MUTANT == step)
#define COMMIT_BEFORE_SEND      1  /* the payer commits before a byte leaves */
#define DEBIT_COMMITTED         2  /* the debit is in the record of the payment */
#define PAYMENT_KEPT            3  /* the payment is in the record of the debit */
#define RESEND                  4  /* a request answered before gets the stored payment */
#define PAYER_HEEDS_EXPIRY      5  /* the payer pays no request past its expiry */
#define KEPT_UNTIL_EXPIRY       6  /* answers are kept until one's own epoch passes the expiry */
#define COMMIT_BEFORE_ANSWER    7  /* the payee commits before it answers */
#define CREDIT_JOURNALLED       8  /* the credit is in the record of its journal entry */
#define VOID_JOURNALLED         9  /* a void is journalled */
#define REQUEST_CLOSED         10  /* a credited request is open no longer */
#define NUMBER_BURNED          11  /* a request number is used once */
#define ROOM_RESERVED          12  /* a request reserves balance room */
#define FLOOR_CHECKED          13  /* below its floor the payee gives no new outcome */
#define FLOOR_RAISED           14  /* who forgets an outcome raises the floor above its request */
#define PAYEE_HEEDS_EXPIRY     15  /* the payee credits nothing past the request's expiry */
#define EPOCH_ONLY_RISES       16  /* a lower epoch is not adopted */
#define SAME_OUTCOME           17  /* a payment answered before gets the stored outcome */
#define VOID_GIVEN             18  /* what cannot be credited is answered by a void, not an error */
#define REFUND_NEEDS_VOID      19  /* a payer takes nothing back on its own */
#define REFUND_JOURNALLED      20  /* the refund is in the record of its journal entry */
#define REFUND_ONCE            21  /* a payment with an outcome is not resolved again */
#define RESOLVE_ANY_EPOCH      22  /* an outcome is taken whatever the epoch */
#define FORGET_ACKNOWLEDGED    23  /* only what the operator has is forgotten */
#define CLOSURE_NEEDS_JOURNAL  24  /* a statement closes a request with the journal to its head */
#define CLOSURE_NEEDS_PAYEE    25  /* the authority's epoch alone closes no request */
#define LATE_DELIVERY          26  /* the operator hands the payee what only the payer told */
#define CLOSURE_REFUNDS        27  /* a payment that a closed request did not take is refunded */
#define EXPIRY_TO_ACCOUNT      28  /* the account of a payee that never returns takes the payment */
#define ACCOUNT_HELD           29  /* that account pays out nothing until the payee's log is seen */
#define VOIDS_BOUNDED          30  /* a payee's journal holds no more voids than its bound */

/* What a wallet does in one go. With FINE, others act and power may go between any two of its
   steps; without, what was committed is also sent, which only adds to what may be heard. */
#ifdef FINE
#define TRANSACTION
#define CUT if :: skip :: printf("    ... and loses power\n"); goto done fi
byte busy;                      /* wallets within a transaction */
#define BEGIN busy++
#define END busy--
#else
#define TRANSACTION atomic
#define CUT skip
#define BEGIN skip
#define END skip
#define busy 0
#endif

/* What must hold at a step, whoever takes it. */
#define MUST(holds, text) if :: holds :: else -> printf(text); assert(false) fi

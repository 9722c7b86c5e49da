/*
 * A transfer between wallets that may lose power at any step, over a field that loses, repeats and
 * delays frames, with an operator that each wallet reaches now and then, or never. README.md says
 * what is checked and why that is sound; check_model.py builds and runs this file.
 *
 * Wallets 0 .. PAYERS-1 pay, wallet PAYEE is paid. A payment is one unit; payer w's for request n
 * is number w * REQUESTS + n. [file: functions] is the code that a step stands for; what is marked
 * "design" has no code yet. A refusal is no step: to the other side it is a lost frame.
 */

#include "bounds.pml"

/* What journals say of a payment. FORGOTTEN: the entry is deleted, the wallet does not know it. */
#define PAID      1             /* payer's */
#define RESOLVED  2
#define REFUNDED  4
#define HANDED    8             /* the operator answers for it from now on */
#define CREDITED  1             /* payee's */
#define VOIDED    2
#define FORGOTTEN 16
#define known(entry) (entry && !(entry & FORGOTTEN))
#define pending(p) ((payer_log[p] & PAID) && !(payer_log[p] & (RESOLVED | REFUNDED)))

/* What the ledger knows of a payment. */
mtype = { DEBITED, HELD, SHUT, RECEIVED, REJECTED };

byte at[PAYERS + 1];            /* the epoch each wallet has committed; the authority is in LAST */
byte purse[PAYERS + 1];
byte payer_log[PAYMENTS];
byte payee_log[PAYMENTS];
byte voids;                     /* in the payee's journal, not forgotten */
byte next, floor;               /* of the payee's request numbers */
bool open[REQUESTS];
byte expiry[REQUESTS];
bool shut[REQUESTS];            /* closed by a statement of the payee */
mtype ledger[PAYMENTS];         /* 0: not heard of */
bool paid_out[PAYMENTS];        /* only without ACCOUNT_HELD */

/* Frames that were sent. Each may be heard at any later time, often or never: the field loses,
   repeats, delays and reorders, and anyone may replay. A request is out with its number. */
bool payment[PAYMENTS], receipt[PAYMENTS], rejection[PAYMENTS];

byte i, sum, lowest;            /* scratch: 0 between steps */

#define payer_of(p) (p / REQUESTS)
#define number(p) (p % REQUESTS)
#define past(w, n) (expiry[n] < at[w])

inline any(x, size) { x = 0; do :: x < size - 1 -> x++ :: break od }

/* [jiaozi/wallet/install.py: update]; from another wallet after a tap: design 3.1. */
inline adopt(w) {
    at[w]++;
    printf("wallet %d is in epoch %d\n", w, at[w])
}

/* The payer ----------------------------------------------------------------------------------- */

/* [jiaozi/wallet/payer.py: recall, check]. Consent and limits only refuse more. */
#define can_pay(w, p) (number(p) < next && purse[w] > 0 && at[w] <= EXPIRES(w) && \
    (!past(w, number(p)) || without(PAYER_HEEDS_EXPIRY)) && \
    (!known(payer_log[p]) || (without(RESEND) && payer_log[p] == PAID)))

/* [jiaozi/wallet/payer.py: pay] [jiaozi/wallet/book.py: apply]. One record: debit, request, payment. */
inline commit_payment(w, p) {
    printf("payer %d commits its payment for request %d\n", w, number(p));
    MUST(!(payer_log[p] & PAID), "VIOLATED: a payer pays one request twice\n");
    d_step { purse[w]--; payer_log[p] = PAID }
}

/* [jiaozi/wallet/payer.py: recall, unfinished, resend]. The stored bytes, as often as asked for. */
inline send_payment(w, p) {
    printf("payer %d sends its payment for request %d\n", w, number(p));
    payment[p] = true
}

#define takes_outcome(w, p) (known(payer_log[p]) && (pending(p) || without(REFUND_ONCE)) && \
    !(without(RESOLVE_ANY_EPOCH) && past(w, number(p))))

/* [jiaozi/wallet/payer.py: resolve]. One record: the outcome and, with a void, the refund. */
inline commit_outcome(w, p, outcome) {
    d_step {
        if
        :: outcome == RESOLVED -> printf("payer %d commits the receipt", w)
        :: outcome == REFUNDED -> printf("payer %d commits the refund", w); purse[w]++
        :: outcome == HANDED -> printf("payer %d leaves to the operator the payment", w)
        fi;
        printf(" for request %d\n", number(p));
        payer_log[p] = payer_log[p] | outcome
    }
}

/* [jiaozi/wallet/settle.py: statement] [apps/operator/entry.py: run] [ledger/posting.py: post] */
inline post_payment(w, p) {
    d_step {
        printf("payer %d shows the operator its journal on request %d\n", w, number(p));
        if
        :: !known(payer_log[p]) || ledger[p] == SHUT
        :: known(payer_log[p]) && (payer_log[p] & RESOLVED) -> ledger[p] = RECEIVED
        :: known(payer_log[p]) && (payer_log[p] & REFUNDED) && ledger[p] != SHUT ->
            ledger[p] = REJECTED
        :: known(payer_log[p]) && pending(p) && ledger[p] == 0 -> ledger[p] = DEBITED
        :: else
        fi
    }
}

#define is_shut(n) (shut[n] || (without(CLOSURE_NEEDS_PAYEE) && expiry[n] < LAST))

/* [ledger/deliveries.py: refunds_due]. Design 3.3: while the payee does not come and its certificate
   has expired, its operator-side account holds what is not refunded. */
inline decide(p) {
    d_step {
        if
        :: (ledger[p] == DEBITED || ledger[p] == HELD) && is_shut(number(p)) &&
           !without(CLOSURE_REFUNDS) ->
            printf("operator: request %d is closed, payment %d is refunded\n", number(p), p);
            ledger[p] = SHUT
        :: ledger[p] == DEBITED && !is_shut(number(p)) && !without(EXPIRY_TO_ACCOUNT) ->
            printf("operator: the payee's account holds payment %d\n", p);
            ledger[p] = HELD;
            paid_out[p] = without(ACCOUNT_HELD)
        :: else
        fi
    }
}

/* [ledger/deliveries.py: outcomes_due] [jiaozi/wallet/settle.py: settle, _refund]. The payee's own receipt or
   void, or a settlement that closes the payment; to the account's side: design 3.1. */
inline hear(w, p) {
    if
    :: !pending(p) || (without(RESOLVE_ANY_EPOCH) && past(w, number(p)))
    :: else ->
        if
        :: ledger[p] == RECEIVED -> commit_outcome(w, p, RESOLVED)
        :: ledger[p] == REJECTED || ledger[p] == SHUT -> commit_outcome(w, p, REFUNDED)
        :: ledger[p] == HELD -> commit_outcome(w, p, HANDED)
        :: else
        fi
    fi
}

/* [jiaozi/wallet/settle.py: settle, _expired]. What the ledger has, once one's own epoch has passed the
   expiry of the request; and what the account holds, by design 3.1. */
#define payer_forgets(w, p) (known(payer_log[p]) && payer_log[p] != PAID && \
    (past(w, number(p)) || without(KEPT_UNTIL_EXPIRY)) && \
    (without(FORGET_ACKNOWLEDGED) || \
        ((payer_log[p] & RESOLVED) && ledger[p] == RECEIVED) || \
        ((payer_log[p] & REFUNDED) && (ledger[p] == REJECTED || ledger[p] == SHUT)) || \
        (pending(p) && ledger[p] == HELD)))

/* Records torn in two by a power cut, and steps out of order. */
#define PAYER_MUTANTS \
    :: can_pay(w, p) && without(COMMIT_BEFORE_SEND) -> \
        printf("payer %d sends a payment and loses power\n", w); payment[p] = true \
    :: can_pay(w, p) && without(DEBIT_COMMITTED) -> \
        printf("payer %d commits a payment and no debit\n", w); payer_log[p] = PAID \
    :: can_pay(w, p) && without(PAYMENT_KEPT) -> \
        printf("payer %d commits a debit and loses power\n", w); purse[w]-- \
    :: pending(p) && without(REFUND_NEEDS_VOID) -> commit_outcome(w, p, REFUNDED) \
    :: pending(p) && rejection[p] && without(REFUND_JOURNALLED) -> \
        printf("payer %d adds a refund and loses power\n", w); purse[w]++

proctype Payer(byte w) {
    byte p;
again:
    TRANSACTION {
        atomic { BEGIN; any(p, REQUESTS); p = w * REQUESTS + p }
        if
        /* [roles/card.py: pay] [roles/reader.py: _pay_order] [roles/tap.py: pay] */
        :: can_pay(w, p) -> commit_payment(w, p); CUT; send_payment(w, p)
        /* [roles/reader.py: read_tap, _pay] */
        :: known(payer_log[p]) && !payment[p] -> send_payment(w, p)
        /* [roles/card.py: resolve] [roles/tap.py: resolve] */
        :: receipt[p] && takes_outcome(w, p) -> CUT; commit_outcome(w, p, RESOLVED)
        :: rejection[p] && takes_outcome(w, p) -> CUT; commit_outcome(w, p, REFUNDED)
        /* [sync/readout.py: post] [sync/session.py: _deliver, _settle] */
        :: payer_log[p] -> post_payment(w, p); CUT; decide(p); CUT; hear(w, p)
        :: payer_forgets(w, p) ->
            printf("payer %d forgets its payment for request %d\n", w, number(p));
            payer_log[p] = payer_log[p] | FORGOTTEN
        :: at[w] < LAST -> adopt(w)
        PAYER_MUTANTS
        :: else
        fi;
done:   atomic { p = 0; END }
    }
    goto again
}

/* The payee ----------------------------------------------------------------------------------- */

/* [jiaozi/wallet/payee.py: request]. Burns the number and reserves room in one record; policies differ in
   how long a request lives. */
inline raise(life) {
    d_step {
        i = 0; sum = purse[PAYEE];
        do
        :: i < REQUESTS -> sum = sum + (open[i] && !without(ROOM_RESERVED)); i++
        :: else -> break
        od;
        if
        :: sum < ROOM ->
            expiry[next] = at[PAYEE] + life;
            printf("payee raises request %d, good to epoch %d\n", next, expiry[next]);
            open[next] = true; next++
        :: else
        fi;
        i = 0; sum = 0
    }
}

/* [jiaozi/wallet/payee.py: _creditable, _expired] */
#define creditable(p) (open[number(p)] && at[PAYEE] <= EXPIRES(payer_of(p)) && \
    (!past(PAYEE, number(p)) || without(PAYEE_HEEDS_EXPIRY)))

/* [jiaozi/wallet/payee.py: _credit] [jiaozi/wallet/book.py: apply]. One record: credit, entry, request closed. */
inline commit_credit(p) {
    d_step {
        printf("payee commits the credit of payment %d (request %d)\n", p, number(p));
        i = 0;
        do
        :: i < PAYERS ->
            MUST(!(payee_log[i * REQUESTS + number(p)] & CREDITED),
                "VIOLATED: a request is credited twice\n");
            i++
        :: else -> break
        od;
        i = 0;
        purse[PAYEE]++;
        payee_log[p] = payee_log[p] | CREDITED;
        open[number(p)] = without(REQUEST_CLOSED)
    }
}

/* [jiaozi/wallet/payee.py: _void] [jiaozi/wallet/book.py: apply]. An expired request is closed with it. */
inline commit_void(p) {
    d_step {
        printf("payee commits a void for payment %d (request %d)\n", p, number(p));
        voids = voids + !(known(payee_log[p]) && (payee_log[p] & VOIDED));
        payee_log[p] = payee_log[p] | VOIDED;
        open[number(p)] = open[number(p)] && !past(PAYEE, number(p))
    }
}

/* [jiaozi/wallet/book.py: check_void]. The bound for one payer is not modelled: it pays a request once. */
#define may_void (voids < VOIDS || without(VOIDS_BOUNDED))

/* [jiaozi/wallet/payee.py: receive, _own_request] [jiaozi/wallet/book.py: outcome] [roles/tap.py: receive] */
inline receive(p) {
    if
    :: known(payee_log[p]) && !without(SAME_OUTCOME)
    :: !known(payee_log[p]) && number(p) < floor && !without(FLOOR_CHECKED)
    :: else ->
        if
        :: creditable(p) -> commit_credit(p)
        :: !creditable(p) && !without(VOID_GIVEN) && may_void -> commit_void(p)
        :: else
        fi
    fi
}

/* [jiaozi/wallet/book.py: outcome]. The stored outcome, as often as asked for. */
inline answer(p) {
    if
    :: known(payee_log[p]) && (payee_log[p] & CREDITED) -> receipt[p] = true
    :: known(payee_log[p]) && (payee_log[p] & VOIDED) -> rejection[p] = true
    :: else
    fi
}

/* [jiaozi/wallet/settle.py: statement] [apps/operator/entry.py: run] [ledger/posting.py: post, _close_requests].
   The journal to its head; the floor closes what is below it, and by design 3.3 the committed epoch
   what has expired. */
inline post_outcomes() {
    d_step {
        printf("payee states epoch %d, floor %d and its journal\n", at[PAYEE], floor);
        i = 0;
        do
        :: i < next -> shut[i] = shut[i] || i < floor || past(PAYEE, i); i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < PAYMENTS && !without(CLOSURE_NEEDS_JOURNAL) ->
            if
            :: known(payee_log[i]) && (payee_log[i] & CREDITED) -> ledger[i] = RECEIVED
            :: known(payee_log[i]) && (payee_log[i] & VOIDED) && ledger[i] != SHUT ->
                ledger[i] = REJECTED
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0
    }
}

#define acknowledged(p) (ledger[p] == RECEIVED || ledger[p] == REJECTED || \
    (ledger[p] == SHUT && (payee_log[p] & VOIDED)) || without(FORGET_ACKNOWLEDGED))
#define asked(p) (open[number(p)] || known(payee_log[p]))

/* [jiaozi/wallet/settle.py: settle, _expired]. Once the ledger has the journal, what is older than every
   request that lives is forgotten, and the floor raised above it. */
inline payee_settles() {
    d_step {
        lowest = next;
        i = 0;
        do
        :: i < PAYMENTS ->
            if
            :: known(payee_log[i]) && !acknowledged(i) -> lowest = 0
            :: asked(i) && !past(PAYEE, number(i)) && number(i) < lowest -> lowest = number(i)
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < PAYMENTS ->
            if
            :: asked(i) && number(i) < lowest ->
                printf("payee forgets what it knew of request %d\n", number(i));
                voids = voids - (known(payee_log[i]) && (payee_log[i] & VOIDED));
                payee_log[i] = (payee_log[i] -> payee_log[i] | FORGOTTEN : 0);
                floor = (floor > number(i) || without(FLOOR_RAISED) -> floor : number(i) + 1)
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < lowest -> open[i] = false; i++
        :: else -> break
        od;
        i = 0; lowest = 0
    }
}

/* A payment reaches the payee over the air or, from the payer's journal, at sync
   [ledger/deliveries.py: payments_due]. */
#define arrives(p) (payment[p] || ledger[p] == DEBITED || ledger[p] == HELD)

#define PAYEE_MUTANTS \
    :: arrives(p) && creditable(p) && without(COMMIT_BEFORE_ANSWER) -> \
        printf("payee sends a receipt and loses power\n"); receipt[p] = true \
    :: arrives(p) && creditable(p) && without(CREDIT_JOURNALLED) -> \
        printf("payee adds a credit and loses power\n"); purse[PAYEE]++ \
    :: arrives(p) && !creditable(p) && without(VOID_JOURNALLED) -> \
        printf("payee sends a void and loses power\n"); rejection[p] = true \
    :: p < next && !open[p] && without(NUMBER_BURNED) -> \
        printf("payee raises request %d again\n", p); open[p] = true \
    :: at[PAYEE] > 0 && without(EPOCH_ONLY_RISES) -> \
        printf("payee takes an older epoch\n"); at[PAYEE]--

proctype Payee() {
    byte p;
again:
    TRANSACTION {
        atomic { BEGIN; any(p, PAYMENTS) }
        if
        :: p == 0 && next < REQUESTS -> raise(0)
        :: p == 0 && next < REQUESTS -> raise(1)
        /* [jiaozi/wallet/payee.py: cancel] [wallet/device.py: disarm] */
        :: p < next && open[p] -> printf("payee cancels request %d\n", p); open[p] = false
        /* [roles/card.py: payment] [roles/reader.py: _collect]
           [sync/session.py: _deliver_payment] */
        :: arrives(p) -> CUT; receive(p); CUT; answer(p)
        /* [sync/readout.py: post] [sync/session.py: _settle] */
        :: p == 0 -> post_outcomes()
        :: p == 0 -> payee_settles()
        :: at[PAYEE] < LAST -> adopt(PAYEE)
        PAYEE_MUTANTS
        :: else
        fi;
done:   atomic { p = 0; END }
    }
    goto again
}

#include "checks.pml"

init {
    byte w;
    atomic {
        do
        :: w < PAYERS -> purse[w] = FUNDS; run Payer(w); w++
        :: else -> break
        od;
        run Payee(); run Checks(); w = 0
    }
}

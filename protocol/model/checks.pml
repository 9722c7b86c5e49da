/* What must hold in every state of transfer.pml, and that every state can be settled. */

/* Balances and payments in flight are what was issued; no two outcomes contradict each other. */
inline check() {
    i = 0; sum = 0;
    do
    :: i <= PAYEE -> sum = sum + purse[i]; i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < PAYMENTS ->
        sum = sum + (paid_out[i] || (pending(i) && !(payee_log[i] & CREDITED)));
        MUST(!(payee_log[i] & CREDITED) || !(payee_log[i] & VOIDED),
            "VIOLATED: a receipt and a void for one payment\n");
        MUST(!(payee_log[i] & CREDITED) || !(payer_log[i] & REFUNDED),
            "VIOLATED: a credited payment is refunded\n");
        MUST(!rejection[i] || (payee_log[i] & VOIDED),
            "VIOLATED: a void is out that no journal holds\n");
        i++
    :: else -> break
    od;
    MUST(sum <= ISSUED, "VIOLATED: value is made\n");
    MUST(sum >= ISSUED, "VIOLATED: value is lost\n");
    MUST(voids <= VOIDS, "VIOLATED: voids fill the payee's journal\n");
    MUST(purse[PAYEE] <= ROOM, "VIOLATED: the balance cap is exceeded\n");
    i = 0; sum = 0
}

/* Whatever has happened: no frame is heard any more; who comes back is alone with the operator.
   What these know must then be settled, by steps of transfer.pml only. It is tried on a copy. */
c_code {
static State before;
}

#define PAYEE_AND(w) w              /* values of `who` */
#define EVERYBODY PAYERS
#define ALL_BUT_PAYEE (PAYERS + 1)
#define payee_back (who != ALL_BUT_PAYEE)
#define back(w) (who == PAYEE_AND(w) || who >= EVERYBODY)

inline settle() {
    p = 0;
    do
    :: p < PAYMENTS && back(payer_of(p)) -> post_payment(payer_of(p), p); p++
    :: p < PAYMENTS && !back(payer_of(p)) -> p++
    :: else -> break
    od;
    p = 0;
    do
    :: p < PAYMENTS && payee_back && !without(LATE_DELIVERY) ->
        if
        :: ledger[p] == DEBITED || ledger[p] == HELD -> receive(p)
        :: else
        fi;
        p++
    :: else -> break
    od;
    if
    :: payee_back && voids == VOIDS && VOIDS < PAYMENTS -> at[PAYEE] = LAST + 2
    :: else                 /* without room for a void, the end is the request's expiry */
    fi;
    if
    :: payee_back -> post_outcomes()
    :: else
    fi;
    p = 0;
    do
    :: p < PAYMENTS && back(payer_of(p)) ->
        decide(p); hear(payer_of(p), p);
        MUST(!pending(p) || (!payee_back && ledger[p] == HELD && (payer_log[p] & HANDED)),
            "VIOLATED: a payment can not be settled\n");
        p++
    :: p < PAYMENTS && !back(payer_of(p)) -> p++
    :: else -> break
    od
}

proctype Checks() {
    byte p, who;
again:
    atomic {
        any(who, PAYERS + 2);
        if
        :: busy == 0 -> d_step {
            check();
            c_code { memcpy(&before, &now, sizeof(State)); };
            printf("here the field ends; wallets come back to the operator only\n");
            settle();
            check();
            c_code { memcpy(&now, &before, sizeof(State)); };
            p = 0; who = 0 }
        :: else -> who = 0
        fi
    }
    goto again
}

// Phase marks: what the wallet is working on, reported to an engine that counts instructions by phase.
// A target with an engine defines JZ_MARKS=1 and jz_mark, which costs one store; on any other a mark is nothing.
// The simulator has the same table (a test compares them).
#ifndef JZ_MARKS_H
#define JZ_MARKS_H

#include <stdint.h>

enum {
    JZ_MARK_NONE = 0,
    JZ_MARK_READY = 1,             // boot done, first link open
    JZ_MARK_TAP_BEGIN = 2,         // first byte of SELECT sent or received
    JZ_MARK_LINK = 3,
    JZ_MARK_ENCODE = 4,            // CBOR
    JZ_MARK_VERIFY = 5,
    JZ_MARK_SIGN = 6,
    JZ_MARK_HASH = 7,
    JZ_MARK_COMMIT = 8,            // NVM programming
    JZ_MARK_TAP_COMMITTED = 9,     // the payee's record is committed
    JZ_MARK_TAP_END = 10,
    JZ_MARK_GC = 11,
    JZ_MARK_ANSWERED = 12,         // first byte of an APDU answer leaves
    JZ_MARK_PYTHON = 13,           // default work
    JZ_MARK_TAP_COMMIT_PAYER = 14, // the payer's record is committed
    JZ_MARK_DECODE = 15,           // CBOR; allocates, so its cost depends on the heap
};

// Marks of a moment: work goes on in the phase it was in.
#define JZ_MOMENTS (1u << JZ_MARK_READY | 1u << JZ_MARK_TAP_BEGIN | 1u << JZ_MARK_TAP_COMMITTED | 1u << JZ_MARK_TAP_END \
    | 1u << JZ_MARK_ANSWERED | 1u << JZ_MARK_TAP_COMMIT_PAYER)

#if JZ_MARKS

// Enter a phase; returns the one before, for the caller to enter again when it is done.
uint32_t jz_mark(uint32_t phase);

#else

static inline uint32_t jz_mark(uint32_t phase) {
    (void)phase;
    return JZ_MARK_NONE;
}

#endif
#endif

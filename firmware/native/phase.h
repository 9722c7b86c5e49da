// Phase marks around native code that may raise: the previous phase is restored on return and on exceptions.
#ifndef JZ_PHASE_H
#define JZ_PHASE_H

#include "py/nlr.h"
#include "py/runtime.h"

#include "jz/marks.h"

typedef struct {
    nlr_jump_callback_node_t callback; // must be first
    uint32_t previous;
} jz_phase_t;

static inline void jz_phase_restore(void *context) {
    jz_mark(((jz_phase_t *)context)->previous);
}

static inline void jz_phase_begin(jz_phase_t *phase, uint32_t mark) {
    phase->previous = jz_mark(mark);
    nlr_push_jump_callback(&phase->callback, jz_phase_restore);
}

static inline void jz_phase_end(void) {
    nlr_pop_jump_callback(true);
}

#endif

// Garbage collection for MicroPython: marks the roots, counts collections.
#include "py/gc.h"

#include "jz/marks.h"
#include "jz/port.h"
#include "shared/runtime/gchelper.h"

static uint32_t collections;

void gc_collect(void) {
    uint32_t phase = jz_mark(JZ_MARK_GC);
    collections++;
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    gc_collect_end();
    jz_mark(phase);
}

uint32_t port_gc_count(void) {
    return collections;
}

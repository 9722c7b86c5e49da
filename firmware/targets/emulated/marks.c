// jz/marks.h: a mark is one store to the marker page.
#include "jz/marks.h"

#include "marker.h"

static uint32_t current_phase = JZ_MARK_NONE;

uint32_t jz_mark(uint32_t phase) {
    uint32_t previous = current_phase;
    marker_store(phase);
    if (JZ_MOMENTS >> phase & 1) {
        marker_store(previous);
    } else {
        current_phase = phase;
    }
    return previous;
}

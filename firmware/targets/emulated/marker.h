// The marker page, whose stores the engine watches: the phase at +0, the NVM page being erased at +4.
#ifndef JZ_MARKER_H
#define JZ_MARKER_H

#include <stdint.h>

#include "mpconfigboard.h"

// Stored instead of a phase; these do not change the phase.
#define JZ_MARK_IDLE_ENTER (0x80u)
#define JZ_MARK_IDLE_LEAVE (0xC0u)

static inline void marker_store(uint32_t phase_or_idle) {
    *(volatile uint32_t *)JZ_MARKER_PAGE = phase_or_idle;
}

// Report that the page at this absolute address is being erased; 0 at the end.
static inline void marker_announce_erase(uint32_t address) {
    *(volatile uint32_t *)(JZ_MARKER_PAGE + 4) = address;
}

#endif

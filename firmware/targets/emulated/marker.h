// Stores that the engine watches, in a page of their own: the phase at +0, the NVM page being erased at +4.
#ifndef JZ_MARKER_H
#define JZ_MARKER_H

#include <stdint.h>

#include "mpconfigboard.h"

// Stored in place of a phase, which they do not change.
#define JZ_MARK_IDLE_ENTER (0x80u)
#define JZ_MARK_IDLE_LEAVE (0xC0u)

static inline void marker_store(uint32_t phase_or_idle) {
    *(volatile uint32_t *)JZ_MARKER_PAGE = phase_or_idle;
}

// Announce that the page at this absolute address is being erased; 0 when it is done.
static inline void marker_announce_erase(uint32_t address) {
    *(volatile uint32_t *)(JZ_MARKER_PAGE + 4) = address;
}

#endif

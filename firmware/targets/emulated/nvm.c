// jz/nvm.h over memory-mapped words. Memory is written one aligned word at a time, so a power cut falls between two
// stores; the engine decides what a cut inside a unit leaves.
#include "jz/nvm.h"

#include <string.h>

#include "marker.h"
#include "mpconfigboard.h"

#define WORD (4u)
#define ERASED (0xFFFFFFFFu)

static volatile uint32_t *words_at(size_t offset) {
    return (volatile uint32_t *)(JZ_NVM_ADDRESS + offset);
}

static uint32_t word_of(const uint8_t *from) {
    uint32_t word;
    memcpy(&word, from, WORD);
    return word;
}

static bool only_clears(volatile uint32_t *words, const uint8_t *from, size_t size) {
    for (size_t i = 0; i < size; i += WORD) {
        if (word_of(from + i) & ~words[i / WORD]) {
            return false;
        }
    }
    return true;
}

// Store and read back. False at the first word that differs.
static bool store(volatile uint32_t *words, const uint8_t *from, size_t size) {
    for (size_t i = 0; i < size; i += WORD) {
        words[i / WORD] = word_of(from + i);
        if (words[i / WORD] != word_of(from + i)) {
            return false;
        }
    }
    return true;
}

const uint8_t *jz_nvm_read(size_t offset, size_t size) {
    (void)size;
    return (const uint8_t *)(JZ_NVM_ADDRESS + offset);
}

bool jz_nvm_program(size_t offset, const uint8_t *from, size_t size) {
    volatile uint32_t *words = words_at(offset);
    return only_clears(words, from, size) && store(words, from, size);
}

bool jz_nvm_erase(size_t offset) {
    volatile uint32_t *words = words_at(offset);
    bool done = true;
    // Reported, so that an engine that refuses rising bits allows them in this page.
    marker_announce_erase(JZ_NVM_ADDRESS + offset);
    for (size_t i = 0; i < JZ_NVM_PAGE / WORD; i++) {
        words[i] = ERASED;
        done = done && words[i] == ERASED;
    }
    marker_announce_erase(0);
    return done;
}

// jz/random.h on emulated boards: a page that the machine fills before each start.
//   u32 magic "EMUL", u32 number of bytes left, then the bytes.
// Bytes are taken from the end and zeroed; the number is decremented first, so a reset never returns a byte twice.
#include "jz/random.h"

#include <stdbool.h>
#include <string.h>

#include "jz/fatal.h"
#include "mpconfigboard.h"

#define MAGIC (0x4C554D45u)

typedef struct {
    uint32_t magic;
    uint32_t left;
    uint8_t bytes[JZ_BOOT_PAGE_SIZE - 8];
} boot_page_t;

static volatile boot_page_t *const page = (volatile boot_page_t *)JZ_BOOT_PAGE;

// Self-test at start, in the spirit of NIST SP 800-90B section 4: the sample must not repeat at any short distance
// (distance 1 word is its repetition count test), and no byte value may be too frequent (adaptive proportion test).
#define SAMPLE_WORDS (128u)
#define FARTHEST_WORDS (32u)
// In 512 bytes a value occurs twice on average; 24 times or more happens by chance less than once in 2^60 starts.
#define CROWD (24u)

static bool repeats(const uint32_t *words) {
    for (unsigned distance = 1; distance <= FARTHEST_WORDS; distance++) {
        unsigned equal = 0;
        for (unsigned i = distance; i < SAMPLE_WORDS; i++) {
            equal += words[i] == words[i - distance];
        }
        if (equal > 1) {
            return true;
        }
    }
    return false;
}

static bool is_crowded(const uint8_t *bytes) {
    uint8_t seen[256] = {0};
    for (unsigned i = 0; i < SAMPLE_WORDS * 4; i++) {
        if (++seen[bytes[i]] >= CROWD) {
            return true;
        }
    }
    return false;
}

void jz_random_start(void) {
    if (page->magic != MAGIC || page->left > sizeof(page->bytes)) {
        jz_fatal("no random source");
    }
    uint32_t words[SAMPLE_WORDS];
    if (page->left < sizeof(words)) {
        jz_fatal("random source exhausted");
    }
    // The sample is not consumed: the bytes tested are the next ones returned.
    const volatile uint8_t *from = &page->bytes[page->left - sizeof(words)];
    for (unsigned i = 0; i < sizeof(words); i++) {
        ((uint8_t *)words)[i] = from[i];
    }
    bool bad = repeats(words) || is_crowded((uint8_t *)words);
    memset(words, 0, sizeof(words));
    __asm volatile ("" :: "r" (words) : "memory"); // the bytes become secrets: keep the compiler from removing the wipe
    if (bad) {
        jz_fatal("random source fails its self-test");
    }
}

void jz_random(uint8_t *to, size_t size) {
    uint32_t left = page->left;
    if (page->magic != MAGIC || left > sizeof(page->bytes) || size > left) {
        jz_fatal("random source exhausted");
    }
    left -= size;
    page->left = left;
    for (size_t i = 0; i < size; i++) {
        to[i] = page->bytes[left + i];
        page->bytes[left + i] = 0;
    }
}

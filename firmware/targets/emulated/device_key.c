// jz/device_key.h on emulated boards: a page that every engine keeps over power cuts, and that is no part of the NVM.
// Zeros at first; the key, then the magic number. Without the magic number there is no key yet.
#include "jz/device_key.h"

#include <stdbool.h>
#include <string.h>

#include "jz/fatal.h"
#include "jz/random.h"
#include "mpconfigboard.h"

#define MAGIC (0x594B5A4Au)
#define WORDS (JZ_DEVICE_KEY_SIZE / 4)

typedef struct {
    uint32_t key[WORDS];
    uint32_t magic;
} key_page_t;

static volatile key_page_t *const page = (volatile key_page_t *)JZ_KEY_PAGE;

static void make(void) {
    uint32_t key[WORDS];
    jz_random((uint8_t *)key, sizeof(key));
    bool stored = true;
    for (unsigned i = 0; i < WORDS; i++) {
        page->key[i] = key[i];
        stored = stored && page->key[i] == key[i];
    }
    memset(key, 0, sizeof(key));
    __asm volatile ("" :: "r" (key) : "memory"); // keep the wiping
    if (!stored) {
        jz_fatal("the device key cannot be stored");
    }
    page->magic = MAGIC;
}

void jz_device_key(uint8_t to[JZ_DEVICE_KEY_SIZE]) {
    if (page->magic != MAGIC) {
        make();
    }
    for (unsigned i = 0; i < WORDS; i++) {
        uint32_t word = page->key[i];
        memcpy(to + 4 * i, &word, sizeof(word));
    }
}

// What libsodium expects of its surroundings: randomness, and an end when it is called wrongly.
#include <stdlib.h>

#include "sodium/core.h"
#include "sodium/randombytes.h"

#include "../jzrng/rng.h"

void randombytes_buf(void *const to, const size_t size) {
    jz_random(to, size);
}

#if JZ_EMULATED

#include "../../port/port.h"

void sodium_misuse(void) {
    port_fatal("libsodium misused");
}

#else

void sodium_misuse(void) {
    abort();
}

#endif

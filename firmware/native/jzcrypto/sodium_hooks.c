// Functions that libsodium requires: randomness, and a fatal error for misuse.
#include "sodium/core.h"
#include "sodium/randombytes.h"

#include "jz/fatal.h"
#include "jz/random.h"

void randombytes_buf(void *const to, const size_t size) {
    jz_random(to, size);
}

void sodium_misuse(void) {
    jz_fatal("libsodium misused");
}

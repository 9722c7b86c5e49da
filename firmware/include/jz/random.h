// The only source of randomness of a wallet. Nothing else in an image makes random bytes.
#ifndef JZ_RANDOM_H
#define JZ_RANDOM_H

#include <stddef.h>
#include <stdint.h>

// Check the source once at start. A source that fails its self-test is fatal: a wallet without randomness is dead.
void jz_random_start(void);

// Fill `to` with `size` random bytes. Does not return when the source is exhausted or broken.
void jz_random(uint8_t *to, size_t size);

#endif

// Deterministic CBOR (RFC 8949, 4.2.1) of a small subset: integers of 64 bits, byte and text strings, arrays, maps,
// false, true and null. Shared by encoder and decoder: the decoder checks each head against the encoder's.
#ifndef JZ_CODEC_H
#define JZ_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "py/obj.h"

// The most containers around an item.
#define JZ_CBOR_DEEPEST (8u)
#define JZ_CBOR_LONGEST_HEAD (9u)

// Major types and simple values (RFC 8949, 3.1 and 3.3).
enum {
    JZ_CBOR_UNSIGNED = 0,
    JZ_CBOR_NEGATIVE = 1,
    JZ_CBOR_BYTES = 2,
    JZ_CBOR_TEXT = 3,
    JZ_CBOR_ARRAY = 4,
    JZ_CBOR_MAP = 5,
    JZ_CBOR_SIMPLE = 7,
};
enum { JZ_CBOR_FALSE = 20, JZ_CBOR_TRUE = 21, JZ_CBOR_NULL = 22 };

// Write the shortest head of a major type and its argument; returns its length, 1 to 9.
size_t jz_cbor_head(uint8_t *to, unsigned major, uint64_t argument);

// Append the encoding of `obj`, which is nested in `depth` containers. Raises TypeError or ValueError.
void jz_cbor_encode(vstr_t *out, mp_obj_t obj, unsigned depth);

// Decode exactly one item. Raises ValueError unless jz_cbor_encode would give the same bytes.
mp_obj_t jz_cbor_decode(const uint8_t *from, size_t size);

#endif

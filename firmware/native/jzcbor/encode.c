#include <string.h>

#include "py/objint.h"
#include "py/objlist.h"
#include "py/objstr.h"
#include "py/objtuple.h"
#include "py/runtime.h"

#include "codec.h"

size_t jz_cbor_head(uint8_t *to, unsigned major, uint64_t argument) {
    unsigned size = 0; // of the argument, after the first byte
    uint8_t low = argument;
    if (argument > UINT32_MAX) {
        size = 8;
        low = 27;
    } else if (argument > UINT16_MAX) {
        size = 4;
        low = 26;
    } else if (argument > UINT8_MAX) {
        size = 2;
        low = 25;
    } else if (argument >= 24) {
        size = 1;
        low = 24;
    }
    to[0] = major << 5 | low;
    for (unsigned i = size; i > 0; i--) {
        to[i] = argument;
        argument >>= 8;
    }
    return 1 + size;
}

// If a fixed buffer is too small, continue on the heap.
static void move_to_heap(vstr_t *out, size_t more) {
    vstr_t heap;
    vstr_init(&heap, 2 * out->alloc + more);
    memcpy(heap.buf, out->buf, out->len);
    heap.len = out->len;
    *out = heap;
}

// Reserve `size` more bytes; doubles the buffer, so that many small items do not cause a copy each.
static uint8_t *append(vstr_t *out, size_t size) {
    if (out->len + size > out->alloc) {
        if (out->fixed_buf) {
            move_to_heap(out, size);
        } else {
            vstr_hint_size(out, out->alloc + size);
        }
    }
    return (uint8_t *)vstr_add_len(out, size);
}

static void append_head(vstr_t *out, unsigned major, uint64_t argument) {
    uint8_t head[JZ_CBOR_LONGEST_HEAD];
    size_t size = jz_cbor_head(head, major, argument);
    memcpy(append(out, size), head, size);
}

static void append_string(vstr_t *out, unsigned major, const void *data, size_t size) {
    append_head(out, major, size);
    memcpy(append(out, size), data, size);
}

static void encode_int(vstr_t *out, mp_obj_t obj) {
    bool negative = mp_obj_int_sign(obj) < 0;
    if (negative) {
        obj = mp_unary_op(MP_UNARY_OP_INVERT, obj); // -1 - n
    }
    uint64_t argument = 0;
    if (mp_obj_is_small_int(obj)) {
        argument = MP_OBJ_SMALL_INT_VALUE(obj);
    } else {
        uint8_t bytes[8];
        if (!mp_obj_int_to_bytes_impl(obj, true, sizeof(bytes), bytes)) {
            mp_raise_ValueError(MP_ERROR_TEXT("integer out of range"));
        }
        for (unsigned i = 0; i < sizeof(bytes); i++) {
            argument = argument << 8 | bytes[i];
        }
    }
    append_head(out, negative ? JZ_CBOR_NEGATIVE : JZ_CBOR_UNSIGNED, argument);
}

// Maps of this many entries are sorted on the stack.
#define USUAL_ENTRIES (16u)

typedef struct {
    size_t offset; // of the encoded key
    size_t size;
    mp_obj_t value;
} entry_t;

// Bytewise order (RFC 8949, 4.2.1). No encoding is a prefix of another, so lengths need no comparison.
static bool comes_after(const char *keys, const entry_t *a, const entry_t *b) {
    size_t shorter = a->size < b->size ? a->size : b->size;
    return memcmp(keys + a->offset, keys + b->offset, shorter) > 0;
}

static void sort(const char *keys, entry_t *entries, size_t count) {
    for (size_t i = 1; i < count; i++) {
        entry_t entry = entries[i];
        size_t j = i;
        for (; j > 0 && comes_after(keys, &entries[j - 1], &entry); j--) {
            entries[j] = entries[j - 1];
        }
        entries[j] = entry;
    }
}

// All kinds of tuples share one iterator, including named tuples.
static bool is_tuple(mp_obj_t obj) {
    return MP_OBJ_TYPE_GET_SLOT_OR_NULL(mp_obj_get_type(obj), iter) == mp_obj_tuple_getiter;
}

// Append the keys in the map's order, then the entries in sorted order; finally move the entries to the place of the
// keys.
static void encode_map(vstr_t *out, mp_map_t *map, unsigned depth) {
    entry_t usual[USUAL_ENTRIES];
    entry_t *entries = map->used <= USUAL_ENTRIES ? usual : m_new(entry_t, map->used);
    size_t count = 0;
    size_t begin = out->len;
    for (size_t i = 0; i < map->alloc; i++) {
        if (mp_map_slot_is_filled(map, i)) {
            size_t offset = out->len;
            if (is_tuple(map->table[i].key)) {
                mp_raise_TypeError(MP_ERROR_TEXT("cannot encode")); // the decoder could not use it as a key
            }
            jz_cbor_encode(out, map->table[i].key, depth + 1);
            entries[count++] = (entry_t) {offset, out->len - offset, map->table[i].value};
        }
    }
    sort(out->buf, entries, count);
    size_t keys_end = out->len;
    append_head(out, JZ_CBOR_MAP, count);
    for (size_t i = 0; i < count; i++) {
        uint8_t *to = append(out, entries[i].size);
        memcpy(to, out->buf + entries[i].offset, entries[i].size);
        jz_cbor_encode(out, entries[i].value, depth + 1);
    }
    size_t size = out->len - keys_end;
    memmove(out->buf + begin, out->buf + keys_end, size);
    out->len = begin + size;
    if (entries != usual) {
        m_del(entry_t, entries, map->used);
    }
}

static void encode_array(vstr_t *out, mp_obj_t obj, unsigned depth) {
    size_t count;
    mp_obj_t *items;
    mp_obj_get_array(obj, &count, &items);
    append_head(out, JZ_CBOR_ARRAY, count);
    for (size_t i = 0; i < count; i++) {
        jz_cbor_encode(out, items[i], depth + 1);
    }
}

static bool is_bytes_like(mp_obj_t obj) {
    return mp_obj_is_exact_type(obj, &mp_type_bytes) || mp_obj_is_exact_type(obj, &mp_type_bytearray)
           || mp_obj_is_exact_type(obj, &mp_type_memoryview);
}

void jz_cbor_encode(vstr_t *out, mp_obj_t obj, unsigned depth) {
    if (depth > JZ_CBOR_DEEPEST) {
        mp_raise_ValueError(MP_ERROR_TEXT("nested too deep"));
    }
    if (mp_obj_is_int(obj)) {
        encode_int(out, obj);
    } else if (mp_obj_is_str(obj)) {
        size_t size;
        const char *text = mp_obj_str_get_data(obj, &size);
        append_string(out, JZ_CBOR_TEXT, text, size);
    } else if (is_bytes_like(obj)) {
        mp_buffer_info_t info;
        mp_get_buffer_raise(obj, &info, MP_BUFFER_READ);
        append_string(out, JZ_CBOR_BYTES, info.buf, info.len);
    } else if (mp_obj_is_exact_type(obj, &mp_type_list) || is_tuple(obj)) {
        encode_array(out, obj, depth);
    } else if (mp_obj_is_dict_or_ordereddict(obj)) {
        encode_map(out, mp_obj_dict_get_map(obj), depth);
    } else if (obj == mp_const_none) {
        append_head(out, JZ_CBOR_SIMPLE, JZ_CBOR_NULL);
    } else if (mp_obj_is_bool(obj)) {
        append_head(out, JZ_CBOR_SIMPLE, obj == mp_const_true ? JZ_CBOR_TRUE : JZ_CBOR_FALSE);
    } else {
        mp_raise_TypeError(MP_ERROR_TEXT("cannot encode"));
    }
}

// TinyCBOR parses the input; every head is encoded again and compared with its input bytes, and map keys must ascend.
// So only the encoder's own encoding is accepted, and allocation is bounded by the size of the input.
#include <string.h>

#include "py/objint.h"
#include "py/objlist.h"
#include "py/objstr.h"
#include "py/runtime.h"

#include "cbor.h" // TinyCBOR
#include "codec.h"
#include "utf8_p.h"

static NORETURN void refuse(void) {
    mp_raise_ValueError(MP_ERROR_TEXT("not deterministic CBOR"));
}

static void check(CborError error) {
    if (error != CborNoError) {
        refuse();
    }
}

// The current item must begin with the shortest head for its argument.
static void check_head(const CborValue *it, uint64_t argument) {
    const uint8_t *at = cbor_value_get_next_byte(it);
    uint8_t head[JZ_CBOR_LONGEST_HEAD];
    if (memcmp(at, head, jz_cbor_head(head, at[0] >> 5, argument)) != 0) {
        refuse();
    }
}

static mp_obj_t decode_item(CborValue *it, const uint8_t *end, unsigned depth);

static mp_obj_t decode_int(CborValue *it) {
    uint64_t argument;
    bool negative = cbor_value_is_negative_integer(it);
    cbor_value_get_raw_integer(it, &argument);
    check_head(it, argument);
    check(cbor_value_advance_fixed(it));
    mp_obj_t obj = argument <= UINT32_MAX ? mp_obj_new_int_from_uint(argument) : mp_obj_new_int_from_ull(argument);
    return negative ? mp_unary_op(MP_UNARY_OP_INVERT, obj) : obj;
}

static void check_utf8(const uint8_t *text, size_t size) {
    const uint8_t *end = text + size;
    while (text < end) {
        if (get_utf8(&text, end) == ~0U) {
            refuse();
        }
    }
}

static mp_obj_t decode_string(CborValue *it, bool is_text) {
    if (!cbor_value_is_length_known(it)) {
        refuse();
    }
    size_t size;
    check(cbor_value_get_string_length(it, &size));
    check_head(it, size);
    // A string of known length is a single chunk; the parser checks that it is inside the input.
    const void *chunk;
    check(cbor_value_begin_string_iteration(it));
    check(_cbor_value_get_string_chunk(it, &chunk, &size, it));
    check(cbor_value_finish_string_iteration(it));
    const uint8_t *data = chunk;
    if (is_text) {
        check_utf8(data, size);
        return mp_obj_new_str((const char *)data, size);
    }
    return mp_obj_new_bytes(data, size);
}

static mp_obj_t decode_array(CborValue *it, const uint8_t *end, unsigned depth) {
    size_t count;
    CborValue inner;
    check(cbor_value_get_array_length(it, &count));
    check_head(it, count);
    check(cbor_value_enter_container(it, &inner));
    if (count > (size_t)(end - cbor_value_get_next_byte(&inner))) {
        refuse(); // an item has at least one byte
    }
    mp_obj_list_t *list = MP_OBJ_TO_PTR(mp_obj_new_list(count, NULL));
    for (size_t i = 0; i < count; i++) {
        list->items[i] = mp_const_none;
    }
    for (size_t i = 0; i < count; i++) {
        list->items[i] = decode_item(&inner, end, depth + 1);
    }
    check(cbor_value_leave_container(it, &inner));
    return MP_OBJ_FROM_PTR(list);
}

static mp_obj_t decode_map(CborValue *it, const uint8_t *end, unsigned depth) {
    size_t count;
    CborValue inner;
    check(cbor_value_get_map_length(it, &count));
    check_head(it, count);
    check(cbor_value_enter_container(it, &inner));
    if (count > (size_t)(end - cbor_value_get_next_byte(&inner)) / 2) {
        refuse();
    }
    mp_obj_t dict = mp_obj_new_dict(count);
    const uint8_t *previous = NULL;
    size_t previous_size = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *key = cbor_value_get_next_byte(&inner);
        if (cbor_value_is_container(&inner)) {
            refuse(); // cannot be a key of a dict
        }
        mp_obj_t key_obj = decode_item(&inner, end, depth + 1);
        size_t size = cbor_value_get_next_byte(&inner) - key;
        size_t shorter = size < previous_size ? size : previous_size;
        if (previous != NULL && memcmp(previous, key, shorter) >= 0) {
            refuse(); // keys out of order or repeated
        }
        previous = key;
        previous_size = size;
        mp_obj_dict_store(dict, key_obj, decode_item(&inner, end, depth + 1));
    }
    if (mp_obj_dict_get_map(dict)->used != count) {
        refuse(); // in Python, true and 1 are the same key
    }
    check(cbor_value_leave_container(it, &inner));
    return dict;
}

static mp_obj_t decode_item(CborValue *it, const uint8_t *end, unsigned depth) {
    if (depth > JZ_CBOR_DEEPEST) {
        refuse();
    }
    switch (cbor_value_get_type(it)) {
        case CborIntegerType:
            return decode_int(it);
        case CborByteStringType:
            return decode_string(it, false);
        case CborTextStringType:
            return decode_string(it, true);
        case CborArrayType:
            return decode_array(it, end, depth);
        case CborMapType:
            return decode_map(it, end, depth);
        case CborBooleanType: {
            bool value;
            cbor_value_get_boolean(it, &value);
            check(cbor_value_advance_fixed(it));
            return mp_obj_new_bool(value);
        }
        case CborNullType:
            check(cbor_value_advance_fixed(it));
            return mp_const_none;
        default:
            refuse();
    }
}

mp_obj_t jz_cbor_decode(const uint8_t *from, size_t size) {
    CborParser parser;
    CborValue it;
    check(cbor_parser_init(from, size, 0, &parser, &it));
    mp_obj_t obj = decode_item(&it, from + size, 0);
    if (cbor_value_get_next_byte(&it) != from + size) {
        refuse();
    }
    return obj;
}

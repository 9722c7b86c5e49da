// Byte arguments: any buffer except text, which MicroPython would accept as a buffer and CPython rejects.
#ifndef JZ_BUFFER_H
#define JZ_BUFFER_H

#include "py/runtime.h"

static inline mp_buffer_info_t jz_bytes(mp_obj_t obj) {
    mp_buffer_info_t info;
    if (mp_obj_is_str(obj)) {
        mp_raise_TypeError(MP_ERROR_TEXT("bytes expected"));
    }
    mp_get_buffer_raise(obj, &info, MP_BUFFER_READ);
    return info;
}

#endif

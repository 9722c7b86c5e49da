// Module _jznvm: the board's non-volatile memory (jz/nvm.h), with checked offsets.
#include "py/mperrno.h"
#include "py/runtime.h"

#include "../buffer.h"
#include "jz/marks.h"
#include "jz/nvm.h"

// `size` bytes at an offset given from Python must lie in the memory and be multiples of `grain`.
static size_t checked_offset(mp_obj_t offset_obj, size_t size, size_t grain) {
    mp_int_t offset = mp_obj_get_int(offset_obj);
    if (offset < 0 || size > JZ_NVM_SIZE || (size_t)offset > JZ_NVM_SIZE - size) {
        mp_raise_ValueError(MP_ERROR_TEXT("outside NVM"));
    }
    if ((size_t)offset % grain != 0 || size % grain != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("NVM access not aligned"));
    }
    return offset;
}

static mp_obj_t jznvm_read(mp_obj_t offset_obj, mp_obj_t size_obj) {
    mp_int_t size = mp_obj_get_int(size_obj);
    if (size < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("outside NVM"));
    }
    size_t offset = checked_offset(offset_obj, size, 1);
    return mp_obj_new_bytes(jz_nvm_read(offset, size), size);
}
static MP_DEFINE_CONST_FUN_OBJ_2(jznvm_read_obj, jznvm_read);

static mp_obj_t jznvm_program(mp_obj_t offset_obj, mp_obj_t data_obj) {
    mp_buffer_info_t data = jz_bytes(data_obj);
    size_t offset = checked_offset(offset_obj, data.len, JZ_NVM_UNIT);
    uint32_t phase = jz_mark(JZ_MARK_COMMIT);
    bool done = jz_nvm_program(offset, data.buf, data.len);
    jz_mark(phase);
    if (!done) {
        mp_raise_OSError(MP_EIO);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(jznvm_program_obj, jznvm_program);

static mp_obj_t jznvm_erase(mp_obj_t offset_obj) {
    size_t offset = checked_offset(offset_obj, JZ_NVM_PAGE, JZ_NVM_PAGE);
    uint32_t phase = jz_mark(JZ_MARK_COMMIT);
    bool done = jz_nvm_erase(offset);
    jz_mark(phase);
    if (!done) {
        mp_raise_OSError(MP_EIO);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(jznvm_erase_obj, jznvm_erase);

static const mp_rom_map_elem_t jznvm_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__jznvm) },
    { MP_ROM_QSTR(MP_QSTR_size), MP_ROM_INT(JZ_NVM_SIZE) },
    { MP_ROM_QSTR(MP_QSTR_page_size), MP_ROM_INT(JZ_NVM_PAGE) },
    { MP_ROM_QSTR(MP_QSTR_program_unit), MP_ROM_INT(JZ_NVM_UNIT) },
    { MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&jznvm_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_program), MP_ROM_PTR(&jznvm_program_obj) },
    { MP_ROM_QSTR(MP_QSTR_erase), MP_ROM_PTR(&jznvm_erase_obj) },
};
static MP_DEFINE_CONST_DICT(jznvm_globals, jznvm_globals_table);

const mp_obj_module_t jznvm_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&jznvm_globals,
};
MP_REGISTER_MODULE(MP_QSTR__jznvm, jznvm_module);

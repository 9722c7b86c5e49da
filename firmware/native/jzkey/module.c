// Module _jzkey: the device key (jz/device_key.h).
#include "jz/device_key.h"
#include "py/runtime.h"

static mp_obj_t jzkey_device_key(void) {
    vstr_t result;
    vstr_init_len(&result, JZ_DEVICE_KEY_SIZE);
    jz_device_key((uint8_t *)result.buf);
    return mp_obj_new_bytes_from_vstr(&result);
}
static MP_DEFINE_CONST_FUN_OBJ_0(jzkey_device_key_obj, jzkey_device_key);

static const mp_rom_map_elem_t jzkey_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__jzkey) },
    { MP_ROM_QSTR(MP_QSTR_device_key), MP_ROM_PTR(&jzkey_device_key_obj) },
};
static MP_DEFINE_CONST_DICT(jzkey_globals, jzkey_globals_table);

const mp_obj_module_t jzkey_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&jzkey_globals,
};
MP_REGISTER_MODULE(MP_QSTR__jzkey, jzkey_module);

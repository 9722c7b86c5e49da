// Module _jzcbor: dumps(obj) and loads(buffer), deterministic both ways.
#include "py/runtime.h"

#include "../buffer.h"
#include "../phase.h"
#include "codec.h"

// Results up to this size are encoded without the heap, so that the cost does not depend on the heap's state.
#define USUAL_SIZE (2048u)
static char usual[USUAL_SIZE];

static mp_obj_t jzcbor_dumps(mp_obj_t obj) {
    jz_phase_t phase;
    jz_phase_begin(&phase, JZ_MARK_ENCODE);
    vstr_t out;
    vstr_init_fixed_buf(&out, sizeof(usual), usual);
    jz_cbor_encode(&out, obj, 0);
    jz_phase_end();
    if (out.fixed_buf) {
        return mp_obj_new_bytes((const byte *)out.buf, out.len);
    }
    return mp_obj_new_bytes_from_vstr(&out);
}
static MP_DEFINE_CONST_FUN_OBJ_1(jzcbor_dumps_obj, jzcbor_dumps);

static mp_obj_t jzcbor_loads(mp_obj_t buffer) {
    mp_buffer_info_t info = jz_bytes(buffer);
    jz_phase_t phase;
    jz_phase_begin(&phase, JZ_MARK_DECODE);
    mp_obj_t obj = jz_cbor_decode(info.buf, info.len);
    jz_phase_end();
    return obj;
}
static MP_DEFINE_CONST_FUN_OBJ_1(jzcbor_loads_obj, jzcbor_loads);

static const mp_rom_map_elem_t jzcbor_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__jzcbor) },
    { MP_ROM_QSTR(MP_QSTR_dumps), MP_ROM_PTR(&jzcbor_dumps_obj) },
    { MP_ROM_QSTR(MP_QSTR_loads), MP_ROM_PTR(&jzcbor_loads_obj) },
};
static MP_DEFINE_CONST_DICT(jzcbor_globals, jzcbor_globals_table);

const mp_obj_module_t jzcbor_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&jzcbor_globals,
};
MP_REGISTER_MODULE(MP_QSTR__jzcbor, jzcbor_module);

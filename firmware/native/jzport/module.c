// Module _jzport: phase marks, waiting, count of collections, reset.
#include "jz/marks.h"
#include "jz/port.h"
#include "py/runtime.h"

static mp_obj_t jzport_mark(mp_obj_t phase) {
    return MP_OBJ_NEW_SMALL_INT(jz_mark(mp_obj_get_int(phase)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(jzport_mark_obj, jzport_mark);

// Count of arrivals when wait last returned: anything after it ends the next wait at once.
static uint32_t waited_for;

static mp_obj_t jzport_wait(mp_obj_t ms_obj) {
    mp_int_t ms = mp_obj_get_int(ms_obj);
    uint32_t start = port_time_ms();
    uint32_t left = ms < 0 ? PORT_FOREVER : (uint32_t)ms;
    for (;;) {
        port_idle_or_interrupt(waited_for, left);
        uint32_t arrivals = port_arrivals;
        if (arrivals != waited_for) {
            waited_for = arrivals;
            return mp_const_true;
        }
        if (left == 0) {
            return mp_const_false;
        }
        left = port_time_left(start, ms < 0 ? PORT_FOREVER : (uint32_t)ms);
    }
}
static MP_DEFINE_CONST_FUN_OBJ_1(jzport_wait_obj, jzport_wait);

static mp_obj_t jzport_gc_count(void) {
    return MP_OBJ_NEW_SMALL_INT(port_gc_count());
}
static MP_DEFINE_CONST_FUN_OBJ_0(jzport_gc_count_obj, jzport_gc_count);

static mp_obj_t jzport_reset(void) {
    port_reset();
}
static MP_DEFINE_CONST_FUN_OBJ_0(jzport_reset_obj, jzport_reset);

static const mp_rom_map_elem_t jzport_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__jzport) },
    { MP_ROM_QSTR(MP_QSTR_mark), MP_ROM_PTR(&jzport_mark_obj) },
    { MP_ROM_QSTR(MP_QSTR_wait), MP_ROM_PTR(&jzport_wait_obj) },
    { MP_ROM_QSTR(MP_QSTR_gc_count), MP_ROM_PTR(&jzport_gc_count_obj) },
    { MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&jzport_reset_obj) },
};
static MP_DEFINE_CONST_DICT(jzport_globals, jzport_globals_table);

const mp_obj_module_t jzport_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&jzport_globals,
};
MP_REGISTER_MODULE(MP_QSTR__jzport, jzport_module);

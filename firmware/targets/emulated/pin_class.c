// machine.Pin over the bus bridge: outputs are posted, inputs have the level last pushed by the simulator.
#include "bridge.h"
#include "extmod/modmachine.h"
#include "jz/port.h"
#include "py/runtime.h"

enum { PIN_IN = 0, PIN_OUT = 1 };
enum { PULL_NONE = 0, PULL_UP = 1, PULL_DOWN = 2 };

typedef struct {
    mp_obj_base_t base;
    uint8_t id;
    bool is_output;
    bool level; // of an output
} pin_t;

static pin_t pins[BRIDGE_PINS];

static void set_level(pin_t *self, bool level) {
    uint8_t payload = level;
    self->level = level;
    bridge_send(BRIDGE_PIN_OUT, self->id, &payload, 1, NULL, 0);
}

static void configure(pin_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_mode, ARG_pull, ARG_value };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_mode, MP_ARG_INT, {.u_int = -1} },
        { MP_QSTR_pull, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_value, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);

    mp_int_t mode = args[ARG_mode].u_int;
    mp_obj_t value = args[ARG_value].u_obj;
    if (mode == PIN_OUT) {
        self->is_output = true;
        set_level(self, value == mp_const_none ? self->level : mp_obj_is_true(value));
    } else if (mode == PIN_IN) {
        mp_obj_t pull_obj = args[ARG_pull].u_obj;
        uint8_t pull = pull_obj == mp_const_none ? PULL_NONE : mp_obj_get_int(pull_obj);
        self->is_output = false;
        bridge_pin_assume(self->id, pull == PULL_UP);
        bridge_send(BRIDGE_PIN_IN, self->id, &pull, 1, NULL, 0);
    } else if (mode != -1) {
        mp_raise_ValueError(MP_ERROR_TEXT("pin mode"));
    }
}

static mp_obj_t pin_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id < 0 || id >= (mp_int_t)BRIDGE_PINS) {
        mp_raise_ValueError(MP_ERROR_TEXT("no such pin"));
    }
    pin_t *self = &pins[id];
    self->base.type = type;
    self->id = id;
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    configure(self, n_args - 1, args + 1, &kw_args);
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t pin_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    configure(MP_OBJ_TO_PTR(args[0]), n_args - 1, args + 1, kw_args);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(pin_init_obj, 1, pin_init);

static mp_obj_t pin_call(mp_obj_t self_in, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 1, false);
    pin_t *self = MP_OBJ_TO_PTR(self_in);
    if (n_args == 1) {
        set_level(self, mp_obj_is_true(args[0]));
        return mp_const_none;
    }
    if (self->is_output) {
        return MP_OBJ_NEW_SMALL_INT(self->level);
    }
    port_idle(port_arrivals, 0);
    return MP_OBJ_NEW_SMALL_INT(bridge_pin_level(self->id));
}

static mp_obj_t pin_value(size_t n_args, const mp_obj_t *args) {
    return pin_call(args[0], n_args - 1, 0, args + 1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pin_value_obj, 1, 2, pin_value);

static mp_obj_t pin_on(mp_obj_t self_in) {
    set_level(MP_OBJ_TO_PTR(self_in), true);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pin_on_obj, pin_on);

static mp_obj_t pin_off(mp_obj_t self_in) {
    set_level(MP_OBJ_TO_PTR(self_in), false);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pin_off_obj, pin_off);

static void pin_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    mp_printf(print, "Pin(%u)", ((pin_t *)MP_OBJ_TO_PTR(self_in))->id);
}

static const mp_rom_map_elem_t pin_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&pin_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&pin_value_obj) },
    { MP_ROM_QSTR(MP_QSTR_on), MP_ROM_PTR(&pin_on_obj) },
    { MP_ROM_QSTR(MP_QSTR_off), MP_ROM_PTR(&pin_off_obj) },
    { MP_ROM_QSTR(MP_QSTR_IN), MP_ROM_INT(PIN_IN) },
    { MP_ROM_QSTR(MP_QSTR_OUT), MP_ROM_INT(PIN_OUT) },
    { MP_ROM_QSTR(MP_QSTR_PULL_UP), MP_ROM_INT(PULL_UP) },
    { MP_ROM_QSTR(MP_QSTR_PULL_DOWN), MP_ROM_INT(PULL_DOWN) },
};
static MP_DEFINE_CONST_DICT(pin_locals, pin_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    machine_pin_type,
    MP_QSTR_Pin,
    MP_TYPE_FLAG_NONE,
    make_new, pin_make_new,
    print, pin_print,
    call, pin_call,
    locals_dict, &pin_locals
    );

// Included by extmod/modmachine.c: this port's functions of the machine module.
#include "jz/port.h"

extern const mp_obj_type_t machine_pin_type;

#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    { MP_ROM_QSTR(MP_QSTR_Pin), MP_ROM_PTR(&machine_pin_type) }, \

static void mp_machine_idle(void) {
    port_idle_or_interrupt(port_arrivals, PORT_FOREVER);
}

NORETURN static void mp_machine_reset(void) {
    port_reset();
}

static mp_int_t mp_machine_reset_cause(void) {
    return 0;
}

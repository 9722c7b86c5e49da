// Included by extmod/machine_uart.c: machine.UART over the rings of uart.c. All waiting happens in port_idle.
#include "clock.h"
#include "jz/port.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "uart.h"

#define MICROPY_PY_MACHINE_UART_CLASS_CONSTANTS

#define HIGHEST_BAUD (PORT_CORE_HZ / 16)

struct _machine_uart_obj_t {
    mp_obj_base_t base;
    uint8_t id;
    uint32_t baudrate;
    uint32_t timeout;      // ms until the first byte
    uint32_t timeout_char; // ms from byte to byte
};

// The REPL of debug images uses the log UART; the bus classes use the bridge.
static machine_uart_obj_t machine_uarts[] = {
    {.base = {&machine_uart_type}, .id = UART_HOST, .baudrate = 115200},
    {.base = {&machine_uart_type}, .id = UART_NFC, .baudrate = 115200},
    {.base = {&machine_uart_type}, .id = UART_CONTACT, .baudrate = 115200},
};

static void mp_machine_uart_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "UART(%u, baudrate=%u)", self->id, (unsigned)self->baudrate);
}

static void mp_machine_uart_init_helper(machine_uart_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_baudrate, ARG_bits, ARG_parity, ARG_stop, ARG_tx, ARG_rx, ARG_rxbuf, ARG_txbuf, ARG_timeout, ARG_timeout_char };
    // Frame format and pins are fixed in this hardware: accepted so that board files are the same as for real boards.
    static const mp_arg_t allowed[] = {
        { MP_QSTR_baudrate, MP_ARG_INT, {.u_int = -1} },
        { MP_QSTR_bits, MP_ARG_INT, {.u_int = 8} },
        { MP_QSTR_parity, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_stop, MP_ARG_INT, {.u_int = 1} },
        { MP_QSTR_tx, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_rx, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_rxbuf, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_txbuf, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_timeout, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = -1} },
        { MP_QSTR_timeout_char, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = -1} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);

    if (args[ARG_bits].u_int != 8 || args[ARG_parity].u_obj != mp_const_none || args[ARG_stop].u_int != 1) {
        mp_raise_ValueError(MP_ERROR_TEXT("UART is 8N1"));
    }
    if (args[ARG_rxbuf].u_int > (mp_int_t)uart_ring_size(self->id)) {
        mp_raise_ValueError(MP_ERROR_TEXT("rxbuf too large"));
    }
    mp_int_t baudrate = args[ARG_baudrate].u_int;
    if (baudrate != -1) {
        if (baudrate <= 0 || baudrate > (mp_int_t)HIGHEST_BAUD) {
            mp_raise_ValueError(MP_ERROR_TEXT("baudrate"));
        }
        self->baudrate = baudrate;
        uart_set_baud(self->id, baudrate);
    }
    if (args[ARG_timeout].u_int >= 0) {
        self->timeout = args[ARG_timeout].u_int;
    }
    if (args[ARG_timeout_char].u_int >= 0) {
        self->timeout_char = args[ARG_timeout_char].u_int;
    }
}

static mp_obj_t mp_machine_uart_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)type;
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_int_t id = mp_obj_get_int(args[0]);
    for (size_t i = 0; i < MP_ARRAY_SIZE(machine_uarts); i++) {
        machine_uart_obj_t *self = &machine_uarts[i];
        if (self->id == id) {
            mp_map_t kw_args;
            mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
            self->timeout = 0;
            self->timeout_char = 0;
            mp_machine_uart_init_helper(self, n_args - 1, args + 1, &kw_args);
            return MP_OBJ_FROM_PTR(self);
        }
    }
    mp_raise_ValueError(MP_ERROR_TEXT("no such UART"));
}

static void mp_machine_uart_deinit(machine_uart_obj_t *self) {
    (void)self;
}

static mp_int_t mp_machine_uart_any(machine_uart_obj_t *self) {
    port_idle(port_arrivals, 0);
    return uart_available(self->id);
}

static bool mp_machine_uart_txdone(machine_uart_obj_t *self) {
    (void)self;
    return true;
}

static mp_uint_t mp_machine_uart_read(mp_obj_t self_in, void *buffer, mp_uint_t size, int *error) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    uint8_t *to = buffer;
    size_t done = 0;
    uint32_t start = mp_hal_ticks_ms(), timeout = self->timeout;
    while (done < size) {
        uint32_t seen = port_arrivals;
        size_t taken = uart_take(self->id, to + done, size - done);
        if (taken != 0) {
            done += taken;
            start = mp_hal_ticks_ms();
            timeout = self->timeout_char;
            continue;
        }
        uint32_t left = port_time_left(start, timeout);
        // With no time left, this only drains the registers once more.
        port_idle_or_interrupt(seen, left);
        if (left == 0 && uart_available(self->id) == 0) {
            break;
        }
    }
    if (done == 0 && size != 0) {
        *error = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return done;
}

static mp_uint_t mp_machine_uart_write(mp_obj_t self_in, const void *buffer, mp_uint_t size, int *error) {
    (void)error;
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    uart_send(self->id, buffer, size);
    return size;
}

static mp_uint_t mp_machine_uart_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *error) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (request == MP_STREAM_POLL) {
        uintptr_t ready = arg & MP_STREAM_POLL_WR;
        if ((arg & MP_STREAM_POLL_RD) && mp_machine_uart_any(self)) {
            ready |= MP_STREAM_POLL_RD;
        }
        return ready;
    }
    if (request == MP_STREAM_FLUSH) {
        return 0;
    }
    *error = MP_EINVAL;
    return MP_STREAM_ERROR;
}

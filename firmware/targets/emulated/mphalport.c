// Functions that MicroPython requires of a port: standard streams (debug images only), delays, files (there are none).
#include "jz/port.h"
#include "py/builtin.h"
#include "py/lexer.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "uart.h"

#if JZ_DEBUG

int mp_hal_stdin_rx_chr(void) {
    for (;;) {
        uint32_t seen = port_arrivals;
        uint8_t byte;
        if (uart_take(UART_LOG, &byte, 1)) {
            return byte;
        }
        port_idle_or_interrupt(seen, PORT_FOREVER);
    }
}

mp_uint_t mp_hal_stdout_tx_strn(const char *text, size_t size) {
    uart_send(UART_LOG, (const uint8_t *)text, size);
    return size;
}

#else

// A release image discards its output.
void mp_hal_stdout_tx_strn_cooked(const char *text, size_t size) {
}

#endif

void mp_hal_delay_ms(mp_uint_t ms) {
    uint32_t start = mp_hal_ticks_ms(), left;
    while ((left = port_time_left(start, ms)) != 0) {
        port_idle_or_interrupt(port_arrivals, left);
    }
}

void mp_hal_delay_us(mp_uint_t us) {
    uint32_t start = mp_hal_ticks_us();
    while (mp_hal_ticks_us() - start < us) {
    }
}

static mp_obj_t no_open(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    mp_raise_OSError(MP_ENODEV);
}
MP_DEFINE_CONST_FUN_OBJ_KW(mp_builtin_open_obj, 1, no_open);

mp_import_stat_t mp_import_stat(const char *path) {
    return MP_IMPORT_STAT_NO_EXIST;
}

#if JZ_DEBUG
mp_lexer_t *mp_lexer_new_from_file(qstr name) {
    mp_raise_OSError(MP_ENODEV);
}
#endif

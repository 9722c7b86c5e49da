// machine.SPI and machine.I2C over the bus bridge. Pins, clock and mode are fixed by the bridge: the usual arguments
// are accepted and ignored. Writes are posted; a read without an answer raises OSError(ETIMEDOUT).
#include <string.h>

#include "bridge.h"
#include "extmod/modmachine.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"

// A frame's length field has 16 bits; long writes are split into frames of this size.
#define LONGEST_WRITE (4096u)
#define LONGEST_READ (UINT16_MAX)
#define BUSES (2)

typedef struct {
    mp_obj_base_t base;
    uint8_t id;
} bus_t;

static bus_t *bus_new(const mp_obj_type_t *type, bus_t *buses, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id < 0 || id >= BUSES) {
        mp_raise_ValueError(MP_ERROR_TEXT("no such bus"));
    }
    buses[id].base.type = type;
    buses[id].id = id;
    return &buses[id];
}

static void bus_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    bus_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "%q(%u)", (qstr)self->base.type->name, self->id);
}

static void bus_init(mp_obj_base_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    (void)self;
    (void)n_args;
    (void)pos_args;
    (void)kw_args;
}

// ---- SPI

static bus_t spi_buses[BUSES];

static void spi_read(bus_t *self, size_t size, const uint8_t *src, uint8_t *dest) {
    for (size_t i = 1; i < size; i++) {
        if (src[i] != src[0]) {
            mp_raise_ValueError(MP_ERROR_TEXT("reads send one fill byte"));
        }
    }
    uint8_t fill = size != 0 ? src[0] : 0; // dest may be the same memory as src
    while (size != 0) {
        size_t part = size < LONGEST_READ ? size : LONGEST_READ;
        uint8_t request[3] = {part & 0xff, part >> 8, fill};
        if (!bridge_read(BRIDGE_SPI_READ, self->id, request, sizeof(request), dest, part)) {
            mp_raise_OSError(MP_ETIMEDOUT);
        }
        dest += part;
        size -= part;
    }
}

static void spi_transfer(mp_obj_base_t *self_in, size_t size, const uint8_t *src, uint8_t *dest) {
    bus_t *self = (bus_t *)self_in;
    if (dest != NULL) {
        spi_read(self, size, src, dest);
        return;
    }
    while (size != 0) {
        size_t part = size < LONGEST_WRITE ? size : LONGEST_WRITE;
        bridge_send(BRIDGE_SPI_WRITE, self->id, NULL, 0, src, part);
        src += part;
        size -= part;
    }
}

static mp_obj_t spi_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    return MP_OBJ_FROM_PTR(bus_new(type, spi_buses, n_args, n_kw, args));
}

static const mp_machine_spi_p_t spi_protocol = {
    .init = bus_init,
    .transfer = spi_transfer,
};

MP_DEFINE_CONST_OBJ_TYPE(
    machine_spi_type,
    MP_QSTR_SPI,
    MP_TYPE_FLAG_NONE,
    make_new, spi_make_new,
    print, bus_print,
    protocol, &spi_protocol,
    locals_dict, &mp_machine_spi_locals_dict
    );

// ---- I2C

static bus_t i2c_buses[BUSES];

static int i2c_transfer(mp_obj_base_t *self_in, uint16_t address, size_t size, uint8_t *buffer, unsigned int flags) {
    bus_t *self = (bus_t *)self_in;
    if (size > LONGEST_READ) {
        return -MP_EINVAL;
    }
    if (flags & MP_MACHINE_I2C_FLAG_READ) {
        uint8_t request[3] = {address, size & 0xff, size >> 8};
        bool answered = bridge_read(BRIDGE_I2C_READ, self->id, request, sizeof(request), buffer, size);
        return answered ? (int)size : -MP_ETIMEDOUT;
    }
    uint8_t head = address;
    bridge_send(BRIDGE_I2C_WRITE, self->id, &head, 1, buffer, size);
    return size;
}

static mp_obj_t i2c_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    return MP_OBJ_FROM_PTR(bus_new(type, i2c_buses, n_args, n_kw, args));
}

static const mp_machine_i2c_p_t i2c_protocol = {
    .init = bus_init,
    .transfer = mp_machine_i2c_transfer_adaptor,
    .transfer_single = i2c_transfer,
};

MP_DEFINE_CONST_OBJ_TYPE(
    machine_i2c_type,
    MP_QSTR_I2C,
    MP_TYPE_FLAG_NONE,
    make_new, i2c_make_new,
    print, bus_print,
    protocol, &i2c_protocol,
    locals_dict, &mp_machine_i2c_locals_dict
    );

// Buses and pins of an emulated board: frames over UART2 (u8 op, u8 id, u16 little-endian length, payload).
// Writes are posted; the simulator pushes the levels of input pins; only reads wait for an answer.
#ifndef JZ_BRIDGE_H
#define JZ_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BRIDGE_SPI_WRITE = 0x01,
    BRIDGE_SPI_READ = 0x02,  // payload: u16 count, u8 fill
    BRIDGE_PIN_OUT = 0x03,   // payload: u8 level
    BRIDGE_PIN_IN = 0x04,    // payload: u8 pull (0 none, 1 up, 2 down)
    BRIDGE_I2C_WRITE = 0x05, // payload: u8 address, data
    BRIDGE_I2C_READ = 0x06,  // payload: u8 address, u16 count
    BRIDGE_PIN_LEVEL = 0x81, // from the simulator: u8 level
    BRIDGE_READ_ANSWER = 0x82,
};

#define BRIDGE_PINS (32u)

// Process one received byte; startup passes this function to uart_init.
void bridge_receive(uint8_t byte);

// Send one frame; its payload is `head` followed by `data`, together below 64 KiB.
void bridge_send(uint8_t op, uint8_t id, const uint8_t *head, size_t head_size, const uint8_t *data, size_t data_size);

// Send a read request and wait for `size` bytes of answer. False if none came in time.
bool bridge_read(uint8_t op, uint8_t id, const uint8_t *request, size_t request_size, uint8_t *to, size_t size);

// Level last pushed for an input pin, or the level of its pull resistor.
bool bridge_pin_level(unsigned pin);
void bridge_pin_assume(unsigned pin, bool level);

#endif

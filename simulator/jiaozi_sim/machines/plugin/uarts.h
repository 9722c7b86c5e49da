/* The bytes in a board's UARTs, and their registers (CMSDK Technical Reference Manual, 4.3): data at +0, state at +4,
 * interrupts at +12. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { UARTS = 5, DATA = 0, STATE = 4, INTERRUPT = 12, TX_FULL = 1, RX_FULL = 2, RX_INTERRUPT = 2 };

struct bytes {
    uint8_t *at;
    size_t size, room;
};

struct uart {
    int wire; /* a socket; -1: none */
    struct bytes received, sent;
    size_t taken; /* received bytes that were read */
};

static inline void append(struct bytes *bytes, const uint8_t *from, size_t size) {
    if (bytes->size + size > bytes->room) {
        bytes->room = 2 * (bytes->size + size);
        bytes->at = realloc(bytes->at, bytes->room);
        if (!bytes->at) {
            abort();
        }
    }
    if (size) {
        memcpy(bytes->at + bytes->size, from, size);
    }
    bytes->size += size;
}

static inline size_t waiting(const struct uart *uart) {
    return uart->received.size - uart->taken;
}

/* Deliver bytes to a UART. */
static inline void deliver(struct uart *uart, const uint8_t *from, size_t size) {
    if (!waiting(uart)) {
        uart->received.size = uart->taken = 0;
    }
    append(&uart->received, from, size);
}

/* Return the UART whose registers are at this offset from 0x40000000, or none. */
static inline struct uart *uart_of(struct uart *uarts, uint64_t offset) {
    static const int8_t numbers[] = {-1, -1, -1, -1, 0, 1, 2, 3, -1, 4};
    uint64_t page = offset >> 12;
    return page < sizeof numbers && numbers[page] >= 0 ? &uarts[numbers[page]] : NULL;
}

/* A register other than the state. */
static inline uint64_t read_register(struct uart *uart, uint64_t offset) {
    switch (offset & 0xFFF) {
        case DATA:
            return waiting(uart) ? uart->received.at[uart->taken++] : 0;
        case INTERRUPT:
            return waiting(uart) ? RX_INTERRUPT : 0;
        default:
            return 0;
    }
}

static inline size_t received(const struct uart *uart, const uint8_t **at) {
    *at = uart->received.at + uart->taken;
    return waiting(uart);
}

static inline size_t sent(const struct uart *uart, const uint8_t **at) {
    *at = uart->sent.at;
    return uart->sent.size;
}

/* Replace the bytes that a UART holds. */
static inline void fill(struct uart *uart, const uint8_t *in, size_t in_size, const uint8_t *out, size_t out_size) {
    uart->received.size = uart->taken = uart->sent.size = 0;
    append(&uart->received, in, in_size);
    append(&uart->sent, out, out_size);
}

// The five UARTs: one function, uart_drain, moves received bytes from the registers into rings.
#ifndef JZ_UART_H
#define JZ_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    UART_HOST = 0,    // host link
    UART_NFC = 1,     // PN532
    UART_BRIDGE = 2,  // bus bridge: without a ring; each byte is passed to its receiver
    UART_CONTACT = 3, // contact interface
    UART_LOG = 4,     // log and REPL of debug images
    UART_COUNT = 5,
};

// bridge_receiver: called for each byte of UART_BRIDGE, with interrupts masked or from the handler.
void uart_init(void (*bridge_receiver)(uint8_t byte));

// Bits per second, at most a sixteenth of the core clock.
void uart_set_baud(unsigned id, uint32_t baud);

// Move received bytes of all UARTs into the rings or to the bridge, and count arrivals. Called by the interrupt
// handler and by port_idle, with interrupts masked or from the handler. A byte stays in the UART if its ring is full.
void uart_drain(void);

size_t uart_available(unsigned id);
size_t uart_ring_size(unsigned id);

// Read up to `size` received bytes; returns their number.
size_t uart_take(unsigned id, uint8_t *to, size_t size);

// Send all bytes; reception continues meanwhile.
void uart_send(unsigned id, const uint8_t *from, size_t size);

// Write a line to the log UART; does nothing in a release image.
void uart_log(const char *text);

#endif

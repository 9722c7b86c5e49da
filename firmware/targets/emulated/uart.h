// The five UARTs: received bytes are moved from the registers into rings by one function, uart_drain.
#ifndef JZ_UART_H
#define JZ_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    UART_HOST = 0,    // host link
    UART_NFC = 1,     // PN532
    UART_BRIDGE = 2,  // bus bridge: it has no ring, each byte goes to its receiver
    UART_CONTACT = 3, // contact interface
    UART_LOG = 4,     // log and REPL of debug images
    UART_COUNT = 5,
};

// bridge_receiver: takes each byte of UART_BRIDGE, with interrupts masked or from the handler.
void uart_init(void (*bridge_receiver)(uint8_t byte));

// Bits per second, at most a sixteenth of the core clock.
void uart_set_baud(unsigned id, uint32_t baud);

// Move what all UARTs have received into the rings, or to the bridge, and count arrivals. Called by the interrupt
// handler and by port_idle, with interrupts masked or from the handler. A byte that finds its ring full stays in the UART.
void uart_drain(void);

size_t uart_available(unsigned id);
size_t uart_ring_size(unsigned id);

// Up to `size` received bytes; returns how many.
size_t uart_take(unsigned id, uint8_t *to, size_t size);

// Send all bytes; receiving goes on meanwhile.
void uart_send(unsigned id, const uint8_t *from, size_t size);

// A line for the log UART; nothing at all in a release image.
void uart_log(const char *text);

#endif

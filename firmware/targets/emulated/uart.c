#include "uart.h"

#include <string.h>

#include "clock.h"
#include "irq.h"
#include "jz/port.h"
#include "py/runtime.h"
#include "registers.h"
#include "shared/runtime/interrupt_char.h"

#define UARTS_IN_USE (JZ_DEBUG ? UART_COUNT : UART_LOG)
#define DEFAULT_BAUD (115200u)

static cmsdk_uart_t *const uarts[UART_COUNT] = {
    (cmsdk_uart_t *)0x40004000,
    (cmsdk_uart_t *)0x40005000,
    (cmsdk_uart_t *)0x40006000,
    (cmsdk_uart_t *)0x40007000,
    (cmsdk_uart_t *)0x40009000,
};

// Ring sizes are powers of two. The PN532 may send a whole extended frame before it is read.
#define HOST_RING (4096u)
#define NFC_RING (2048u)
#define CONTACT_RING (1024u)
#define LOG_RING (JZ_DEBUG ? 1024u : 1u)

static uint8_t host_bytes[HOST_RING], nfc_bytes[NFC_RING], contact_bytes[CONTACT_RING], log_bytes[LOG_RING];

typedef struct {
    uint8_t *bytes;
    uint16_t mask;
    volatile uint16_t head; // written by uart_drain
    volatile uint16_t tail; // written by uart_take
} ring_t;

static ring_t rings[UART_COUNT] = {
    [UART_HOST] = {host_bytes, HOST_RING - 1},
    [UART_NFC] = {nfc_bytes, NFC_RING - 1},
    [UART_CONTACT] = {contact_bytes, CONTACT_RING - 1},
    [UART_LOG] = {log_bytes, LOG_RING - 1},
};

volatile uint32_t port_arrivals;

static void (*receive_bridge)(uint8_t byte);

void uart_init(void (*bridge_receiver)(uint8_t byte)) {
    receive_bridge = bridge_receiver;
    for (unsigned id = 0; id < UARTS_IN_USE; id++) {
        uart_set_baud(id, DEFAULT_BAUD);
        uarts[id]->control = UART_CONTROL_TX | UART_CONTROL_RX | UART_CONTROL_RX_INTERRUPT;
    }
    // QEMU's model does not poll its backends when reception is enabled, only when any UART's DATA is read. Read the
    // log UART's: the others may already hold a byte, which a read would lose.
    (void)uarts[UART_LOG]->data;
}

void uart_set_baud(unsigned id, uint32_t baud) {
    uint32_t divisor = PORT_CORE_HZ / baud;
    uarts[id]->baud_divisor = divisor < 16 ? 16 : divisor;
}

static bool is_full(const ring_t *ring) {
    return ((ring->head + 1) & ring->mask) == ring->tail;
}

static void receive(unsigned id, uint8_t byte) {
    if (id == UART_BRIDGE) {
        receive_bridge(byte);
        return;
    }
    #if MICROPY_KBD_EXCEPTION
    if (id == UART_LOG && byte == mp_interrupt_char) {
        mp_sched_keyboard_interrupt();
        port_arrivals++;
        return;
    }
    #endif
    ring_t *ring = &rings[id];
    ring->bytes[ring->head] = byte;
    ring->head = (ring->head + 1) & ring->mask;
    port_arrivals++;
}

void uart_drain(void) {
    for (unsigned id = 0; id < UARTS_IN_USE; id++) {
        cmsdk_uart_t *uart = uarts[id];
        uart->interrupt = UART_INTERRUPT_RX;
        while ((uart->state & UART_STATE_RX_FULL) && (id == UART_BRIDGE || !is_full(&rings[id]))) {
            receive(id, uart->data);
            // The model sets the flag again for a byte that this loop will read.
            uart->interrupt = UART_INTERRUPT_RX;
        }
    }
}

size_t uart_available(unsigned id) {
    const ring_t *ring = &rings[id];
    return (ring->head - ring->tail) & ring->mask;
}

size_t uart_ring_size(unsigned id) {
    return rings[id].mask;
}

size_t uart_take(unsigned id, uint8_t *to, size_t size) {
    ring_t *ring = &rings[id];
    bool was_full = is_full(ring);
    size_t taken = 0;
    while (taken < size && ring->tail != ring->head) {
        to[taken++] = ring->bytes[ring->tail];
        ring->tail = (ring->tail + 1) & ring->mask;
    }
    if (was_full) {
        uint32_t irq = port_irq_disable();
        uart_drain();
        port_irq_restore(irq);
    }
    return taken;
}

void uart_send(unsigned id, const uint8_t *from, size_t size) {
    cmsdk_uart_t *uart = uarts[id];
    for (size_t i = 0; i < size; i++) {
        while (uart->state & UART_STATE_TX_FULL) {
            uint32_t irq = port_irq_disable();
            uart_drain();
            port_irq_restore(irq);
        }
        uart->data = from[i];
    }
}

void uart_log(const char *text) {
    #if JZ_DEBUG
    uart_send(UART_LOG, (const uint8_t *)text, strlen(text));
    #else
    (void)text;
    #endif
}

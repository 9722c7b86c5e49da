#include "bridge.h"

#include "irq.h"
#include "jz/port.h"
#include "uart.h"

#define READ_TIMEOUT_MS (250u)

static struct {
    uint8_t header[4];
    unsigned header_size;
    uint16_t payload_left;
} incoming;

// Destination of the pending read's answer; filled by bridge_receive.
static struct {
    uint8_t bus;
    uint8_t *to;
    uint16_t size;
    volatile uint16_t received;
    volatile bool done;
} answer;

static uint32_t levels;

static void payload_byte(uint8_t byte) {
    uint8_t op = incoming.header[0], id = incoming.header[1];
    if (op == BRIDGE_PIN_LEVEL && id < BRIDGE_PINS) {
        bridge_pin_assume(id, byte);
        port_arrivals++;
    } else if (op == BRIDGE_READ_ANSWER && answer.to && id == answer.bus && answer.received < answer.size) {
        answer.to[answer.received++] = byte;
    }
}

static void frame_end(void) {
    incoming.header_size = 0;
    if (incoming.header[0] == BRIDGE_READ_ANSWER && answer.to && incoming.header[1] == answer.bus) {
        answer.done = answer.received == answer.size;
        port_arrivals++;
    }
}

void bridge_receive(uint8_t byte) {
    if (incoming.header_size < sizeof(incoming.header)) {
        incoming.header[incoming.header_size++] = byte;
        if (incoming.header_size < sizeof(incoming.header)) {
            return;
        }
        incoming.payload_left = incoming.header[2] | incoming.header[3] << 8;
    } else {
        payload_byte(byte);
        incoming.payload_left--;
    }
    if (incoming.payload_left == 0) {
        frame_end();
    }
}

void bridge_send(uint8_t op, uint8_t id, const uint8_t *head, size_t head_size, const uint8_t *data, size_t data_size) {
    size_t size = head_size + data_size;
    uint8_t header[4] = {op, id, size & 0xff, size >> 8};
    uart_send(UART_BRIDGE, header, sizeof(header));
    uart_send(UART_BRIDGE, head, head_size);
    uart_send(UART_BRIDGE, data, data_size);
}

bool bridge_read(uint8_t op, uint8_t id, const uint8_t *request, size_t request_size, uint8_t *to, size_t size) {
    uint32_t irq = port_irq_disable();
    answer.bus = id;
    answer.to = to;
    answer.size = size;
    answer.received = 0;
    answer.done = false;
    port_irq_restore(irq);

    bridge_send(op, id, request, request_size, NULL, 0);
    uint32_t start = port_time_ms();
    for (;;) {
        uint32_t seen = port_arrivals, left = port_time_left(start, READ_TIMEOUT_MS);
        if (answer.done || left == 0) {
            break;
        }
        port_idle(seen, left);
    }

    irq = port_irq_disable();
    answer.to = NULL;
    bool done = answer.done;
    port_irq_restore(irq);
    return done;
}

bool bridge_pin_level(unsigned pin) {
    return (levels >> pin) & 1;
}

void bridge_pin_assume(unsigned pin, bool level) {
    levels = (levels & ~(1u << pin)) | (uint32_t)level << pin;
}

/* Fast part of machines/unicorn_board.py: counts instructions and handles the UARTs' registers.
 *
 * Counting is that of marks.c. `jz_block` is a UC_HOOK_BLOCK; it counts each translation block before it runs. A store
 * is seen in the middle of its block, so `jz_mark` gets its address and subtracts the rest of the block: every figure is
 * exact to the instruction.
 *
 * A UART's wire is a socket. It is read when the firmware polls an empty UART, or when the process asks for it; the
 * firmware's bytes are sent in one piece when it polls or sleeps.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "marks_page.h"
#include "uarts.h"

#define EXPORT __attribute__((visibility("default")))
enum { ROM_SIZE = 1024 * 1024 };

static const uint16_t *rom;            /* the image, from address 0 on */
static uint16_t counts[ROM_SIZE / 2];  /* instructions of the block that begins at each halfword; 0: not counted yet */
static uint16_t sizes[ROM_SIZE / 2];   /* the block size in bytes that was counted */
static uint32_t block_end;

/* Thumb: these five bits begin an instruction of two halfwords. */
static uint32_t size_at(uint32_t address) {
    return rom[address / 2] >= 0xE800 ? 4 : 2;
}

static uint32_t instructions_between(uint32_t from, uint32_t end) {
    uint32_t n = 0;
    for (; from < end && from < ROM_SIZE; from += size_at(from)) {
        n++;
    }
    return n;
}

EXPORT int jz_open(const char *path, const uint16_t *image) {
    rom = image;
    return open_page(path);
}

EXPORT void jz_block(void *uc, uint64_t address, uint32_t size, void *user) {
    (void)uc;
    (void)user;
    uint32_t at = (uint32_t)address & (ROM_SIZE - 1);
    if (counts[at / 2] == 0 || sizes[at / 2] != size) {
        counts[at / 2] = (uint16_t)instructions_between(at, at + size);
        sizes[at / 2] = (uint16_t)size;
    }
    block_end = at + size;
    page->instructions += counts[at / 2];
}

EXPORT void jz_mark(uint32_t mark, uint32_t pc) {
    marked(mark, page->instructions - instructions_between(pc + size_at(pc), block_end));
}

EXPORT int jz_store(void) {
    return is_last_store();
}

/* -- UARTs -------------------------------------------------------------------------------------------------------- */

enum { PIECE = 4096 };
/* Bytes that a transmitter holds while the far end takes none; then it is full. */
enum { HELD = 512 };

static struct uart uarts[UARTS] = {{.wire = -1}, {.wire = -1}, {.wire = -1}, {.wire = -1}, {.wire = -1}};

static uint32_t looks; /* polls since a byte was sent */

static bool hear(struct uart *uart) {
    uint8_t piece[PIECE];
    ssize_t size = uart->wire < 0 ? 0 : recv(uart->wire, piece, PIECE, MSG_DONTWAIT);
    if (size <= 0) {
        return false;
    }
    deliver(uart, piece, (size_t)size);
    return true;
}

/* Send as many bytes as the wires take now. */
EXPORT void jz_flush(void) {
    for (struct uart *uart = uarts; uart < uarts + UARTS; uart++) {
        struct bytes *sent = &uart->sent;
        if (!sent->size) {
            continue;
        }
        ssize_t size = send(uart->wire, sent->at, sent->size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size > 0) {
            sent->size -= (size_t)size;
            memmove(sent->at, sent->at + size, sent->size);
        }
    }
}

static bool is_full(const struct uart *uart) {
    return uart->sent.size >= HELD;
}

static uint64_t state(struct uart *uart) {
    if (is_full(uart)) {
        struct pollfd taker = {uart->wire, POLLOUT, 0};
        jz_flush();
        if (is_full(uart)) {
            poll(&taker, 1, 1);
        }
    }
    /* Every byte sent comes with one poll. */
    if (!waiting(uart) && ++looks > 1) {
        jz_flush();
        hear(uart);
    }
    return (waiting(uart) ? RX_FULL : 0) | (is_full(uart) ? TX_FULL : 0);
}

EXPORT uint64_t jz_read(void *uc, uint64_t offset, unsigned size, void *user) {
    (void)uc;
    (void)size;
    (void)user;
    struct uart *uart = uart_of(uarts, offset);
    if (!uart) {
        return 0;
    }
    return (offset & 0xFFF) == STATE ? state(uart) : read_register(uart, offset);
}

EXPORT void jz_write(void *uc, uint64_t offset, unsigned size, uint64_t value, void *user) {
    (void)uc;
    (void)size;
    (void)user;
    struct uart *uart = uart_of(uarts, offset);
    if (uart && (offset & 0xFFF) == DATA) {
        uint8_t byte = (uint8_t)value;
        looks = 0;
        if (uart->wire >= 0) {
            append(&uart->sent, &byte, 1);
        }
    }
}

EXPORT void jz_wire(unsigned number, int wire) {
    /* As few bytes in transit as the kernel allows: the firmware must not run ahead of the world. */
    int least = 1;
    setsockopt(wire, SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
    uarts[number].wire = wire;
}

/* Read a UART's wire; true if there was a byte. */
EXPORT bool jz_read_wire(unsigned number) {
    return hear(&uarts[number]);
}

EXPORT size_t jz_received(unsigned number, const uint8_t **at) {
    return received(&uarts[number], at);
}

EXPORT size_t jz_sent(unsigned number, const uint8_t **at) {
    return sent(&uarts[number], at);
}

EXPORT void jz_fill(unsigned number, const uint8_t *in, size_t in_size, const uint8_t *out, size_t out_size) {
    fill(&uarts[number], in, in_size, out, out_size);
}

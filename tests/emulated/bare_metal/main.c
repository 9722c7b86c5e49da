/* The smallest firmware that shows what a machine must do; the machine's own tests run it, not the wallet's.
 *
 * UART0 says "boot <first 8 random bytes in hex>\n", then obeys one letter at a time and answers each with "ok\n":
 *   w  program the first 8 words of NVM page 0 with 1..8     e  erase those words
 *   l  work: 100,000 loops in phase SIGN                     m  200 marks
 *   p  ask the bus bridge (UART2) for pin 10, pulled up; the 5 bytes of its answer in hex come before "ok\n"
 *   q  the next 5 bytes from the bus bridge, likewise        n  wake the PN532 (UART1), get its version, likewise
 *   s  switch the PN532 to normal mode, likewise             g  ask it for its pins, 14 bytes of answer, likewise
 */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define HOST 0x40004000u
#define NFC 0x40005000u
#define BRIDGE 0x40006000u
#define DATA(uart) REG((uart) + 0x0)
#define STATE(uart) REG((uart) + 0x4)
#define CTRL(uart) REG((uart) + 0x8)
#define INTCLEAR(uart) REG((uart) + 0xc)
#define BAUDDIV(uart) REG((uart) + 0x10)
#define ISER0 REG(0xE000E100)
#define ICPR0 REG(0xE000E280)
#define NVM ((volatile uint32_t *)0x21000000)
#define MARK REG(0x21030000)
#define ERASE REG(0x21030004) /* address of the page that is being erased */

enum { READY = 1, SIGN = 6, HASH = 7, COMMIT = 8, PYTHON = 13, IDLE_ENTER = 0x80, IDLE_LEAVE = 0xC0 };

static void put(uint32_t uart, uint8_t c) {
    while (STATE(uart) & 1) {
    }
    DATA(uart) = c;
}

static void say(const char *text) {
    while (*text) {
        put(HOST, (uint8_t)*text++);
    }
}

static void say_hex(uint8_t byte) {
    put(HOST, (uint8_t)"0123456789abcdef"[byte >> 4]);
    put(HOST, (uint8_t)"0123456789abcdef"[byte & 15]);
}

static void exchange(uint32_t uart, const uint8_t *data, int size, int answer_size) {
    for (int i = 0; i < size; i++) {
        put(uart, data[i]);
    }
    for (int i = 0; i < answer_size; i++) {
        while (!(STATE(uart) & 2)) {
        }
        say_hex((uint8_t)DATA(uart));
    }
}

static char get(void) {
    if (!(STATE(HOST) & 2)) {
        MARK = IDLE_ENTER;
        while (!(STATE(HOST) & 2)) {
            __asm volatile("wfi"); /* interrupts are masked: a pending one wakes without being taken */
        }
        MARK = IDLE_LEAVE;
    }
    char c = (char)DATA(HOST);
    INTCLEAR(HOST) = 2;
    ICPR0 = 1;
    return c;
}

static void obey(char c) {
    if (c == 'w' || c == 'e') {
        MARK = COMMIT;
        ERASE = c == 'e' ? (uint32_t)NVM : 0;
        for (uint32_t i = 0; i < 8; i++) {
            NVM[i] = c == 'w' ? i + 1 : 0xFFFFFFFFu;
        }
        ERASE = 0;
    } else if (c == 'l') {
        MARK = SIGN;
        for (volatile uint32_t i = 0; i < 100000; i++) {
        }
    } else if (c == 'm') {
        for (uint32_t i = 0; i < 100; i++) {
            MARK = HASH;
            MARK = PYTHON;
        }
    }
    MARK = PYTHON;
    static const uint8_t watch_pin_10[] = {0x04, 10, 1, 0, 1};
    static const uint8_t get_version[] = {0x55, 0x55, 0, 0, 0, 0, 0, 0xff, 2, 0xfe, 0xd4, 2, 0x2a, 0};
    static const uint8_t sam_configuration[] = {0, 0, 0xff, 3, 0xfd, 0xd4, 0x14, 1, 0x17, 0};
    static const uint8_t read_gpio[] = {0, 0, 0xff, 2, 0xfe, 0xd4, 0x0c, 0x20, 0};
    if (c == 'p' || c == 'q') {
        exchange(BRIDGE, watch_pin_10, c == 'p' ? sizeof watch_pin_10 : 0, 5);
    } else if (c == 'n') {
        exchange(NFC, get_version, sizeof get_version, 6 + 13);
    } else if (c == 's') {
        exchange(NFC, sam_configuration, sizeof sam_configuration, 6 + 9);
    } else if (c == 'g') {
        exchange(NFC, read_gpio, sizeof read_gpio, 6 + 8);
    }
    say("ok\n");
}

void start(void) {
    __asm volatile("cpsid i");
    for (uint32_t uart = HOST; uart <= BRIDGE; uart += 0x1000) {
        BAUDDIV(uart) = 16;
        CTRL(uart) = 3 | 8;
        (void)DATA(uart); /* QEMU: without this read, input stays dead in some boots */
    }
    ISER0 = 1;
    say("boot ");
    const uint8_t *random = (const uint8_t *)0x21020008;
    for (int i = 0; i < 8; i++) {
        say_hex(random[i]);
    }
    say("\n");
    MARK = READY;
    for (;;) {
        obey(get());
    }
}

__attribute__((section(".vectors"), used)) static void *const vectors[] = {(void *)0x20040000, (void *)start};

/* The smallest firmware that shows what a machine must do; the machine's own tests run it, not the wallet's.
 *
 * UART0 says "boot <first 8 random bytes in hex>\n", then obeys one letter at a time and answers each with "ok\n":
 *   w  program the first 8 words of NVM page 0 with 1..8     e  erase those words
 *   l  work: 100,000 loops in phase SIGN                     m  200 marks
 */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define DATA REG(0x40004000)
#define STATE REG(0x40004004)
#define CTRL REG(0x40004008)
#define INTCLEAR REG(0x4000400c)
#define BAUDDIV REG(0x40004010)
#define ISER0 REG(0xE000E100)
#define ICPR0 REG(0xE000E280)
#define NVM ((volatile uint32_t *)0x21000000)
#define MARK REG(0x21030000)

enum { READY = 1, SIGN = 6, HASH = 7, COMMIT = 8, PYTHON = 13, IDLE_ENTER = 0x80, IDLE_LEAVE = 0xC0 };

static void put(char c) {
    while (STATE & 1) {
    }
    DATA = (uint32_t)c;
}

static void say(const char *text) {
    while (*text) {
        put(*text++);
    }
}

static char get(void) {
    if (!(STATE & 2)) {
        MARK = IDLE_ENTER;
        while (!(STATE & 2)) {
            __asm volatile("wfi"); /* interrupts are masked: a pending one wakes without being taken */
        }
        MARK = IDLE_LEAVE;
    }
    char c = (char)DATA;
    INTCLEAR = 2;
    ICPR0 = 1;
    return c;
}

static void obey(char c) {
    if (c == 'w' || c == 'e') {
        MARK = COMMIT;
        for (uint32_t i = 0; i < 8; i++) {
            NVM[i] = c == 'w' ? i + 1 : 0xFFFFFFFFu;
        }
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
    say("ok\n");
}

void start(void) {
    __asm volatile("cpsid i");
    BAUDDIV = 16;
    CTRL = 3 | 8;
    (void)DATA; /* QEMU: without this read, input stays dead in some boots */
    ISER0 = 1;
    say("boot ");
    const uint8_t *random = (const uint8_t *)0x21020008;
    for (int i = 0; i < 8; i++) {
        put("0123456789abcdef"[random[i] >> 4]);
        put("0123456789abcdef"[random[i] & 15]);
    }
    put('\n');
    MARK = READY;
    for (;;) {
        obey(get());
    }
}

__attribute__((section(".vectors"), used)) static void *const vectors[] = {(void *)0x20040000, (void *)start};

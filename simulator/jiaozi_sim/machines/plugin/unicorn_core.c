/* Fast part of machines/unicorn_core.py: address translation, NVM stores, marks, UARTs.
 *
 * No hook runs at every access. NVM and the marker page are mapped without write permission, so that only stores there
 * call a hook. RAM is not executable, which lets Unicorn's translated code store there without a check.
 *
 * A struct core belongs to one engine; its first members are those of `_Shared` in unicorn_core.py.
 */
#include "uarts.h"

#define EXPORT __attribute__((visibility("default")))

enum { NVM_BASE = 0x21000000, MARK_WORD = 0x21030000, ERASE_WORD = MARK_WORD + 4, NVM_PAGE = 4096, WORD = 4 };
enum { RAM_BASE = 0x20000000, RAM_SIZE = 256 * 1024 };
enum { IDLE_ENTER = 0x80 };

/* Unicorn's constants; its Python package does not provide its headers. */
enum { MEM_FETCH = 18, PROT_READ = 1, PROT_WRITE = 2, PROT_ALL = 7 };
struct tlb_entry {
    uint64_t physical;
    int permissions;
};

struct store {
    uint32_t offset, before, after, erasing;
};

enum refusal { NONE, NO_WORD, BIT_RISES };

struct core {
    /* Unicorn's functions and register number, and the memory from NVM_BASE on. */
    int (*read_register)(void *engine, int number, void *value);
    int (*write_register)(void *engine, int number, const void *value);
    int xpsr;
    uint8_t *state;
    /* Called before a store takes effect, if set; a result other than 0 prevents it. */
    int (*on_store)(uint32_t offset, uint32_t before, uint32_t after, uint32_t erasing);
    void (*on_mark)(uint32_t mark);
    /* Why a store was refused, and which. */
    uint32_t refusal, refused_at, refused_size;
    struct store refused;
    struct bytes stores, marks;
    struct uart uarts[UARTS];
};

EXPORT struct core *jz_new(void) {
    struct core *core = calloc(1, sizeof *core);
    return core;
}

EXPORT void jz_free(struct core *core) {
    for (struct uart *uart = core->uarts; uart < core->uarts + UARTS; uart++) {
        free(uart->received.at);
        free(uart->sent.at);
    }
    free(core->stores.at);
    free(core->marks.at);
    free(core);
}

/* Before it calls anybody for a load or store, Unicorn 2.1 restores the state of IT blocks and does not clear it again:
 * the instructions after it in such a block would be skipped. */
static void leave_it_block(struct core *core, void *engine) {
    const uint32_t it = 0x0600FC00;
    uint32_t status = 0;
    core->read_register(engine, core->xpsr, &status);
    if (status & it) {
        status &= ~it;
        core->write_register(engine, core->xpsr, &status);
    }
}

/* UC_HOOK_TLB_FILL: identity mapping, with the permissions of the mapped memory. */
EXPORT bool jz_translate(void *engine, uint64_t address, int type, struct tlb_entry *entry, void *user) {
    if (type != MEM_FETCH) {
        leave_it_block(user, engine);
    }
    entry->physical = address;
    entry->permissions = address - RAM_BASE < RAM_SIZE ? PROT_READ | PROT_WRITE : PROT_ALL;
    return true;
}

static uint32_t word(const struct core *core, uint32_t address) {
    uint32_t value;
    memcpy(&value, core->state + (address - NVM_BASE), sizeof value);
    return value;
}

static bool refuse(struct core *core, enum refusal why, uint32_t at, uint32_t size, struct store store) {
    if (!core->refusal) {
        core->refusal = why;
        core->refused_at = at;
        core->refused_size = size;
        core->refused = store;
    }
    return false;
}

/* UC_HOOK_MEM_WRITE_PROT of the NVM. Returns true if the store is done. */
EXPORT bool jz_store(void *engine, int type, uint64_t address, int size, int64_t value, void *user) {
    (void)type;
    struct core *core = user;
    uint32_t at = (uint32_t)address;
    leave_it_block(core, engine);
    if (size != WORD || at % WORD) {
        return refuse(core, NO_WORD, at, (uint32_t)size, (struct store){0});
    }
    uint32_t page = word(core, ERASE_WORD);
    struct store store = {at - NVM_BASE, word(core, at), (uint32_t)value, page != 0 && at - page < NVM_PAGE};
    if (store.erasing ? store.after != UINT32_MAX : store.after & ~store.before) {
        return refuse(core, BIT_RISES, at, WORD, store);
    }
    if (core->on_store && core->on_store(store.offset, store.before, store.after, store.erasing)) {
        return false;
    }
    append(&core->stores, (const uint8_t *)&store, sizeof store);
    // Unicorn drops it if the protection has been changed since the memory was mapped.
    memcpy(core->state + store.offset, &store.after, WORD);
    return true;
}

/* UC_HOOK_MEM_WRITE_PROT of the marker page. */
EXPORT bool jz_mark(void *engine, int type, uint64_t address, int size, int64_t value, void *user) {
    (void)type;
    (void)size;
    struct core *core = user;
    uint32_t mark = (uint32_t)value;
    leave_it_block(core, engine);
    if (address != MARK_WORD) {
        return true;
    }
    if (core->on_mark) {
        core->on_mark(mark);
    } else if (mark < IDLE_ENTER) {
        append(&core->marks, (const uint8_t *)&mark, sizeof mark);
    }
    return true;
}

/* Return and clear the stores or marks; `*at` is valid until the engine runs again. */
static size_t take(struct bytes *bytes, const uint8_t **at) {
    size_t size = bytes->size;
    *at = bytes->at;
    bytes->size = 0;
    return size;
}

EXPORT size_t jz_stores(struct core *core, const uint8_t **at) {
    return take(&core->stores, at);
}

EXPORT size_t jz_marks(struct core *core, const uint8_t **at) {
    return take(&core->marks, at);
}

/* -- UARTs ----------------------------------------------------------------------------------------------------------- */

EXPORT uint64_t jz_read(void *engine, uint64_t offset, unsigned size, void *user) {
    (void)engine;
    (void)size;
    struct uart *uart = uart_of(((struct core *)user)->uarts, offset);
    if (!uart) {
        return 0;
    }
    return (offset & 0xFFF) == STATE ? (waiting(uart) ? RX_FULL : 0) : read_register(uart, offset);
}

EXPORT void jz_write(void *engine, uint64_t offset, unsigned size, uint64_t value, void *user) {
    (void)engine;
    (void)size;
    struct uart *uart = uart_of(((struct core *)user)->uarts, offset);
    if (uart && (offset & 0xFFF) == DATA) {
        uint8_t byte = (uint8_t)value;
        append(&uart->sent, &byte, 1);
    }
}

EXPORT void jz_deliver(struct core *core, unsigned number, const uint8_t *data, size_t size) {
    deliver(&core->uarts[number], data, size);
}

EXPORT size_t jz_received(struct core *core, unsigned number, const uint8_t **at) {
    return received(&core->uarts[number], at);
}

EXPORT size_t jz_sent(struct core *core, unsigned number, const uint8_t **at) {
    return sent(&core->uarts[number], at);
}

EXPORT void jz_fill(
    struct core *core, unsigned number, const uint8_t *in, size_t in_size, const uint8_t *out, size_t out_size
) {
    fill(&core->uarts[number], in, in_size, out, out_size);
}

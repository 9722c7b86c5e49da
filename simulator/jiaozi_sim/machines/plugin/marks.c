/* QEMU TCG plugin of the emulated boards: instruction counts by phase, and power cuts at a chosen NVM store.
 *
 * All of its state is in the page of marks_page.h.
 *
 * Counting is one inline 64-bit addition at the start of each translation block. A store is seen by a callback in the
 * middle of its block, when the whole block has been counted already, so each callback carries the number of
 * instructions that still follow it; every figure is therefore exact to the instruction.
 *
 * Plugin API v1 gives the address of a store but not its value. The watched words lie in the memory backend file, which
 * the plugin maps too; the callback runs after the store, so the value is read from there.
 *
 * Arguments: page=FILE ram=FILE ram_base=ADDR nvm_size=BYTES mark=ADDR
 * The prototypes are declared by hand: QEMU 7.2 as packaged ships no header for them.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "marks_page.h"

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { CB_NO_REGS = 0, MEM_W = 2, INLINE_ADD_U64 = 0 };

typedef void (*tb_trans_cb)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*mem_cb)(unsigned cpu, qemu_plugin_meminfo_t, uint64_t address, void *user);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, tb_trans_cb);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int op, void *counter, uint64_t add);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);
extern void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, mem_cb, int flags, int rw, void *user);

EXPORT int qemu_plugin_version = 1;

static const uint8_t *ram;
static uint64_t ram_base, nvm_size, mark_address;

static void nvm_stored(void) {
    if (is_last_store()) {
        kill(getpid(), SIGKILL);
        for (;;) {
            pause();
        }
    }
}

static void stored(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *still_to_run) {
    (void)cpu;
    // QEMU 7.2 also calls for loads, whatever was asked for.
    if (!qemu_plugin_mem_is_store(info)) {
        return;
    }
    if (address - ram_base < nvm_size) {
        nvm_stored();
    } else if (address == mark_address) {
        uint32_t mark;
        memcpy(&mark, ram + (mark_address - ram_base), sizeof mark);
        marked(mark, page->instructions - (uintptr_t)still_to_run);
    }
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    size_t n = qemu_plugin_tb_n_insns(tb);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &page->instructions, n);
    for (size_t i = 0; i < n; i++) {
        qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i), stored, CB_NO_REGS, MEM_W, (void *)(n - 1 - i));
    }
}

static const char *argument(int argc, char **argv, const char *name) {
    size_t n = strlen(name);
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], name, n) && argv[i][n] == '=') {
            return argv[i] + n + 1;
        }
    }
    fprintf(stderr, "marks plugin: argument %s is missing\n", name);
    exit(2);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    (void)info;
    ram_base = strtoull(argument(argc, argv, "ram_base"), NULL, 0);
    nvm_size = strtoull(argument(argc, argv, "nvm_size"), NULL, 0);
    mark_address = strtoull(argument(argc, argv, "mark"), NULL, 0);
    ram = map(argument(argc, argv, "ram"), O_RDONLY, PROT_READ);
    if (!ram || open_page(argument(argc, argv, "page"))) {
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}

/* QEMU TCG plugin of the emulated boards: instruction counts by phase, and power cuts at a chosen NVM store.
 *
 * Everything it knows lives in one file mapped by both sides (see counters.py, which must agree with `struct page`):
 * the simulator reads it while the machine runs, and what was counted survives a SIGKILL.
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
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

enum { IDLE_ENTER = 0x80, IDLE_LEAVE = 0xC0, PHASES = 64, RING_OFFSET = 4096 };
#define AWAKE UINT64_MAX

struct event {
    uint64_t mark, instructions, idle, host_ns;
};

struct page {
    uint64_t magic, capacity;   /* written by the simulator before the start */
    uint64_t instructions;      /* all executed so far, idle included */
    uint64_t idle;              /* in the idle periods that have ended */
    uint64_t idle_since;        /* instruction count when the present idle period began, or AWAKE */
    uint64_t nvm_stores;        /* stores into the NVM window so far */
    uint64_t cut_at;            /* kill the machine right after this store; 0 never; the simulator may change it live */
    uint64_t events;            /* entries ever written to the ring */
    uint64_t phase, phase_since; /* present phase, and the working instructions when it began */
    uint64_t reserved[6];
    uint64_t in_phase[PHASES];  /* working instructions in each phase, up to the last mark */
};

static struct page *page;
static struct event *ring;
static const uint8_t *ram;
static uint64_t ram_base, nvm_size, mark_address;

static void begin_phase(uint32_t mark, uint64_t now) {
    uint64_t working = now - page->idle;
    page->in_phase[page->phase % PHASES] += working - page->phase_since;
    page->phase = mark;
    page->phase_since = working;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t host_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    ring[page->events % page->capacity] = (struct event){mark, now, page->idle, host_ns};
    __atomic_store_n(&page->events, page->events + 1, __ATOMIC_RELEASE);
}

static void marked(uint32_t mark, uint64_t now) {
    if (mark == IDLE_ENTER) {
        page->idle_since = now;
    } else if (mark == IDLE_LEAVE) {
        if (page->idle_since != AWAKE) {
            page->idle += now - page->idle_since;
            page->idle_since = AWAKE;
        }
    } else {
        begin_phase(mark, now);
    }
}

static void nvm_stored(void) {
    if (++page->nvm_stores == page->cut_at) {
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

static void *map(const char *path, int flags, int protection) {
    struct stat s;
    int fd = open(path, flags);
    void *p = fd < 0 || fstat(fd, &s) ? MAP_FAILED : mmap(NULL, (size_t)s.st_size, protection, MAP_SHARED, fd, 0);
    if (fd >= 0) {
        close(fd);
    }
    if (p == MAP_FAILED) {
        perror(path);
        return NULL;
    }
    return p;
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
    page = map(argument(argc, argv, "page"), O_RDWR, PROT_READ | PROT_WRITE);
    ram = map(argument(argc, argv, "ram"), O_RDONLY, PROT_READ);
    if (!page || !ram) {
        return -1;
    }
    ring = (struct event *)((uint8_t *)page + RING_OFFSET);
    page->idle_since = AWAKE;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}

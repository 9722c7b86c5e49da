/* The page that an engine shares with the simulator: instruction counts by phase, and a ring of phase marks.
 *
 * The simulator reads it while the machine runs (counters.py, which must agree with `struct page`), and what was
 * counted survives a SIGKILL. Included once by each engine's counting code.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

/* Count a store into the NVM; true if the power is to be cut right after it. */
static int is_last_store(void) {
    return ++page->nvm_stores == page->cut_at;
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

static int open_page(const char *path) {
    page = map(path, O_RDWR, PROT_READ | PROT_WRITE);
    if (!page) {
        return -1;
    }
    ring = (struct event *)((uint8_t *)page + RING_OFFSET);
    return 0;
}

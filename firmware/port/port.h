// Waiting, time and the ends of the road: the part of the port that everything else uses.
#ifndef JZ_PORT_H
#define JZ_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORT_CORE_HZ (25000000u)
#define PORT_FOREVER (UINT32_MAX)

// Mask interrupts; the previous mask is for port_irq_restore.
static inline uint32_t port_irq_disable(void) {
    uint32_t state;
    __asm volatile ("mrs %0, primask\n cpsid i" : "=r" (state) :: "memory");
    return state;
}

static inline void port_irq_restore(uint32_t state) {
    __asm volatile ("msr primask, %0" :: "r" (state) : "memory");
}

// Counts everything that arrives: a byte on any UART, a level pushed to an input pin.
// Read it, look for what you wait for, then hand it to port_idle: what arrived in between ends the sleep at once.
extern volatile uint32_t port_arrivals;

// The only place where the processor sleeps. Drains the UARTs; if nothing has arrived since `seen` was read,
// marks idle and waits for an interrupt, at most `ms` milliseconds (rounded up to the timer's grain, capped at half
// a second; callers loop). Drains again, so that a machine without interrupts works too. ms == 0 only drains.
void port_idle(uint32_t seen, uint32_t ms);

// port_idle, then raises KeyboardInterrupt if one is pending (debug images).
void port_idle_or_interrupt(uint32_t seen, uint32_t ms);

// Milliseconds left of `ms` that began at time `start` (mp_hal_ticks_ms); PORT_FOREVER never ends.
uint32_t port_time_left(uint32_t start, uint32_t ms);

void port_time_init(void);
uint32_t port_time_ms(void);
uint32_t port_time_us(void);
// Have the timer interrupt in `ms` milliseconds at the latest. Interrupts are masked.
void port_time_arm(uint32_t ms);
// Back to the longest period: work is not interrupted for nothing, and without interrupts no period is missed.
void port_time_relax(void);

// Restart the machine as a power cycle would, NVM and boot page kept.
__attribute__((noreturn)) void port_reset(void);

// Log `what` (debug images) and stop for good: only a power cycle helps.
__attribute__((noreturn)) void port_fatal(const char *what);

// Collections run by the heap since start.
uint32_t port_gc_count(void);

#endif

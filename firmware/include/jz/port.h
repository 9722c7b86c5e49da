// Waiting, time and reset, as the target does them. All waiting of a wallet goes through port_idle.
#ifndef JZ_PORT_H
#define JZ_PORT_H

#include <stdint.h>

#define PORT_FOREVER (UINT32_MAX)

// Counts everything that arrives: a byte on any UART, a level pushed to an input pin.
// Read it, look for what you wait for, then hand it to port_idle: what arrived in between ends the sleep at once.
extern volatile uint32_t port_arrivals;

// The only place where the processor sleeps. Drains the UARTs; if nothing has arrived since `seen` was read,
// marks idle and waits for an interrupt, at most `ms` milliseconds (rounded up to the timer's grain, capped at half
// a second; callers loop). Drains again, so that a machine without interrupts works too. ms == 0 only drains.
void port_idle(uint32_t seen, uint32_t ms);

// port_idle, then raise KeyboardInterrupt if one is pending (debug images).
void port_idle_or_interrupt(uint32_t seen, uint32_t ms);

// Milliseconds since the start; wraps.
uint32_t port_time_ms(void);

// Milliseconds left of `ms` that began at `start` (port_time_ms); PORT_FOREVER never ends.
uint32_t port_time_left(uint32_t start, uint32_t ms);

// Restart the machine as a power cycle would, non-volatile memory kept.
__attribute__((noreturn)) void port_reset(void);

// Garbage collections since the start.
uint32_t port_gc_count(void);

#endif

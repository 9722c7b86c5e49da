// Time from SysTick. port_time_ms and port_time_left are in jz/port.h.
#ifndef JZ_CLOCK_H
#define JZ_CLOCK_H

#include <stdint.h>

#define PORT_CORE_HZ (25000000u)

void port_time_init(void);
uint32_t port_time_us(void);

// Make the timer interrupt within `ms` milliseconds. Interrupts are masked.
void port_time_arm(uint32_t ms);

// Return to the longest period: fewer interrupts during work, and no missed period without interrupts.
void port_time_relax(void);

#endif

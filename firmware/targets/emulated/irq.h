// Masking of interrupts.
#ifndef JZ_IRQ_H
#define JZ_IRQ_H

#include <stdint.h>

// Mask interrupts; returns the previous mask, for port_irq_restore.
static inline uint32_t port_irq_disable(void) {
    uint32_t state;
    __asm volatile ("mrs %0, primask\n cpsid i" : "=r" (state) :: "memory");
    return state;
}

static inline void port_irq_restore(uint32_t state) {
    __asm volatile ("msr primask, %0" :: "r" (state) : "memory");
}

#endif

// One place to wait, one place to count what arrives, one place that stores phase marks.
#include "marks.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "uart.h"

volatile uint32_t port_arrivals;

static uint32_t current_phase = JZ_MARK_NONE;

uint32_t jz_mark(uint32_t phase) {
    uint32_t previous = current_phase;
    *(volatile uint32_t *)JZ_MARKER_PAGE = phase;
    if (JZ_MOMENTS >> phase & 1) {
        *(volatile uint32_t *)JZ_MARKER_PAGE = previous;
    } else {
        current_phase = phase;
    }
    return previous;
}

void port_idle(uint32_t seen, uint32_t ms) {
    // Masked interrupts still end WFI, so nothing can slip in between the look and the sleep.
    uint32_t irq = port_irq_disable();
    uart_drain();
    if (port_arrivals == seen && ms != 0) {
        port_time_arm(ms);
        jz_mark_idle(JZ_MARK_IDLE_ENTER);
        __asm volatile ("dsb\n wfi" ::: "memory");
        jz_mark_idle(JZ_MARK_IDLE_LEAVE);
        port_time_relax();
        uart_drain();
    }
    port_irq_restore(irq);
}

void port_idle_or_interrupt(uint32_t seen, uint32_t ms) {
    port_idle(seen, ms);
    mp_handle_pending(true);
}

// The only place where the processor sleeps (jz/port.h).
#include "clock.h"
#include "irq.h"
#include "jz/port.h"
#include "marker.h"
#include "py/runtime.h"
#include "uart.h"

void port_idle(uint32_t seen, uint32_t ms) {
    // Masked interrupts still end WFI, so an arrival between the check and the sleep is not missed.
    uint32_t irq = port_irq_disable();
    uart_drain();
    if (port_arrivals == seen && ms != 0) {
        port_time_arm(ms);
        marker_store(JZ_MARK_IDLE_ENTER);
        __asm volatile ("dsb\n wfi" ::: "memory");
        marker_store(JZ_MARK_IDLE_LEAVE);
        port_time_relax();
        uart_drain();
    }
    port_irq_restore(irq);
}

void port_idle_or_interrupt(uint32_t seen, uint32_t ms) {
    port_idle(seen, ms);
    mp_handle_pending(true);
}

// Functions that do not return: reset and fatal stop.
#include "irq.h"
#include "jz/fatal.h"
#include "jz/port.h"
#include "registers.h"
#include "uart.h"

void port_reset(void) {
    __asm volatile ("dsb");
    SCB_AIRCR = SCB_AIRCR_SYSRESETREQ;
    for (;;) {
    }
}

void jz_fatal(const char *reason) {
    port_irq_disable();
    uart_log("fatal: ");
    uart_log(reason);
    uart_log("\r\n");
    // A pending interrupt would end every sleep: disable all sources.
    SYST_CSR = 0;
    NVIC_ICER0 = ~0u;
    for (;;) {
        __asm volatile ("wfi");
    }
}

// Reset handler and vector table.
#include "bridge.h"
#include "clock.h"
#include "jz/port.h"
#include "registers.h"
#include "uart.h"

extern uint32_t _stack_end, _data_load, _data_start, _data_end, _bss_start, _bss_end;

int main(void);

#define UART_INTERRUPTS ((1u << 0) | (1u << 2) | (1u << 4) | (1u << 18) | (JZ_DEBUG << 20))

__attribute__((noreturn)) void Reset_Handler(void) {
    const uint32_t *from = &_data_load;
    for (uint32_t *to = &_data_start; to < &_data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = &_bss_start; to < &_bss_end;) {
        *to++ = 0;
    }
    port_time_init();
    uart_init(bridge_receive);
    NVIC_ISER0 = UART_INTERRUPTS;
    main();
    port_reset();
}

static void fault_handler(void) {
    uart_log("fault\r\n");
    port_reset();
}

static void timer_handler(void) {
    (void)port_time_ms();
}

static void uart_handler(void) {
    uart_drain();
}

typedef void (*vector_t)(void);

__attribute__((section(".isr_vector"), used)) static const vector_t vectors[16 + 32] = {
    [0] = (vector_t)&_stack_end,
    [1] = (vector_t)Reset_Handler,
    [2 ... 14] = fault_handler,
    [15] = timer_handler,
    [16 ... 47] = uart_handler,
};

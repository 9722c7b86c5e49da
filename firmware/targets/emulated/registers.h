// Registers of the core and of the CMSDK UARTs that the port uses.
// Names and meanings: ARMv7-M Architecture Reference Manual (B3.2, B3.3), CMSDK Technical Reference Manual (4.3).
#ifndef JZ_REGISTERS_H
#define JZ_REGISTERS_H

#include <stdint.h>

#define JZ_REGISTER(address) (*(volatile uint32_t *)(address))

#define SYST_CSR JZ_REGISTER(0xE000E010)
#define SYST_RVR JZ_REGISTER(0xE000E014)
#define SYST_CVR JZ_REGISTER(0xE000E018)
#define SYST_CSR_ENABLE (1u << 0)
#define SYST_CSR_TICKINT (1u << 1)
#define SYST_CSR_CORE_CLOCK (1u << 2)
#define SYST_CSR_COUNTFLAG (1u << 16)

#define NVIC_ISER0 JZ_REGISTER(0xE000E100)
#define NVIC_ICER0 JZ_REGISTER(0xE000E180)
#define SCB_AIRCR JZ_REGISTER(0xE000ED0C)
#define SCB_AIRCR_SYSRESETREQ (0x05FA0004u)

typedef struct {
    volatile uint32_t data;
    volatile uint32_t state;
    volatile uint32_t control;
    volatile uint32_t interrupt; // read: pending, write: clear
    volatile uint32_t baud_divisor;
} cmsdk_uart_t;

#define UART_STATE_TX_FULL (1u << 0)
#define UART_STATE_RX_FULL (1u << 1)
#define UART_CONTROL_TX (1u << 0)
#define UART_CONTROL_RX (1u << 1)
#define UART_CONTROL_RX_INTERRUPT (1u << 3)
#define UART_INTERRUPT_RX (1u << 1)

#endif

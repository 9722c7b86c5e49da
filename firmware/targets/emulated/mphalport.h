#include "clock.h"
#include "irq.h"
#include "jz/port.h"
#if JZ_DEBUG
#include "shared/runtime/interrupt_char.h"
#else
#define mp_hal_set_interrupt_char(c) ((void)(c)) // a release image has no console to interrupt it
#endif

#define mp_hal_ticks_ms port_time_ms
#define mp_hal_ticks_us port_time_us
#define mp_hal_ticks_cpu port_time_us
#define mp_hal_stdio_poll(flags) (0)

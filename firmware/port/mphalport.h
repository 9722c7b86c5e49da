#include "port.h"
#include "shared/runtime/interrupt_char.h"

#define mp_hal_ticks_ms port_time_ms
#define mp_hal_ticks_us port_time_us
#define mp_hal_ticks_cpu port_time_us
#define mp_hal_stdio_poll(flags) (0)

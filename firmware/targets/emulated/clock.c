// Time from SysTick, used for time-outs only.
// The counter counts down from the reload value; COUNTFLAG is set when it passes zero. The interrupt or a reader,
// whichever comes first, adds the finished period: without interrupts, time is right if it is read once per period.
#include "clock.h"

#include "irq.h"
#include "jz/port.h"
#include "registers.h"

#define CYCLES_PER_MS (PORT_CORE_HZ / 1000)
#define CYCLES_PER_US (PORT_CORE_HZ / 1000000)
// Half a second, below the counter's 24 bits.
#define LONGEST_MS (500u)
#define LONGEST_PERIOD (LONGEST_MS * CYCLES_PER_MS)

static uint32_t period;       // cycles from reload to reload
static uint32_t base_ms;      // time at the last reload…
static uint32_t base_cycles;  // …and the cycles beyond it, below one millisecond
static uint32_t last_elapsed; // keeps time monotonic while the counter reloads

static void advance_base(uint32_t cycles) {
    base_cycles += cycles;
    base_ms += base_cycles / CYCLES_PER_MS;
    base_cycles %= CYCLES_PER_MS;
}

static void restart(uint32_t cycles) {
    period = cycles;
    last_elapsed = 0;
    SYST_RVR = cycles - 1;
    SYST_CVR = 0; // any write clears the counter and COUNTFLAG
    SYST_CSR = SYST_CSR_ENABLE | SYST_CSR_TICKINT | SYST_CSR_CORE_CLOCK;
}

// Cycles since the last reload. Interrupts are masked.
static uint32_t elapsed_cycles(void) {
    uint32_t value = SYST_CVR;
    if (SYST_CSR & SYST_CSR_COUNTFLAG) {
        advance_base(period);
        last_elapsed = 0;
        value = SYST_CVR;
    }
    // The counter reads zero just before it reloads: treat that as the begin or end of the period, never a step back.
    uint32_t elapsed = value == 0 ? last_elapsed : period - value;
    if (elapsed < last_elapsed) {
        elapsed = last_elapsed;
    }
    last_elapsed = elapsed;
    return elapsed;
}

void port_time_init(void) {
    restart(LONGEST_PERIOD);
}

uint32_t port_time_ms(void) {
    uint32_t irq = port_irq_disable();
    uint32_t cycles = elapsed_cycles() + base_cycles;
    uint32_t ms = base_ms + cycles / CYCLES_PER_MS;
    port_irq_restore(irq);
    return ms;
}

uint32_t port_time_us(void) {
    uint32_t irq = port_irq_disable();
    uint32_t cycles = elapsed_cycles() + base_cycles;
    uint32_t us = base_ms * 1000 + cycles / CYCLES_PER_US;
    port_irq_restore(irq);
    return us;
}

void port_time_arm(uint32_t ms) {
    uint32_t wanted = (ms < LONGEST_MS ? ms : LONGEST_MS) * CYCLES_PER_MS;
    uint32_t elapsed = elapsed_cycles();
    if (period == LONGEST_PERIOD && period - elapsed <= wanted) {
        return; // fires soon enough
    }
    advance_base(elapsed);
    restart(wanted);
}

void port_time_relax(void) {
    if (period != LONGEST_PERIOD) {
        advance_base(elapsed_cycles());
        restart(LONGEST_PERIOD);
    }
}

uint32_t port_time_left(uint32_t start, uint32_t ms) {
    if (ms == PORT_FOREVER) {
        return ms;
    }
    uint32_t passed = port_time_ms() - start;
    return passed < ms ? ms - passed : 0;
}

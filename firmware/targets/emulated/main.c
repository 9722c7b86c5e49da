// Start the interpreter and the application frozen into the image.
#include "jz/fatal.h"
#include "jz/marks.h"
#include "jz/random.h"
#include "py/compile.h"
#include "py/cstack.h"
#include "py/frozenmod.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "shared/runtime/pyexec.h"
#include "uart.h"

#define INTERRUPT_CHARACTER (3) // Ctrl-C

extern uint32_t _stack_start, _stack_end, _heap_start, _heap_end;

// A debug image is usable without an application.
#define NO_APPLICATION() (JZ_DEBUG ? uart_log("no application in this image\r\n") : jz_fatal("no application"))

// Import `wallet.main` and call its `main`. Returns when it returns or raises (a debug image logs the exception).
static void run_application(void) {
    int frozen_type;
    void *data;
    if (mp_find_frozen_module("wallet/main.py", &frozen_type, &data) != MP_IMPORT_STAT_FILE) {
        NO_APPLICATION();
        return;
    }
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_hal_set_interrupt_char(INTERRUPT_CHARACTER);
        // A from-list makes the import return the submodule instead of the package.
        mp_obj_t names = mp_obj_new_tuple(1, (mp_obj_t[]) {MP_OBJ_NEW_QSTR(MP_QSTR_main)});
        mp_obj_t module = mp_import_name(qstr_from_str("wallet.main"), names, MP_OBJ_NEW_SMALL_INT(0));
        mp_call_function_0(mp_load_attr(module, MP_QSTR_main));
        nlr_pop();
    } else {
        mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
    }
    mp_hal_set_interrupt_char(-1);
    mp_handle_pending(false); // drop a late interrupt, which no handler would catch
}

static void start_interpreter(void) {
    mp_cstack_init_with_top(&_stack_end, (uintptr_t)&_stack_end - (uintptr_t)&_stack_start);
    gc_init(&_heap_start, &_heap_end);
    mp_init();
    jz_mark(JZ_MARK_PYTHON);
}

#if JZ_DEBUG

// Run a REPL until a soft reset (Ctrl-D).
static void run_repl(void) {
    int done;
    do {
        done = pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl();
    } while (done == 0);
}

static void run_forever(void) {
    for (;;) {
        start_interpreter();
        // As on every MicroPython port, a soft reset from the raw REPL does not start the application.
        if (pyexec_mode_kind != PYEXEC_MODE_RAW_REPL) {
            run_application();
        }
        run_repl();
        mp_deinit();
    }
}

#else

static void run_forever(void) {
    start_interpreter();
    run_application();
}

#endif

int main(void) {
    jz_mark(JZ_MARK_NONE);
    jz_random_start();
    run_forever();
    return 0; // resets the processor
}

void nlr_jump_fail(void *value) {
    (void)value;
    jz_fatal("exception without a handler");
}

// MicroPython's features in a wallet image, and the addresses of the emulated board.
// JZ_DEBUG=1 (make DEBUG=1) adds the compiler, a REPL and the log on UART4.
#include <alloca.h>
#include <stdint.h>

#include "mpconfigboard.h"

#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

#define MICROPY_ENABLE_COMPILER (JZ_DEBUG)
// The manifest freezes compiled modules only; source text would need the compiler.
#undef MICROPY_MODULE_FROZEN_STR
#define MICROPY_MODULE_FROZEN_STR (0)
#define MICROPY_HELPER_REPL (JZ_DEBUG)
#define MICROPY_REPL_EMACS_KEYS (0)
#define MICROPY_REPL_AUTO_INDENT (0)
#define MICROPY_KBD_EXCEPTION (JZ_DEBUG)
#define MICROPY_ENABLE_SCHEDULER (JZ_DEBUG)
#define MICROPY_ENABLE_SOURCE_LINE (JZ_DEBUG)
#define MICROPY_PY_BUILTINS_INPUT (0)
#define MICROPY_PY_BUILTINS_HELP (0)
#define MICROPY_PY_MICROPYTHON_MEM_INFO (JZ_DEBUG)
#define MICROPY_ERROR_REPORTING (JZ_DEBUG ? MICROPY_ERROR_REPORTING_NORMAL : MICROPY_ERROR_REPORTING_TERSE)

#define MICROPY_ENABLE_GC (1)
// With upstream's 64 entries, marking overflows at start and rescans the heap, at 340,000 instructions.
#define MICROPY_ALLOC_GC_STACK_SIZE (128)
#define MICROPY_ENABLE_FINALISER (0)
#define MICROPY_STACK_CHECK (1)
// libsodium's deepest call takes 3.4 KB and native code below it does not check the stack again.
#define MICROPY_STACK_CHECK_MARGIN (4608)
#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF (1)
#define MICROPY_EMERGENCY_EXCEPTION_BUF_SIZE (256)
// Saves instructions for a few kilobytes of ROM.
#define MICROPY_OPT_COMPUTED_GOTO (1)
#define MICROPY_OPT_MAP_LOOKUP_CACHE_SIZE (512)

// frozen.c has a faster path for loaded modules.
#define mp_builtin___import__ jz_import
// Frozen modules use the same search as files; there are no files (mp_import_stat).
#define MICROPY_ENABLE_EXTERNAL_IMPORT (1)

// Floating point is disabled so that amounts are always integers.
#define MICROPY_LONGINT_IMPL (MICROPY_LONGINT_IMPL_MPZ)
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_NONE)
#define MICROPY_PY_MATH (0)
#define MICROPY_PY_CMATH (0)
#define MICROPY_PY_BUILTINS_COMPLEX (0)

#define MICROPY_PY_ASYNCIO (0)
#define MICROPY_PY_SELECT (0)
#define MICROPY_PY_RE (0)
#define MICROPY_PY_JSON (0)
#define MICROPY_PY_HEAPQ (0)
#define MICROPY_PY_OS (0)
#define MICROPY_PY_PLATFORM (0)
#define MICROPY_PY_UCTYPES (0)
#define MICROPY_PY_RANDOM (0)
#define MICROPY_PY_HASHLIB (0)
#define MICROPY_VFS (0)
#define MICROPY_PY_IO_IOBASE (0)
#define MICROPY_PY_SYS_STDFILES (JZ_DEBUG)
#define MICROPY_PY_SYS_STDIO_BUFFER (JZ_DEBUG)
#define MICROPY_PY_SYS_PS1_PS2 (0)
#define MICROPY_PY_SYS_PLATFORM "jiaozi"
#define MICROPY_PY_MICROPYTHON_RINGIO (0)
#define MICROPY_PY_FRAMEBUF (1)
// binascii.crc32 needs the inflater.
#define MICROPY_PY_BINASCII (1)
#define MICROPY_PY_DEFLATE (1)
#define MICROPY_PY_DEFLATE_COMPRESS (0)
#define MICROPY_PY_TIME (1)

#define MICROPY_PY_MACHINE (1)
#define MICROPY_PY_MACHINE_INCLUDEFILE "machine_module.c"
#define MICROPY_PY_MACHINE_RESET (1)
#define MICROPY_PY_MACHINE_MEMX (JZ_DEBUG)
#define MICROPY_PY_MACHINE_SIGNAL (0)
#define MICROPY_PY_MACHINE_PULSE (0)
#define MICROPY_PY_MACHINE_UART (1)
#define MICROPY_PY_MACHINE_UART_INCLUDEFILE "uart_class.c"
#define MICROPY_PY_MACHINE_SPI (1)
#define MICROPY_PY_MACHINE_SPI_MSB (0)
#define MICROPY_PY_MACHINE_SPI_LSB (1)
#define MICROPY_PY_MACHINE_I2C (1)

typedef int32_t mp_int_t;
typedef uint32_t mp_uint_t;
typedef long mp_off_t;
#define MP_SSIZE_MAX (0x7fffffff)
#define UINT_FMT "%lu"
#define INT_FMT "%ld"

#define MICROPY_MAKE_POINTER_CALLABLE(p) ((void *)((mp_uint_t)(p) | 1))
#define MICROPY_BEGIN_ATOMIC_SECTION() port_irq_disable()
#define MICROPY_END_ATOMIC_SECTION(state) port_irq_restore(state)
#define MP_STATE_PORT MP_STATE_VM

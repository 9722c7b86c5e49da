// Written by boards/generate.py from board.toml: do not edit.
#ifndef JZ_MPCONFIGBOARD_H
#define JZ_MPCONFIGBOARD_H

#define MICROPY_HW_BOARD_NAME "wearable"
#define MICROPY_HW_MCU_NAME "Cortex-M4 (emulated)"

#define JZ_NVM_ADDRESS (0x21000000u)
#define JZ_NVM_SIZE (131072u)
#define JZ_NVM_PAGE (4096u)

#define JZ_BOOT_PAGE (0x21020000u)
#define JZ_BOOT_PAGE_SIZE (65536u)
#define JZ_MARKER_PAGE (0x21030000u)
#define JZ_KEY_PAGE (0x21031000u)

#endif

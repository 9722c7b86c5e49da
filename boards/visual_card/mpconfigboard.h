// Card with e-paper and two buttons, emulated on MPS2-AN386.
#define MICROPY_HW_BOARD_NAME "visual card"
#define MICROPY_HW_MCU_NAME "Cortex-M4 (emulated)"

// Non-volatile memory, as board.toml [nvm] says.
#define JZ_NVM_ADDRESS (0x21000000u)
#define JZ_NVM_SIZE (131072u)
#define JZ_NVM_PAGE (4096u)

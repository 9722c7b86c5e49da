// Wrist wallet with a round colour screen, emulated on MPS2-AN386.
#define MICROPY_HW_BOARD_NAME "wearable"
#define MICROPY_HW_MCU_NAME "Cortex-M4 (emulated)"

// Non-volatile memory, as board.toml [nvm] says.
#define JZ_NVM_ADDRESS (0x21000000u)
#define JZ_NVM_SIZE (131072u)
#define JZ_NVM_PAGE (4096u)

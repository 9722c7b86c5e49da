// Non-volatile memory with the properties of NOR flash: erasing sets a page to ones, programming clears bits.
// The build defines its geometry in bytes: JZ_NVM_SIZE, JZ_NVM_PAGE (erased as one), JZ_NVM_UNIT (programmed as one).
// A power cut leaves at most one unit or one page undefined. Offsets are inside the memory and aligned.
#ifndef JZ_NVM_H
#define JZ_NVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// `size` bytes at `offset`, valid until the next call of any function here.
const uint8_t *jz_nvm_read(size_t offset, size_t size);

// Program whole units and read them back. False if a bit would have to rise (nothing is stored) or a store did not take.
bool jz_nvm_program(size_t offset, const uint8_t *from, size_t size);

// Erase the page at `offset`. False if it does not read as ones afterwards.
bool jz_nvm_erase(size_t offset);

#endif

// A key that only this device has. It seals the secrets in the NVM, so it must not lie there: an NVM that is read out,
// or put into another device, gives none of them.
// Emulated boards: a page of the machine outside the NVM. RP2350: one-time programmable rows, in a page that is locked
// against the debug port and the boot loader; other microcontrollers: a flash page of their own that
// readout protection covers. It does not protect against code that runs on the microcontroller.
#ifndef JZ_DEVICE_KEY_H
#define JZ_DEVICE_KEY_H

#include <stdint.h>

#define JZ_DEVICE_KEY_SIZE (32u)

// Copy the key to `to`. A device without one makes it first, from jz_random; a power cut while it does so leaves it
// without one, never with a part of one.
void jz_device_key(uint8_t to[JZ_DEVICE_KEY_SIZE]);

#endif

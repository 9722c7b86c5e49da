# _jzkey: the device key, where the target has jz/device_key.h.
SRC_USERMOD_C += $(USERMOD_DIR)/module.c

# _jzport: waiting, marks and reset, where the target has jz/port.h.
SRC_USERMOD_C += $(USERMOD_DIR)/module.c

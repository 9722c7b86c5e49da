# _jznvm: where the target has jz/nvm.h.
SRC_USERMOD_C += $(USERMOD_DIR)/module.c

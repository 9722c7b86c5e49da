# _jznvm: only where the board's memory is memory-mapped like ours.
ifneq ($(JZ_EMULATED),)
SRC_USERMOD_C += $(USERMOD_DIR)/module.c
endif

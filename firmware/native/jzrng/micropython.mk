SRC_USERMOD_LIB_C += $(USERMOD_DIR)/$(if $(JZ_EMULATED),boot_page.c,os_random.c)

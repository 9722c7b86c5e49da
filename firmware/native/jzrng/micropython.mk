# Which source an image gets is said, never assumed: with neither word no source is compiled, and an image does not link
# until its board brings one (`jz_random`, `jz_random_start`). So a hardware image has neither of these two.
SRC_USERMOD_LIB_C += $(if $(JZ_EMULATED),$(USERMOD_DIR)/boot_page.c)$(if $(JZ_UNIX),$(USERMOD_DIR)/os_random.c)

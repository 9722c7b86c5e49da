# Native modules and implementations of this target.
JZ_MODULES = jzcbor jzcrypto jzkey jznvm jzport
SRC_USERMOD_LIB_C += $(addprefix $(JZ_TARGET_DIR)/,boot_page.c clock.c device_key.c gccollect.c idle.c marks.c nvm.c reset.c)
CFLAGS_USERMOD += -DJZ_MARKS=1

# What this target gives the native modules: no marks, no NVM, no waiting of its own.
JZ_MODULES = jzcbor jzcrypto
SRC_USERMOD_LIB_C += $(addprefix $(JZ_TARGET_DIR)/,fatal.c os_random.c)

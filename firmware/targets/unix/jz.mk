# Native modules and implementations of this target: without marks, NVM and waiting.
JZ_MODULES = jzcbor jzcrypto
SRC_USERMOD_LIB_C += $(addprefix $(JZ_TARGET_DIR)/,fatal.c os_random.c)

# The portable C modules, and what their target gives them. JZ_TARGET is one of ../targets; its jz.mk names the modules
# that it can carry and the files that implement ../include/jz there.
JZ_NATIVE := $(USERMOD_DIR)
JZ_TARGET_DIR := $(USER_C_MODULES)/targets/$(JZ_TARGET)

CFLAGS_USERMOD += -I$(USER_C_MODULES)/include
include $(JZ_TARGET_DIR)/jz.mk
$(foreach module,$(JZ_MODULES),\
    $(eval USERMOD_DIR := $(JZ_NATIVE)/$(module))\
    $(eval include $(JZ_NATIVE)/$(module)/micropython.mk)\
)

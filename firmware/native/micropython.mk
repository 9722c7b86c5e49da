# The portable C modules and their target's files. JZ_TARGET is one of ../targets; its jz.mk lists the modules that it
# supports and the files that implement ../include/jz.
JZ_NATIVE := $(USERMOD_DIR)
JZ_TARGET_DIR := $(USER_C_MODULES)/targets/$(JZ_TARGET)

CFLAGS_USERMOD += -I$(USER_C_MODULES)/include
include $(JZ_TARGET_DIR)/jz.mk
$(foreach module,$(JZ_MODULES),\
    $(eval USERMOD_DIR := $(JZ_NATIVE)/$(module))\
    $(eval include $(JZ_NATIVE)/$(module)/micropython.mk)\
)

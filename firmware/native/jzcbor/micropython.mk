# _jzcbor: TinyCBOR parses; our code checks that the encoding is deterministic.
SRC_USERMOD_C += $(addprefix $(USERMOD_DIR)/,module.c)
SRC_USERMOD_LIB_C += $(addprefix $(USERMOD_DIR)/,decode.c encode.c) tinycbor/src/cborparser.c

vpath %.c $(UPSTREAM)
CFLAGS_USERMOD += -DCBOR_NO_FLOATING_POINT=1
$(BUILD)/native/jzcbor/%.o: CFLAGS += -I$(UPSTREAM)/tinycbor/src
$(BUILD)/tinycbor/%.o: CFLAGS += -w

# Written by boards/generate.py from board.toml: do not edit.
BOARD_NAME = visual_card
BOARD_NVM_UNIT = 4
NVM_UNIT ?= 4
HEAP_KIB ?= 128
STACK_KIB ?= 16

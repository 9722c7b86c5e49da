# Memory of the image, in KiB; both may be given on the command line of make.
HEAP_KIB ?= 96
STACK_KIB ?= 16

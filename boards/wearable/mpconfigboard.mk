# Memory of the image, in KiB; both may be given on the command line of make. UPDATE reads the whole book anew
# beside the one in use: with a full journal it fails in 80 KiB.
HEAP_KIB ?= 128
STACK_KIB ?= 16

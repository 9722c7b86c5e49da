# Memory of the image, in KiB; both may be given on the command line of make. A sync reads a whole journal beside
# the book in use: it needs more room than a tap.
HEAP_KIB ?= 128
STACK_KIB ?= 16

// jz/fatal.h on the unix port.
#include "jz/fatal.h"

#include <stdio.h>
#include <stdlib.h>

void jz_fatal(const char *reason) {
    fprintf(stderr, "fatal: %s\n", reason);
    abort();
}

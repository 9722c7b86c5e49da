// jz/random.h on the unix port: the operating system's generator.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "jz/random.h"

void jz_random_start(void) {
}

void jz_random(uint8_t *to, size_t size) {
    while (size != 0) {
        ssize_t got = getrandom(to, size, 0);
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            perror("getrandom");
            abort();
        }
        to += got;
        size -= got;
    }
}

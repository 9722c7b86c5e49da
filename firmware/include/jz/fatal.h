// The end of a wallet that must not go on.
#ifndef JZ_FATAL_H
#define JZ_FATAL_H

// Log `reason` where the build has a log, and stop for good: only a power cycle helps.
__attribute__((noreturn)) void jz_fatal(const char *reason);

#endif

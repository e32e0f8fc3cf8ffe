/*
 * base/process.h - run another program: bytes in, bytes out, a deadline
 *
 * The program gets its own process group, no signals blocked, SIGPIPE as the
 * system has it, and no descriptors but the standard three. At the deadline
 * the whole group is killed.
 *
 * Threads: any.
 */
#ifndef OTK_BASE_PROCESS_H
#define OTK_BASE_PROCESS_H

#include <stdbool.h>

#include "base/str.h"

struct buf;
struct err;

enum { PROCESS_TAIL_BYTES = 200 };

struct process_ask {
    char *const *argv; /* argv[0]: a path, or a name to look for in PATH */
    struct str input;  /* its standard input */
    int timeout_ms;
};

enum process_end {
    PROCESS_EXITED, /* `status` is its exit status */
    PROCESS_KILLED, /* `status` is the signal */
    PROCESS_TOO_LATE,
    PROCESS_TOO_MUCH, /* it wrote more than `out` takes; killed */
};

struct process_done {
    enum process_end end;
    int status;
    char tail[PROCESS_TAIL_BYTES]; /* the last line that it wrote to stderr */
};

/* Its output is appended to `out`, whose ceiling is the limit; NULL: dropped.
 * OTK_ENOENT: there is no such program; OTK_EAGAIN: no process could be
 * made. */
int process_run(const struct process_ask *ask, struct buf *out,
                struct process_done *ret, struct err *e);

/* 0 when it exited with 0; else what became of it, as an error: OTK_EAGAIN by
 * the deadline or a signal, OTK_ELIMIT by too much output, OTK_EFORMAT by an
 * exit status. */
int process_check(const struct process_done *d, const char *name,
                  struct err *e);

#endif

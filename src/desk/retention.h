/*
 * desk/retention.h - letting go of what was kept long enough
 *
 * Events, kept replies and sessions that are over, texts of tickets that were
 * closed long ago, recordings of calls (what was said stays on the ticket),
 * files that nobody needs, old automatic backups; limits are settings
 * (retention.*, phone.keep_days), and for recordings what a line says. Run now
 * and then by whoever does the desk's upkeep; works in small transactions, so
 * that nobody waits long.
 */
#ifndef OTK_DESK_RETENTION_H
#define OTK_DESK_RETENTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct desk;
struct err;

struct retired {
    int64_t events, keys, sessions, tickets, sent, recordings;
    size_t files, backups;
};

/* A line of the telephone with a time of its own, in the place of
 * phone.keep_days. */
struct retention_line {
    struct str name; /* as calls are filed under it: struct call_about */
    int64_t days;    /* 0: its recordings are kept */
};
struct retention_lines {
    const struct retention_line *items;
    size_t n;
};

/* `lines` NULL: nobody knows which have one; then all recordings stay. */
int retention_run(struct desk *d, const struct retention_lines *lines,
                  struct retired *ret, struct err *e);

#endif

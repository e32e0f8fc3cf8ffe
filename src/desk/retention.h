/*
 * desk/retention.h - letting go of what was kept long enough
 *
 * Events, kept replies and sessions that are over, texts of tickets that were
 * closed long ago, recordings of calls (phone.keep_days; what was said stays on
 * the ticket), files that nobody needs, old automatic backups; limits are
 * settings (retention.*). Run now and then by whoever does the desk's upkeep;
 * works in small transactions, so that nobody waits long.
 */
#ifndef OTK_DESK_RETENTION_H
#define OTK_DESK_RETENTION_H

#include <stddef.h>
#include <stdint.h>

struct desk;
struct err;

struct retired {
    int64_t events, keys, sessions, tickets, sent, recordings;
    size_t files, backups;
};

int retention_run(struct desk *d, struct retired *ret, struct err *e);

#endif

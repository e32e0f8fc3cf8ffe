/*
 * desk/sla.h - when an answer is due, by SLA, priority and business hours
 *
 * Pure; any thread. The SLA is the topic's, else the first of the catalog;
 * its minutes are minutes of its open hours. A moment of 0: no promise.
 */
#ifndef OTK_DESK_SLA_H
#define OTK_DESK_SLA_H

#include <stdbool.h>
#include <stdint.h>

struct catalog;
struct catalog_priority;
struct catalog_topic;
struct schedule;

struct sla_dues {
    int64_t first, next, solution; /* wall ms; 0: no promise */
};

/* For a ticket of that topic and priority (each may be NULL) from `at` on.
 * `next` is also the due of a later message that came at `at`. */
struct sla_dues sla_dues(const struct catalog *c,
                         const struct catalog_topic *topic,
                         const struct catalog_priority *priority, int64_t at);

/*
 * The clock stood from `from` to `to` (the ticket was pending): what was not
 * yet due at `from` has as much open time left at `to`.
 */
struct sla_dues sla_resume(const struct catalog *c,
                           const struct catalog_topic *topic,
                           struct sla_dues dues, int64_t from, int64_t to);

/*
 * `start`, later by the open time between `from` and `to`: promises counted
 * from there are what sla_resume() makes of those that were not yet due.
 */
int64_t sla_shift(const struct catalog *c, const struct catalog_topic *topic,
                  int64_t start, int64_t from, int64_t to);

/* The hours in which its promises run; NULL: round the clock. */
const struct schedule *sla_hours(const struct catalog *c,
                                 const struct catalog_topic *topic);

/* Was it, or is it, kept too late? `done_at` 0: not done yet. */
static inline bool sla_is_late(int64_t due, int64_t done_at, int64_t now)
{
    return due && (done_at ? done_at : now) > due;
}

#endif

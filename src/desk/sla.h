/* desk/sla.h - when an answer is due, by SLA, priority and business hours */
#ifndef OTK_DESK_SLA_H
#define OTK_DESK_SLA_H

#include <stdint.h>

struct catalog;
struct catalog_priority;
struct catalog_topic;

struct sla_dues {
    int64_t first, next, solution; /* wall ms; 0: no promise */
};

/* For a ticket of that topic and priority (each may be NULL) from `at` on. */
struct sla_dues sla_dues(const struct catalog *c,
                         const struct catalog_topic *topic,
                         const struct catalog_priority *priority, int64_t at);

/* `due` moved by the open time between `from` and `to`: the clock stood. */
int64_t sla_shift(const struct catalog_topic *topic, int64_t due, int64_t from,
                  int64_t to);

#endif

/*
 * desk/routing.h - on whose desk a ticket goes, and why
 *
 * A pure function of the catalog, everybody's load and the ticket: who is
 * active, present and on duty, speaks the language, has the skill at the level
 * the priority wants and room on the desk; among those the one whose level fits
 * closest (experts are kept for hard cases), with the least load, who got
 * nothing for longest. When nobody fits, wishes are given up step by step, and
 * the reason says so; when nobody is there, the ticket waits in the queue.
 */
#ifndef OTK_DESK_ROUTING_H
#define OTK_DESK_ROUTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "desk/catalog.h"

struct arena;

struct route_load {      /* one a member of staff, in the catalog's order */
    int open;            /* tickets on the desk */
    int64_t assigned_at; /* when the last one came */
};

struct route_ask {
    const struct catalog_topic *topic;       /* NULL: unknown */
    const struct catalog_priority *priority; /* NULL: unknown */
    const char *language;                    /* "ru" "en" "" */
    int64_t at;
    int64_t except;  /* a person who must not get it (gave it back); 0 */
    bool older_wait; /* others of the topic are in the queue: they go first */
};

enum route_verdict {
    ROUTE_FITS,
    ROUTE_INACTIVE,
    ROUTE_ABSENT,
    ROUTE_OFF_DUTY,
    ROUTE_NO_SKILL,
    ROUTE_LOW_LEVEL,
    ROUTE_NO_LANGUAGE,
    ROUTE_FULL,
    ROUTE_GAVE_BACK,
};
const char *route_verdict_text(enum route_verdict v, const char *language);

struct route_candidate {
    const struct catalog_staff *staff;
    enum route_verdict verdict;
    int level, open;
};

struct route {
    const struct catalog_staff *staff; /* NULL: the queue */
    const struct catalog_team *team;   /* NULL: no team is named */
    const char *reason;                /* one sentence, in `a` */
};

/* `loads`: n_staff entries. `candidates`: NULL, or room for n_staff. */
void route_choose(const struct catalog *c, const struct route_load *loads,
                  const struct route_ask *ask, struct arena *a,
                  struct route *ret, struct route_candidate *candidates);

/* Would this member of staff, now, take such a ticket? */
bool route_may_take(const struct catalog *c, const struct route_load *loads,
                    const struct route_ask *ask,
                    const struct catalog_staff *staff);

#endif

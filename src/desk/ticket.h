/*
 * desk/ticket.h - tickets: making, reading, changing
 *
 * A change is one transaction: the row, a line for people where they should
 * see it, the audit and an event. `version` counts changes; a caller that
 * says which version it read is refused (OTK_ECONFLICT) when it is old.
 */
#ifndef OTK_DESK_TICKET_H
#define OTK_DESK_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "desk/actor.h"
#include "desk/sla.h"

struct arena;
struct catalog;
struct db_tx;
struct err;

enum { SUBJECT_MAX = 200, TICKET_IDS_MAX = 1000 };

/* NULL-terminated; the states that a ticket in `state` may go to. */
const char *const *ticket_states_after(struct str state);

/* The first line of a text, cut where a word ends. */
struct str ticket_subject(struct str text);

struct ticket_new {
    struct str subject, language, reason;
    const char *channel;
    int64_t topic_id, priority_id, team_id, assignee_id, person_id; /* 0: no */
    struct str external_id; /* or empty */
    struct sla_dues dues;
};
int ticket_insert(struct db_tx *tx, const struct ticket_new *t, struct actor by,
                  int64_t now_ms, int64_t *ret_id, struct err *e);

struct ticket {
    int64_t id, topic_id, priority_id, team_id, assignee_id, person_id;
    struct str subject, state, channel, language, reason, external_id;
    struct str person_name;
    int64_t version, created_at, updated_at, first_answer_at, solved_at;
    int64_t waiting_since, paused_at, counts_from, merged_into;
    struct sla_dues dues;
};
/* OTK_ENOENT. */
int ticket_get(struct db_tx *tx, int64_t id, struct arena *a,
               struct ticket *ret, struct err *e);

/* The ticket that took this one in, itself when none did. OTK_ENOENT. */
int ticket_follow(struct db_tx *tx, int64_t id, int64_t *ret, struct err *e);

/* Empty fields: all. */
struct ticket_filter {
    struct str states; /* "new,open" */
    struct str tag;
    int64_t assignee_id; /* 0: all, -1: nobody's */
    int64_t topic_id, priority_id, person_id, team_id;
    int64_t updated_since;
    int64_t late_at;    /* a promise was broken at this moment */
    int64_t before_id;  /* 0: from the newest */
    const int64_t *ids; /* only these, at most TICKET_IDS_MAX */
    size_t n_ids;
    size_t limit;
};
/* Newest first. OTK_EFORMAT: a state that does not exist. */
int ticket_list(struct db_tx *tx, const struct ticket_filter *f,
                struct arena *a, struct ticket **ret, size_t *ret_n,
                struct err *e);

/* What to change; a NULL pointer leaves it. */
struct ticket_change {
    const struct str *state, *subject;
    const int64_t *topic_id, *priority_id, *team_id, *assignee_id; /* 0: none */
    struct str reason;             /* with an assignee; empty: by hand */
    const struct catalog *catalog; /* for the promises; NULL: they stay */
    int64_t if_version;            /* 0: any */
};
int ticket_change(struct db_tx *tx, int64_t id, const struct ticket_change *c,
                  struct actor by, int64_t now_ms, struct err *e);

/* Something about it was changed elsewhere: its version, the audit (`detail`:
 * JSON), an event. OTK_ENOENT. */
int ticket_note(struct db_tx *tx, int64_t id, const char *action,
                struct actor by, struct str detail, int64_t now_ms,
                struct err *e);

#endif

/*
 * desk/event.h - what happened, for those who follow along
 *
 * A row in the transaction of the change itself; followers (SSE, webhooks)
 * read rows after the last one they have.
 */
#ifndef OTK_DESK_EVENT_H
#define OTK_DESK_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

struct event {
    int64_t id, ticket_id, created_at;
    struct str kind, body; /* body: JSON */
};

/* `ticket_id` 0: about no ticket. `body`: JSON object. */
int event_put(struct db_tx *tx, const char *kind, int64_t ticket_id,
              struct str body, int64_t now_ms, struct err *e);
int event_after(struct db_tx *tx, int64_t after, size_t limit, struct arena *a,
                struct event **ret, size_t *ret_n, struct err *e);
int event_last(struct db_tx *tx, int64_t *ret, struct err *e);

#endif

/*
 * desk/link.h - tickets that have to do with each other
 *
 * Kinds: "related" (both ways the same), "blocks", "duplicate" (of the other),
 * "split" (the other came out of it). merge and split move what was said.
 */
#ifndef OTK_DESK_LINK_H
#define OTK_DESK_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "desk/actor.h"

struct arena;
struct db_tx;
struct err;

enum { LINKS_MAX = 100 }; /* that are read of one ticket */

struct link {
    int64_t other_id;
    struct str kind, subject, state; /* of the other ticket */
    bool outward; /* this ticket blocks the other, not the other this */
};

/* OTK_EFORMAT: no such kind, or a ticket with itself. OTK_ENOENT. */
int link_add(struct db_tx *tx, int64_t ticket_id, int64_t other_id,
             struct str kind, struct actor by, int64_t now_ms, struct err *e);
int link_drop(struct db_tx *tx, int64_t ticket_id, int64_t other_id,
              struct actor by, int64_t now_ms, struct err *e);
int link_list(struct db_tx *tx, int64_t ticket_id, struct arena *a,
              struct link **ret, size_t *ret_n, struct err *e);

#endif

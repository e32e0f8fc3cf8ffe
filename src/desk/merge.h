/*
 * desk/merge.h - two tickets become one, one becomes two
 *
 * Merging moves everything that was said, files, tags and links to the ticket
 * that stays; the other is closed in the state "merged" and points there, so
 * that its number still leads to the conversation. Splitting moves chosen
 * messages into a new ticket that is linked to the old one.
 */
#ifndef OTK_DESK_MERGE_H
#define OTK_DESK_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "desk/actor.h"

struct catalog;
struct db_tx;
struct err;
struct stemmer;

enum { SPLIT_MAX = 200 }; /* messages */

struct merging {
    struct stemmer *stemmer;
    const struct catalog *catalog;
    const char *language; /* of the lines it writes: "ru" "en" */
    struct actor by;
    int64_t now;
};

/* OTK_ENOENT; OTK_ECONFLICT: one of them is merged already, or they are the
 * same. */
int merge(struct db_tx *tx, const struct merging *m, int64_t from, int64_t into,
          struct err *e);

/* `subject` empty: the first line of the first message. OTK_EFORMAT: a message
 * is not of this ticket, or none of the person's would stay. */
int split(struct db_tx *tx, const struct merging *m, int64_t from,
          const int64_t *messages, size_t n, struct str subject,
          int64_t *ret_id, struct err *e);

#endif

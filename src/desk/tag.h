/*
 * desk/tag.h - short words that staff hangs on tickets
 *
 * Kept folded (text_fold: "VPN" and "vpn" are one tag), at most TAGS_MAX on a
 * ticket.
 */
#ifndef OTK_DESK_TAG_H
#define OTK_DESK_TAG_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "desk/actor.h"

struct arena;
struct db_tx;
struct err;

enum { TAG_MAX = 50, TAGS_MAX = 30 };

/* Its kept form; OTK_EFORMAT, OTK_ELIMIT with the field "tags". */
int tag_normalize(struct str tag, struct arena *a, struct str *ret,
                  struct err *e);

/* The ticket has these tags, in kept form, and no others. OTK_ELIMIT,
 * OTK_ENOENT. */
int tags_set(struct db_tx *tx, int64_t ticket_id, const struct str *tags,
             size_t n, struct actor by, int64_t now_ms, struct err *e);

/* In order of the alphabet. */
int tags_of(struct db_tx *tx, int64_t ticket_id, struct arena *a,
            struct str **ret, size_t *ret_n, struct err *e);

struct tag_count {
    struct str tag;
    int64_t tickets;
};
/* Most used first. */
int tags_count(struct db_tx *tx, size_t limit, struct arena *a,
               struct tag_count **ret, size_t *ret_n, struct err *e);

#endif

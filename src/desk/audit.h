/*
 * desk/audit.h - what was done by whom, in a chain of hashes
 *
 * Each row's hash covers the row and the hash before it, so that nobody can
 * change or remove a row unseen. The detail names fields and ids and never
 * holds what a person wrote: a person can be erased and the chain stays whole.
 */
#ifndef OTK_DESK_AUDIT_H
#define OTK_DESK_AUDIT_H

#include <stddef.h>

#include "base/str.h"
#include "desk/actor.h"

struct arena;
struct db_tx;
struct err;

/* `object`: "ticket:15"; `detail`: JSON. Inside db_write(). */
int audit_add(struct db_tx *tx, struct actor by, const char *action,
              const char *object, struct str detail, int64_t now_ms,
              struct err *e);

/* OTK_EIO with the number of the first row that does not fit. */
int audit_verify(struct db_tx *tx, int64_t *ret_rows, struct err *e);

struct audit_row {
    int64_t id, at;
    struct str actor, action, object, detail;
};
int audit_list(struct db_tx *tx, const char *object, size_t limit,
               struct arena *a, struct audit_row **ret, size_t *ret_n,
               struct err *e);

#endif

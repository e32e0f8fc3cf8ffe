/*
 * desk/erase.h - forgetting a person, with a proof (GDPR article 17, 152-FZ)
 *
 * Everything that the person wrote or that was written to him, his name,
 * identities and files go; tickets stay as empty shells, so that numbers and
 * statistics hold. What staff wrote in a conversation that was merged into
 * another person's stays: it is that one's, too. The audit never held any of
 * it. The proof is a hash over the person's id, the counts of what was changed
 * and the audit row of the erasure; erase_verify() computes it again and looks
 * for anything left.
 *
 * Backups made before keep what they have until they are removed.
 */
#ifndef OTK_DESK_ERASE_H
#define OTK_DESK_ERASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "desk/actor.h"

struct arena;
struct desk;
struct db_tx;
struct err;

enum { PROOF_BYTES = 65 }; /* with the NUL */

struct erasure {
    int64_t id, person_id, audit_id, created_at;
    struct str counts; /* JSON: rows by kind */
    char proof[PROOF_BYTES];
};

/*
 * OTK_ENOENT; OTK_ECONFLICT: the person is staff (let him go first), or was
 * erased before. Not inside a transaction; takes seconds on a large store.
 */
int erase_person(struct desk *d, int64_t person_id, struct actor by,
                 struct arena *a, struct erasure *ret, struct err *e);

/* The latest erasure of that person. OTK_ENOENT. */
int erase_find(struct db_tx *tx, int64_t person_id, struct arena *a,
               struct erasure *ret, struct err *e);

/* Does the proof hold, and is nothing left? *ret_why says what does not. */
int erase_verify(struct db_tx *tx, const struct erasure *x, bool *ret,
                 const char **ret_why, struct err *e);

/* Empty the texts of one ticket; its files' rows go, blobs when swept. Used by
 * retention, too. *ret_messages (may be NULL) is increased. */
int erase_ticket(struct db_tx *tx, int64_t ticket_id, int64_t *ret_messages,
                 struct err *e);

#endif

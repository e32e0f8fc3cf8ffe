/*
 * desk/person.h - people and how they reach us
 *
 * An identity (an e-mail address, a phone number) belongs to one person and is
 * kept in normal form, so that "+7 (900) 1" and "+79001" are the same.
 */
#ifndef OTK_DESK_PERSON_H
#define OTK_DESK_PERSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "desk/actor.h"

struct arena;
struct db_tx;
struct err;

enum { PERSON_NAME_MAX = 200, IDENTITY_MAX = 254 };

/* "email" lower case and with an @, "phone" as +digits, others trimmed.
 * OTK_EFORMAT names the field. */
int identity_normalize(const char *kind, struct str value, struct arena *a,
                       struct str *ret, struct err *e);

struct person_ask {
    struct str name, email, phone; /* empty: not said */
    struct str language;
};

/* Checks the fields; to be called before the transaction. */
int person_check(struct person_ask *p, struct arena *a, struct err *e);

/* The person with one of the identities, made when there is none; 0 when
 * nothing identifies anybody and no name is said. */
int person_get_or_make(struct db_tx *tx, const struct person_ask *p,
                       int64_t now_ms, int64_t *ret_id, struct err *e);

/* ---- keeping people
 * ------------------------------------------------------------------ */

enum { PERSON_NOTE_MAX = 4000, IDENTITIES_MAX = 50, PEOPLE_PAGE_MAX = 500 };

struct identity {
    struct str kind, value;
};

struct person {
    int64_t id, created_at, updated_at, erased_at, tickets;
    struct str name, language, organisation, note, external_id;
    bool is_staff;
    struct identity *identities;
    size_t n_identities;
};

/* OTK_ENOENT. Its identities and the number of its tickets with it. */
int person_get(struct db_tx *tx, int64_t id, struct arena *a,
               struct person *ret, struct err *e);

/* By id, from `after` on; `words`: a piece of a name or the beginning of an
 * identity, empty: all. Without staff and the erased. */
int person_list(struct db_tx *tx, struct str words, int64_t after, size_t limit,
                struct arena *a, struct person **ret, size_t *ret_n,
                struct err *e);

/* What to change; a NULL pointer leaves it. */
struct person_change {
    const struct str *name, *language, *organisation, *note, *external_id;
    const struct identity *identities; /* all that the person has, normal */
    size_t n_identities;
    bool sets_identities;
};
/* Of kinds email, phone, telegram, extension, external. */
int person_change_check(struct person_change *c, struct arena *a,
                        struct err *e);

/* A new one. OTK_ECONFLICT names the identity that somebody else has. */
int person_add(struct db_tx *tx, const struct person_change *c, struct actor by,
               int64_t now_ms, int64_t *ret_id, struct err *e);
int person_update(struct db_tx *tx, int64_t id, const struct person_change *c,
                  struct actor by, int64_t now_ms, struct err *e);
/* By external id; OTK_ENOENT. */
int person_external(struct db_tx *tx, struct str external_id, int64_t *ret,
                    struct err *e);

#endif

/*
 * desk/person.h - people and how they reach us
 *
 * An identity (an e-mail address, a phone number) belongs to one person and is
 * kept in normal form, so that "+7 (900) 1" and "+79001" are the same.
 */
#ifndef OTK_DESK_PERSON_H
#define OTK_DESK_PERSON_H

#include <stdint.h>

#include "base/str.h"

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

#endif

/*
 * desk/staff.h - who works at the desk, as the owner of the machine sees it
 *
 * Teams, skills and hours of staff are the catalogue's (desk/catalog_edit.h);
 * here are the logins: made, listed, given a password.
 */
#ifndef OTK_DESK_STAFF_H
#define OTK_DESK_STAFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "desk/actor.h"

struct arena;
struct db_tx;
struct err;

struct staff_login {
    struct str login, name, role; /* role: admin agent viewer */
    bool is_active, has_password; /* without a password nobody signs in */
};

/* By login. */
int staff_list(struct db_tx *tx, struct arena *a, struct staff_login **ret,
               size_t *ret_n, struct err *e);

/* `who` has a role of those three. OTK_ECONFLICT: the login exists;
 * OTK_EFORMAT: the password. Only `login`, `name` and `role` are looked at. */
int staff_add(struct db_tx *tx, const struct staff_login *who,
              struct str password, struct actor by, int64_t now_ms,
              struct err *e);

/* A new password ends the sessions of the old one. Errors: password_set(). */
int staff_password(struct db_tx *tx, struct str login, struct str password,
                   struct actor by, int64_t now_ms, struct err *e);

#endif

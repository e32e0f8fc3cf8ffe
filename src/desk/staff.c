/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/staff.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "desk/access.h"
#include "desk/audit.h"
#include "desk/catalog.h"

enum { OBJECT_BYTES = 32 }; /* "staff:15" */

static int note(struct db_tx *tx, int64_t id, const char *action,
                struct actor by, int64_t now_ms, struct err *e)
{
    char object[OBJECT_BYTES];
    (void)snprintf(object, sizeof(object), "staff:%lld", (long long)id);
    return audit_add(tx, by, action, object, STR(""), now_ms, e);
}

int staff_list(struct db_tx *tx, struct arena *a, struct staff_login **ret,
               size_t *ret_n, struct err *e)
{
    struct staff_login *list = NULL;
    size_t cap = 0;
    struct db_rows *rows;
    *ret_n = 0;
    int r = db_query(tx, &rows, e,
                     "SELECT s.login, p.name, s.role, s.is_active, "
                     "s.password_hash <> '' FROM staff s JOIN people p ON p.id "
                     "= s.person_id ORDER BY s.login",
                     "");
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        list = mem_grow(list, *ret_n, &cap, sizeof(*list));
        list[(*ret_n)++] = (struct staff_login){
            .login = arena_str(a, db_text(rows, 0)),
            .name = arena_str(a, db_text(rows, 1)),
            .role = arena_str(a, db_text(rows, 2)),
            .is_active = db_int(rows, 3),
            .has_password = db_int(rows, 4),
        };
    }
    db_rows_free(rows);
    *ret = arena_keep(a, list, *ret_n, sizeof(*list));
    return r;
}

int staff_add(struct db_tx *tx, const struct staff_login *who,
              struct str password, struct actor by, int64_t now_ms,
              struct err *e)
{
    int64_t person = 0;
    int r = db_insert(tx, &person, e,
                      "INSERT INTO people (name, created_at, updated_at) "
                      "VALUES (?1, ?2, ?2)",
                      "si", who->name, now_ms);
    if (!r)
        r = db_exec(tx, e,
                    "INSERT INTO staff (person_id, login, password_hash, role) "
                    "VALUES (?1, ?2, '', ?3)",
                    "iss", person, who->login, who->role);
    if (r == OTK_ECONFLICT)
        return err_set(e, r, "login '" STR_FMT "' exists already",
                       STR_ARG(who->login));
    if (!r)
        r = password_set(tx, who->login, password, e);
    if (!r)
        r = note(tx, person, "staff.add", by, now_ms, e);
    return r ? r : catalog_touch(tx, e);
}

static int id_of(struct db_tx *tx, struct str login, int64_t *ret,
                 struct err *e)
{
    struct db_rows *rows;
    int r =
        db_query(tx, &rows, e, "SELECT person_id FROM staff WHERE login = ?1",
                 "s", login);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0)
        *ret = db_int(rows, 0);
    db_rows_free(rows);
    if (r == 0)
        return err_set(e, OTK_ENOENT, "no login '" STR_FMT "'", STR_ARG(login));
    return r < 0 ? r : OTK_OK;
}

int staff_password(struct db_tx *tx, struct str login, struct str password,
                   struct actor by, int64_t now_ms, struct err *e)
{
    int64_t person = 0;
    int r = id_of(tx, login, &person, e);
    if (!r)
        r = password_set(tx, login, password, e);
    if (!r)
        r = db_exec(tx, e, "DELETE FROM sessions WHERE person_id = ?1", "i",
                    person);
    return r ? r : note(tx, person, "staff.password", by, now_ms, e);
}

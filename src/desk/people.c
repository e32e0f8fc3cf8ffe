/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping people: reading, adding, changing. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "desk/audit.h"
#include "desk/person.h"
#include "text/unicode.h"

enum { OBJECT_BYTES = 40 };

/* ---- reading
 * ---------------------------------------------------------------------- */

#define COLUMNS                                                                \
    "p.id, p.created_at, p.updated_at, COALESCE(p.erased_at, 0), (SELECT "     \
    "COUNT(*) FROM tickets t WHERE t.person_id = p.id), p.name, p.language, "  \
    "p.organisation, p.note, COALESCE(p.external_id, ''), (SELECT COUNT(*) "   \
    "FROM staff s WHERE s.person_id = p.id)"

static struct person row_of(struct db_rows *r, struct arena *a)
{
    return (struct person){
        .id = db_int(r, 0),
        .created_at = db_int(r, 1),
        .updated_at = db_int(r, 2),
        .erased_at = db_int(r, 3),
        .tickets = db_int(r, 4),
        .name = arena_str(a, db_text(r, 5)),
        .language = arena_str(a, db_text(r, 6)),
        .organisation = arena_str(a, db_text(r, 7)),
        .note = arena_str(a, db_text(r, 8)),
        .external_id = arena_str(a, db_text(r, 9)),
        .is_staff = db_int(r, 10) != 0,
    };
}

static int read_identities(struct db_tx *tx, struct arena *a, struct person *p,
                           struct err *e)
{
    struct db_rows *rows;
    p->identities = ARENA_ARRAY(a, struct identity, IDENTITIES_MAX + 1);
    int r = db_query(tx, &rows, e,
                     "SELECT kind, value FROM identities WHERE person_id = ?1 "
                     "ORDER BY id LIMIT ?2",
                     "ii", p->id, (int64_t)IDENTITIES_MAX);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        p->identities[p->n_identities++] = (struct identity){
            arena_str(a, db_text(rows, 0)), arena_str(a, db_text(rows, 1))};
    db_rows_free(rows);
    return r;
}

int person_get(struct db_tx *tx, int64_t id, struct arena *a,
               struct person *ret, struct err *e)
{
    struct db_rows *rows;
    int r =
        db_query(tx, &rows, e,
                 "SELECT " COLUMNS " FROM people p WHERE p.id = ?1", "i", id);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0)
        *ret = row_of(rows, a);
    db_rows_free(rows);
    if (r == 0)
        return err_set(e, OTK_ENOENT, "no person %lld", (long long)id);
    return r < 0 ? r : read_identities(tx, a, ret, e);
}

/* "%a\%b%": what a person typed is no pattern. */
static const char *pattern(struct arena *a, struct str words, bool anywhere)
{
    char *out = arena_alloc(a, 2 * words.n + 3, 1);
    size_t n = 0;
    if (anywhere)
        out[n++] = '%';
    for (size_t i = 0; i < words.n; i++) {
        if (strchr("%_\\", words.p[i]))
            out[n++] = '\\';
        out[n++] = words.p[i];
    }
    out[n++] = '%';
    return out;
}

int person_list(struct db_tx *tx, struct str words, int64_t after, size_t limit,
                struct arena *a, struct person **ret, size_t *ret_n,
                struct err *e)
{
    struct db_rows *rows;
    *ret_n = 0;
    *ret = ARENA_ARRAY(a, struct person, limit + 1);
    int r = db_query(
        tx, &rows, e,
        "SELECT " COLUMNS " FROM people p WHERE p.id > ?1 AND p.erased_at IS "
        "NULL AND NOT EXISTS (SELECT 1 FROM staff s WHERE s.person_id = p.id) "
        "AND (?2 = '' OR p.name LIKE ?3 ESCAPE '\\' OR EXISTS (SELECT 1 FROM "
        "identities i WHERE i.person_id = p.id AND i.value LIKE ?4 ESCAPE "
        "'\\')) ORDER BY p.id LIMIT ?5",
        "istti", after, words, pattern(a, words, true),
        pattern(a, text_fold(a, words), false), (int64_t)limit);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        (*ret)[(*ret_n)++] = row_of(rows, a);
    db_rows_free(rows);
    for (size_t i = 0; !r && i < *ret_n; i++)
        r = read_identities(tx, a, &(*ret)[i], e);
    return r;
}

int person_external(struct db_tx *tx, struct str external_id, int64_t *ret,
                    struct err *e)
{
    return db_int_of(tx, ret, e, "SELECT id FROM people WHERE external_id = ?1",
                     "s", external_id);
}

/* ---- changing
 * --------------------------------------------------------------------- */

static bool is_kind(struct str kind)
{
    static const char *const kinds[] = {"email", "phone", "telegram",
                                        "extension", "external"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (str_is(kind, kinds[i]))
            return true;
    }
    return false;
}

static int check_identities(struct person_change *c, struct arena *a,
                            struct err *e)
{
    if (c->n_identities > IDENTITIES_MAX)
        return err_field(e, OTK_ELIMIT, "identities", "at most %d",
                         IDENTITIES_MAX);
    struct identity *own = ARENA_ARRAY(a, struct identity, c->n_identities + 1);
    int r = OTK_OK;
    for (size_t i = 0; !r && i < c->n_identities; i++) {
        const struct identity *x = &c->identities[i];
        if (!is_kind(x->kind))
            return err_field(e, OTK_EFORMAT, "kind",
                             "is email, phone, telegram, extension or "
                             "external");
        own[i].kind = x->kind;
        r = identity_normalize(arena_copy(a, x->kind), x->value, a,
                               &own[i].value, e);
    }
    c->identities = own;
    return r;
}

int person_change_check(struct person_change *c, struct arena *a, struct err *e)
{
    const struct {
        const struct str *text;
        const char *field;
        size_t max;
    } texts[] = {{c->name, "name", PERSON_NAME_MAX},
                 {c->organisation, "organisation", PERSON_NAME_MAX},
                 {c->note, "note", PERSON_NOTE_MAX},
                 {c->external_id, "external_id", PERSON_NAME_MAX}};
    int r = OTK_OK;
    for (size_t i = 0; !r && i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].text)
            r = text_check(*texts[i].text, texts[i].field, 0, texts[i].max, e);
    }
    if (!r && c->language && c->language->n && !str_is(*c->language, "ru") &&
        !str_is(*c->language, "en"))
        r = err_field(e, OTK_EFORMAT, "language", "is ru or en");
    return r ? r : check_identities(c, a, e);
}

static int set_identities(struct db_tx *tx, int64_t id,
                          const struct person_change *c, int64_t now_ms,
                          struct err *e)
{
    int r = c->sets_identities
                ? db_exec(tx, e, "DELETE FROM identities WHERE person_id = ?1",
                          "i", id)
                : OTK_OK;
    for (size_t i = 0; !r && i < c->n_identities; i++) {
        const struct identity *x = &c->identities[i];
        int64_t owner = id;
        r = db_int_of(tx, &owner, e,
                      "INSERT INTO identities (person_id, kind, value, "
                      "created_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (kind, "
                      "value) DO UPDATE SET value = excluded.value RETURNING "
                      "person_id",
                      "issi", id, x->kind, x->value, now_ms);
        if (!r && owner != id)
            r = err_field(e, OTK_ECONFLICT, "identities",
                          STR_FMT " " STR_FMT " is person %lld's",
                          STR_ARG(x->kind), STR_ARG(x->value),
                          (long long)owner);
    }
    return r;
}

static int set_texts(struct db_tx *tx, int64_t id,
                     const struct person_change *c, int64_t now_ms,
                     struct err *e)
{
    const struct {
        const struct str *text;
        const char *sql;
    } parts[] = {
        {c->name, "UPDATE people SET name = ?2 WHERE id = ?1"},
        {c->language, "UPDATE people SET language = ?2 WHERE id = ?1"},
        {c->organisation, "UPDATE people SET organisation = ?2 WHERE id = ?1"},
        {c->note, "UPDATE people SET note = ?2 WHERE id = ?1"},
    };
    int r = db_exec(tx, e, "UPDATE people SET updated_at = ?2 WHERE id = ?1",
                    "ii", id, now_ms);
    for (size_t i = 0; !r && i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].text)
            r = db_exec(tx, e, parts[i].sql, "is", id,
                        str_trim(*parts[i].text));
    }
    if (!r && c->external_id)
        r = db_exec(tx, e, "UPDATE people SET external_id = ?2 WHERE id = ?1",
                    c->external_id->n ? "is" : "in", id, *c->external_id);
    return r == OTK_ECONFLICT
               ? err_field(e, r, "external_id", "somebody else has it")
               : r;
}

static int note(struct db_tx *tx, int64_t id, const char *action,
                struct actor by, int64_t now_ms, struct err *e)
{
    char object[OBJECT_BYTES];
    (void)snprintf(object, sizeof(object), "person:%lld", (long long)id);
    return audit_add(tx, by, action, object, STR(""), now_ms, e);
}

int person_add(struct db_tx *tx, const struct person_change *c, struct actor by,
               int64_t now_ms, int64_t *ret_id, struct err *e)
{
    int r = db_insert(tx, ret_id, e,
                      "INSERT INTO people (name, created_at, updated_at) "
                      "VALUES ('', ?1, ?1)",
                      "i", now_ms);
    if (!r)
        r = set_texts(tx, *ret_id, c, now_ms, e);
    if (!r)
        r = set_identities(tx, *ret_id, c, now_ms, e);
    return r ? r : note(tx, *ret_id, "person.create", by, now_ms, e);
}

int person_update(struct db_tx *tx, int64_t id, const struct person_change *c,
                  struct actor by, int64_t now_ms, struct err *e)
{
    int64_t erased = 0;
    int r = db_int_of(tx, &erased, e,
                      "SELECT COALESCE(erased_at, 0) FROM people WHERE id = ?1",
                      "i", id);
    if (r == OTK_ENOENT)
        return err_set(e, r, "no person %lld", (long long)id);
    if (!r && erased)
        return err_set(e, OTK_ECONFLICT, "the person was erased");
    if (!r)
        r = set_texts(tx, id, c, now_ms, e);
    if (!r)
        r = set_identities(tx, id, c, now_ms, e);
    return r ? r : note(tx, id, "person.change", by, now_ms, e);
}

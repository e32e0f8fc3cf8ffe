/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/person.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "text/unicode.h"

static int normalize_email(struct str value, struct arena *a, struct str *ret,
                           struct err *e)
{
    *ret = text_fold(a, value);
    size_t at = str_find(*ret, '@');
    if (at == 0 || at + 1 >= ret->n || str_find(*ret, ' ') < ret->n ||
        str_find(str_sub(*ret, at + 1, ret->n), '@') < ret->n - at - 1)
        return err_field(e, OTK_EFORMAT, "email",
                         "'" STR_FMT "' is not an e-mail address",
                         STR_ARG(value));
    return OTK_OK;
}

static int normalize_phone(struct str value, struct arena *a, struct str *ret,
                           struct err *e)
{
    char *out = arena_alloc(a, value.n + 2, 1);
    size_t n = 0;
    size_t digits = 0;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        bool digit = c >= '0' && c <= '9';
        digits += digit;
        if (digit || (c == '+' && n == 0))
            out[n++] = c;
        else if (!strchr(" ()-.\t", c) || c == '\0')
            return err_field(e, OTK_EFORMAT, "phone",
                             "'" STR_FMT "' is not a phone number",
                             STR_ARG(value));
    }
    if (digits < 3 || digits > 20)
        return err_field(e, OTK_EFORMAT, "phone",
                         "a number has 3 to 20 digits");
    *ret = (struct str){out, n};
    return OTK_OK;
}

int identity_normalize(const char *kind, struct str value, struct arena *a,
                       struct str *ret, struct err *e)
{
    int r = text_check(value, kind, 1, IDENTITY_MAX, e);
    if (r)
        return r;
    if (strcmp(kind, "email") == 0)
        return normalize_email(value, a, ret, e);
    if (strcmp(kind, "phone") == 0)
        return normalize_phone(value, a, ret, e);
    *ret = str_trim(value);
    return OTK_OK;
}

int person_check(struct person_ask *p, struct arena *a, struct err *e)
{
    int r = text_check(p->name, "name", 0, PERSON_NAME_MAX, e);
    p->name = str_trim(p->name);
    if (!r && p->email.n)
        r = identity_normalize("email", p->email, a, &p->email, e);
    if (!r && p->phone.n)
        r = identity_normalize("phone", p->phone, a, &p->phone, e);
    return r;
}

static int find(struct db_tx *tx, const char *kind, struct str value,
                int64_t *ret, struct err *e)
{
    if (value.n == 0 || *ret)
        return OTK_OK;
    int r = db_int_of(tx, ret, e,
                      "SELECT person_id FROM identities WHERE kind = ?1 AND "
                      "value = ?2",
                      "ts", kind, value);
    return r == OTK_ENOENT ? OTK_OK : r;
}

static int add(struct db_tx *tx, int64_t person, const char *kind,
               struct str value, int64_t now_ms, struct err *e)
{
    if (value.n == 0)
        return OTK_OK;
    return db_exec(tx, e,
                   "INSERT INTO identities (person_id, kind, value, "
                   "created_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                   "itsi", person, kind, value, now_ms);
}

int person_get_or_make(struct db_tx *tx, const struct person_ask *p,
                       int64_t now_ms, int64_t *ret_id, struct err *e)
{
    *ret_id = 0;
    int r = find(tx, "email", p->email, ret_id, e);
    if (!r)
        r = find(tx, "phone", p->phone, ret_id, e);
    if (r || (!*ret_id && !p->email.n && !p->phone.n && !p->name.n))
        return r;
    if (!*ret_id)
        r = db_insert(tx, ret_id, e,
                      "INSERT INTO people (name, language, created_at, "
                      "updated_at) VALUES (?1, ?2, ?3, ?3)",
                      "ssi", p->name, p->language, now_ms);
    if (!r)
        r = add(tx, *ret_id, "email", p->email, now_ms, e);
    return r ? r : add(tx, *ret_id, "phone", p->phone, now_ms, e);
}

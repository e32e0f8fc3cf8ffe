/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/audit.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"

enum { HASH_BYTES = 32, HEX_BYTES = 2 * HASH_BYTES + 1 };

/* Length before content: no two rows have the same bytes. */
static void take(crypto_generichash_state *h, struct str s)
{
    uint64_t n = s.n;
    (void)crypto_generichash_update(h, (const unsigned char *)&n, sizeof(n));
    (void)crypto_generichash_update(h, (const unsigned char *)s.p, s.n);
}

static void take_number(crypto_generichash_state *h, int64_t n)
{
    (void)crypto_generichash_update(h, (const unsigned char *)&n, sizeof(n));
}

static void hash_row(struct str before, const struct audit_row *r,
                     char ret[HEX_BYTES])
{
    crypto_generichash_state h;
    unsigned char bytes[HASH_BYTES];
    (void)crypto_generichash_init(&h, NULL, 0, HASH_BYTES);
    take(&h, before);
    take_number(&h, r->id);
    take_number(&h, r->at);
    take(&h, r->actor);
    take(&h, r->action);
    take(&h, r->object);
    take(&h, r->detail);
    (void)crypto_generichash_final(&h, bytes, HASH_BYTES);
    (void)sodium_bin2hex(ret, HEX_BYTES, bytes, HASH_BYTES);
}

static int read_tail(struct db_tx *tx, int64_t *ret_id, char ret[HEX_BYTES],
                     struct err *e)
{
    struct db_rows *rows;
    *ret_id = 0;
    ret[0] = '\0';
    int r = db_query(tx, &rows, e,
                     "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1", "");
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0) {
        *ret_id = db_int(rows, 0);
        (void)snprintf(ret, HEX_BYTES, STR_FMT, STR_ARG(db_text(rows, 1)));
    }
    db_rows_free(rows);
    return r < 0 ? r : OTK_OK;
}

int audit_add(struct db_tx *tx, struct actor by, const char *action,
              const char *object, struct str detail, int64_t now_ms,
              struct err *e)
{
    char before[HEX_BYTES];
    char hash[HEX_BYTES];
    char actor[ACTOR_TEXT];
    int64_t last;
    int r = read_tail(tx, &last, before, e);
    if (r)
        return r;
    actor_print(by, actor);
    struct audit_row row = {
        .id = last + 1,
        .at = now_ms,
        .actor = str_from(actor),
        .action = str_from(action),
        .object = str_from(object),
        .detail = detail.n ? detail : STR("{}"),
    };
    hash_row(str_from(before), &row, hash);
    return db_exec(tx, e,
                   "INSERT INTO audit (id, at, actor, action, object, "
                   "detail_json, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                   "iisssst", row.id, row.at, row.actor, row.action, row.object,
                   row.detail, hash);
}

static struct audit_row row_of(struct db_rows *r)
{
    return (struct audit_row){
        .id = db_int(r, 0),
        .at = db_int(r, 1),
        .actor = db_text(r, 2),
        .action = db_text(r, 3),
        .object = db_text(r, 4),
        .detail = db_text(r, 5),
    };
}

int audit_verify(struct db_tx *tx, int64_t *ret_rows, struct err *e)
{
    struct db_rows *rows;
    char before[HEX_BYTES] = "";
    int64_t n = 0;
    int r = db_query(tx, &rows, e,
                     "SELECT id, at, actor, action, object, detail_json, hash "
                     "FROM audit ORDER BY id",
                     "");
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        char hash[HEX_BYTES];
        struct audit_row row = row_of(rows);
        hash_row(str_from(before), &row, hash);
        if (row.id != ++n || !str_is(db_text(rows, 6), hash)) {
            r = err_set(e, OTK_EIO, "the audit chain is broken at row %lld",
                        (long long)n);
            break;
        }
        memcpy(before, hash, sizeof(before));
    }
    db_rows_free(rows);
    *ret_rows = n;
    return r;
}

int audit_list(struct db_tx *tx, const char *object, size_t limit,
               struct arena *a, struct audit_row **ret, size_t *ret_n,
               struct err *e)
{
    struct db_rows *rows;
    *ret_n = 0;
    *ret = ARENA_ARRAY(a, struct audit_row, limit + 1);
    int r = db_query(tx, &rows, e,
                     "SELECT id, at, actor, action, object, detail_json FROM "
                     "audit WHERE object = ?1 ORDER BY id LIMIT ?2",
                     "ti", object, (int64_t)limit);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        struct audit_row row = row_of(rows);
        row.actor = arena_str(a, row.actor);
        row.action = arena_str(a, row.action);
        row.object = arena_str(a, row.object);
        row.detail = arena_str(a, row.detail);
        (*ret)[(*ret_n)++] = row;
    }
    db_rows_free(rows);
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/attachment.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/utf8.h"
#include "db/db.h"
#include "desk/ticket.h"

/* Not Cc of Unicode; not the quote, which would end the name in a header; not
 * what turns the direction of writing: "gpj.exe" must not read as "exe.jpg". */
static bool is_shown(uint32_t cp)
{
    enum { SPACE = 0x20, DEL = 0x7f, C1_LAST = 0x9f };
    bool turns = cp == 0x061c || cp == 0x200e || cp == 0x200f ||
                 (cp >= 0x202a && cp <= 0x202e) ||
                 (cp >= 0x2066 && cp <= 0x2069);
    return cp >= SPACE && (cp < DEL || cp > C1_LAST) && cp != '"' && !turns;
}

struct str attachment_name(struct arena *a, struct str said)
{
    size_t from = said.n;
    while (from > 0 && said.p[from - 1] != '/' && said.p[from - 1] != '\\')
        from--;
    said = str_sub(said, from, said.n);
    if (utf8_check(said) != said.n)
        return STR("file");
    struct str rest = utf8_cut(said, ATTACHMENT_NAME_MAX);
    char *out = arena_copy(a, rest);
    size_t n = 0;
    while (rest.n) {
        uint32_t cp;
        size_t took = utf8_decode(rest, &cp);
        if (is_shown(cp)) {
            memcpy(out + n, rest.p, took);
            n += took;
        }
        rest = str_sub(rest, took, rest.n);
    }
    struct str name = str_trim((struct str){out, n});
    bool dots = str_is(name, ".") || str_is(name, "..");
    return name.n == 0 || dots ? STR("file") : name;
}

/* A token of RFC 9110; enough for both halves of a type. */
static size_t token(struct str s)
{
    size_t i = 0;
    while (i < s.n && s.p[i] > ' ' && s.p[i] < 0x7f &&
           !strchr("()<>@,;:\\\"/[]?=", s.p[i]))
        i++;
    return i;
}

struct str attachment_type(struct str said)
{
    said = str_trim(str_sub(said, 0, str_find(said, ';')));
    size_t slash = str_find(said, '/');
    bool whole = slash > 0 && slash + 1 < said.n && token(said) == slash &&
                 token(str_sub(said, slash + 1, said.n)) == said.n - slash - 1;
    if (!whole || said.n > ATTACHMENT_TYPE_MAX)
        return STR("application/octet-stream");
    return said;
}

static int check_place(struct db_tx *tx, const struct attachment *x,
                       struct err *e)
{
    int64_t n = 0;
    int r = db_int_of(tx, &n, e,
                      "SELECT COUNT(*) FROM attachments WHERE ticket_id = ?1",
                      "i", x->ticket_id);
    if (!r && n >= ATTACHMENTS_MAX)
        return err_set(e, OTK_ELIMIT, "the ticket has %d files already",
                       ATTACHMENTS_MAX);
    if (r || !x->message_id)
        return r;
    r = db_int_of(tx, &n, e,
                  "SELECT id FROM messages WHERE id = ?1 AND ticket_id = ?2",
                  "ii", x->message_id, x->ticket_id);
    return r == OTK_ENOENT ? err_field(e, OTK_ENOENT, "message",
                                       "the ticket has no such message")
                           : r;
}

static int note(struct db_tx *tx, int64_t ticket, const char *action,
                struct actor by, int64_t id, int64_t now_ms, struct err *e)
{
    char detail[64];
    (void)snprintf(detail, sizeof(detail), "{\"attachment\":%lld}",
                   (long long)id);
    return ticket_note(tx, ticket, action, by, str_from(detail), now_ms, e);
}

int attachment_add(struct db_tx *tx, const struct attachment *x,
                   struct actor by, int64_t now_ms, int64_t *ret_id,
                   struct err *e)
{
    int64_t who = actor_person(by);
    int r = check_place(tx, x, e);
    if (r)
        return r;
    r = db_insert(tx, ret_id, e,
                  "INSERT INTO attachments (ticket_id, message_id, hash, name, "
                  "media_type, size, uploaded_by, created_at) VALUES (?1, ?2, "
                  "?3, ?4, ?5, ?6, ?7, ?8)",
                  "iIsssiIi", x->ticket_id,
                  x->message_id ? &x->message_id : NULL, x->hash, x->name,
                  x->media_type, (int64_t)x->size, who ? &who : NULL, now_ms);
    if (r == OTK_ECONFLICT)
        return err_set(e, OTK_ENOENT, "no ticket %lld",
                       (long long)x->ticket_id);
    return r ? r
             : note(tx, x->ticket_id, "ticket.attach", by, *ret_id, now_ms, e);
}

#define COLUMNS                                                                \
    "id, COALESCE(ticket_id, 0), COALESCE(message_id, 0), created_at, size, "  \
    "hash, name, media_type"

static struct attachment row_of(struct db_rows *r, struct arena *a)
{
    return (struct attachment){
        .id = db_int(r, 0),
        .ticket_id = db_int(r, 1),
        .message_id = db_int(r, 2),
        .created_at = db_int(r, 3),
        .size = (uint64_t)db_int(r, 4),
        .hash = arena_str(a, db_text(r, 5)),
        .name = arena_str(a, db_text(r, 6)),
        .media_type = arena_str(a, db_text(r, 7)),
    };
}

int attachment_get(struct db_tx *tx, int64_t id, struct arena *a,
                   struct attachment *ret, struct err *e)
{
    struct db_rows *rows;
    int r =
        db_query(tx, &rows, e,
                 "SELECT " COLUMNS " FROM attachments WHERE id = ?1", "i", id);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0)
        *ret = row_of(rows, a);
    db_rows_free(rows);
    if (r == 0)
        return err_set(e, OTK_ENOENT, "no attachment %lld", (long long)id);
    return r > 0 ? OTK_OK : r;
}

int attachment_list(struct db_tx *tx, int64_t ticket_id, struct arena *a,
                    struct attachment **ret, size_t *ret_n, struct err *e)
{
    struct db_rows *rows;
    *ret_n = 0;
    *ret = ARENA_ARRAY(a, struct attachment, ATTACHMENTS_MAX + 1);
    int r = db_query(tx, &rows, e,
                     "SELECT " COLUMNS " FROM attachments WHERE ticket_id = "
                     "?1 ORDER BY id LIMIT ?2",
                     "ii", ticket_id, (int64_t)ATTACHMENTS_MAX);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        (*ret)[(*ret_n)++] = row_of(rows, a);
    db_rows_free(rows);
    return r;
}

int attachment_drop(struct db_tx *tx, int64_t id, struct actor by,
                    int64_t now_ms, struct err *e)
{
    int64_t ticket = 0;
    int r = db_int_of(tx, &ticket, e,
                      "DELETE FROM attachments WHERE id = ?1 RETURNING "
                      "COALESCE(ticket_id, 0)",
                      "i", id);
    if (r == OTK_ENOENT)
        return err_set(e, r, "no attachment %lld", (long long)id);
    return r ? r : note(tx, ticket, "ticket.detach", by, id, now_ms, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/unanswered.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/utf8.h"
#include "db/db.h"
#include "text/unicode.h"

enum { TEXT_KEPT = 2000 };

int unanswered_add(struct db_tx *tx, struct str text, const char *language,
                   struct str topic, int64_t now_ms, struct err *e)
{
    struct arena *a = arena_new();
    struct str kept = utf8_cut(text, TEXT_KEPT);
    int r = db_exec(
        tx, e,
        "INSERT INTO unanswered (fingerprint, text, language, topic, first_at, "
        "last_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (fingerprint) DO "
        "UPDATE SET times = unanswered.times + 1, last_at = "
        "excluded.last_at",
        "sstsi", text_fingerprint(a, kept), kept, language, topic, now_ms);
    arena_free(a);
    return r;
}

int unanswered_drop(struct db_tx *tx, struct str text, struct err *e)
{
    struct arena *a = arena_new();
    int r = db_exec(tx, e, "DELETE FROM unanswered WHERE fingerprint = ?1", "s",
                    text_fingerprint(a, utf8_cut(text, TEXT_KEPT)));
    arena_free(a);
    return r;
}

int unanswered_list(struct db_tx *tx, size_t limit, struct arena *a,
                    struct unanswered **ret, size_t *ret_n, struct err *e)
{
    struct db_rows *rows;
    *ret_n = 0;
    *ret = ARENA_ARRAY(a, struct unanswered, limit + 1);
    int r = db_query(tx, &rows, e,
                     "SELECT id, text, language, topic, times, first_at, "
                     "last_at FROM unanswered WHERE state = 'open' ORDER BY "
                     "times DESC, last_at DESC, id LIMIT ?1",
                     "i", (int64_t)limit);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        (*ret)[(*ret_n)++] = (struct unanswered){
            .id = db_int(rows, 0),
            .text = arena_str(a, db_text(rows, 1)),
            .language = arena_str(a, db_text(rows, 2)),
            .topic = arena_str(a, db_text(rows, 3)),
            .times = db_int(rows, 4),
            .first_at = db_int(rows, 5),
            .last_at = db_int(rows, 6),
        };
    db_rows_free(rows);
    return r;
}

int unanswered_close(struct db_tx *tx, int64_t id, int64_t article_id,
                     struct err *e)
{
    int64_t n;
    int r = db_change(tx, &n, e,
                      "UPDATE unanswered SET state = ?2, article_id = ?3 WHERE "
                      "id = ?1 AND state = 'open'",
                      "itI", id, article_id ? "answered" : "dismissed",
                      article_id ? &article_id : NULL);
    if (!r && n == 0)
        return err_set(e, OTK_ENOENT, "no open question has this number");
    return r;
}

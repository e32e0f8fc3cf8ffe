/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/articles.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "text/unicode.h"

int article_check(const struct knowledge_article *a, struct err *e)
{
    const struct {
        struct str text;
        const char *name;
        size_t min, max;
    } fields[] = {
        {a->key, "key", 1, ARTICLE_KEY_MAX},
        {a->title, "title", 1, ARTICLE_TITLE_MAX},
        {a->questions, "questions", 0, ARTICLE_QUESTIONS_MAX},
        {a->answer, "answer", 1, ARTICLE_ANSWER_MAX},
        {a->topic, "topic", 0, ARTICLE_KEY_MAX},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        int r = text_check(fields[i].text, fields[i].name, fields[i].min,
                           fields[i].max, e);
        if (r)
            return r;
    }
    if (a->language.n && !str_is(a->language, "ru") &&
        !str_is(a->language, "en"))
        return err_field(e, OTK_EFORMAT, "language",
                         "'" STR_FMT "' is neither ru nor en",
                         STR_ARG(a->language));
    return OTK_OK;
}

static const char *audience_name(enum knowledge_audience a)
{
    return a == AUDIENCE_STAFF ? "staff" : "public";
}

static int bump(struct db_tx *tx, struct err *e)
{
    return db_exec(tx, e,
                   "INSERT INTO settings (key, value) VALUES "
                   "('knowledge.generation', '1') ON CONFLICT (key) DO UPDATE "
                   "SET value = CAST(CAST(settings.value AS BIGINT) + 1 AS "
                   "TEXT)",
                   "");
}

int articles_generation(struct db_tx *tx, int64_t *ret, struct err *e)
{
    *ret = 0;
    int r = db_int_of(tx, ret, e,
                      "SELECT CAST(value AS BIGINT) FROM settings WHERE key = "
                      "'knowledge.generation'",
                      "");
    return r == OTK_ENOENT ? OTK_OK : r;
}

static struct knowledge_article row_article(struct db_rows *r, struct arena *a)
{
    return (struct knowledge_article){
        .id = db_int(r, 0),
        .key = arena_str(a, db_text(r, 1)),
        .language = arena_str(a, db_text(r, 2)),
        .topic = arena_str(a, db_text(r, 3)),
        .audience =
            str_is(db_text(r, 4), "staff") ? AUDIENCE_STAFF : AUDIENCE_PUBLIC,
        .title = arena_str(a, db_text(r, 5)),
        .questions = arena_str(a, db_text(r, 6)),
        .answer = arena_str(a, db_text(r, 7)),
        .version = db_int(r, 8),
    };
}

#define ARTICLE_COLUMNS                                                        \
    "id, key, language, topic, audience, title, questions, answer, version"

static int find_by_key(struct db_tx *tx, struct str key, struct arena *a,
                       struct knowledge_article *ret, struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT " ARTICLE_COLUMNS " FROM articles WHERE key = ?1",
                     "s", key);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0)
        *ret = row_article(rows, a);
    db_rows_free(rows);
    return r > 0 ? OTK_OK : r < 0 ? r : OTK_ENOENT;
}

static bool same(const struct knowledge_article *a,
                 const struct knowledge_article *b)
{
    return str_eq(a->language, b->language) && str_eq(a->topic, b->topic) &&
           a->audience == b->audience && str_eq(a->title, b->title) &&
           str_eq(a->questions, b->questions) && str_eq(a->answer, b->answer);
}

int article_compare(struct db_tx *tx, const struct knowledge_article *a,
                    enum article_change *ret, struct err *e)
{
    struct arena *arena = arena_new();
    struct knowledge_article old = {0};
    int r = find_by_key(tx, a->key, arena, &old, e);
    *ret = r == OTK_ENOENT ? ARTICLE_NEW
           : same(a, &old) ? ARTICLE_SAME
                           : ARTICLE_CHANGED;
    arena_free(arena);
    return r == OTK_ENOENT ? OTK_OK : r;
}

static int keep_version(struct db_tx *tx, int64_t id, int64_t by,
                        int64_t now_ms, struct err *e)
{
    int64_t person = by;
    return db_exec(tx, e,
                   "INSERT INTO article_versions (article_id, version, state, "
                   "title, questions, answer, changed_by, created_at) SELECT "
                   "id, version, state, title, questions, answer, ?2, ?3 FROM "
                   "articles WHERE id = ?1 ON CONFLICT DO NOTHING",
                   "iIi", id, by ? &person : NULL, now_ms);
}

int article_put(struct db_tx *tx, const struct knowledge_article *a, int64_t by,
                int64_t now_ms, enum article_change *ret, int64_t *ret_id,
                struct err *e)
{
    struct arena *arena = arena_new();
    struct knowledge_article old = {0};
    int r = find_by_key(tx, a->key, arena, &old, e);
    int64_t id = old.id;
    if (r == OTK_ENOENT) {
        *ret = ARTICLE_NEW;
        r = db_insert(tx, &id, e,
                      "INSERT INTO articles (key, language, topic, audience, "
                      "title, questions, answer, created_at, updated_at) "
                      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
                      "ssstsssi", a->key, a->language, a->topic,
                      audience_name(a->audience), a->title, a->questions,
                      a->answer, now_ms);
    } else if (!r && same(a, &old)) {
        *ret = ARTICLE_SAME;
    } else if (!r) {
        *ret = ARTICLE_CHANGED;
        r = keep_version(tx, id, by, now_ms, e);
        if (!r)
            r = db_exec(tx, e,
                        "UPDATE articles SET language = ?2, topic = ?3, "
                        "audience = ?4, title = ?5, questions = ?6, answer = "
                        "?7, version = version + 1, updated_at = ?8 WHERE id "
                        "= ?1",
                        "isstsssi", id, a->language, a->topic,
                        audience_name(a->audience), a->title, a->questions,
                        a->answer, now_ms);
    }
    if (!r && *ret != ARTICLE_SAME)
        r = bump(tx, e);
    if (ret_id)
        *ret_id = id;
    arena_free(arena);
    return r;
}

int article_set_state(struct db_tx *tx, int64_t id, const char *state,
                      int64_t now_ms, struct err *e)
{
    int64_t n;
    int r = db_change(tx, &n, e,
                      "UPDATE articles SET state = ?2, updated_at = ?3 WHERE "
                      "id = ?1",
                      "iti", id, state, now_ms);
    if (!r && n == 0)
        return err_set(e, OTK_ENOENT, "no such article");
    return r ? r : bump(tx, e);
}

int article_get(struct db_tx *tx, int64_t id, struct arena *a,
                struct knowledge_article *ret, struct str *ret_state,
                struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT " ARTICLE_COLUMNS
                     ", state FROM articles WHERE id = ?1",
                     "i", id);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0) {
        *ret = row_article(rows, a);
        *ret_state = arena_str(a, db_text(rows, 9));
    }
    db_rows_free(rows);
    if (r == 0)
        return err_set(e, OTK_ENOENT, "no such article");
    return r > 0 ? OTK_OK : r;
}

int article_list(struct db_tx *tx, int64_t after, size_t limit, bool all,
                 struct arena *a, struct knowledge_article **ret, size_t *ret_n,
                 struct err *e)
{
    struct db_rows *rows;
    *ret_n = 0;
    *ret = NULL;
    int r = db_query(tx, &rows, e,
                     "SELECT " ARTICLE_COLUMNS " FROM articles WHERE id > ?1 "
                     "AND (state = 'published' OR ?2 = 1) ORDER BY id LIMIT ?3",
                     "iii", after, (int64_t)all, (int64_t)limit);
    if (r)
        return r;
    size_t cap = 0;
    struct knowledge_article *list = NULL;
    while ((r = db_next(rows, e)) > 0) {
        list = mem_grow(list, *ret_n, &cap, sizeof(*list));
        list[(*ret_n)++] = row_article(rows, a);
    }
    db_rows_free(rows);
    *ret = arena_keep(a, list, *ret_n, sizeof(*list));
    return r;
}

int articles_published(struct db_tx *tx, struct arena *a,
                       struct knowledge_article **ret, size_t *ret_n,
                       int64_t *ret_generation, struct err *e)
{
    int r = articles_generation(tx, ret_generation, e);
    return r ? r : article_list(tx, 0, INT32_MAX, false, a, ret, ret_n, e);
}

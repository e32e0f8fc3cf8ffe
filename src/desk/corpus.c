/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/corpus.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "text/language.h"
#include "text/unicode.h"

static const char *const sources[] = {"starter", "import", "correction"};

static enum corpus_source source_of(struct str name)
{
    if (str_is(name, "correction"))
        return CORPUS_CORRECTION;
    return str_is(name, "import") ? CORPUS_IMPORT : CORPUS_STARTER;
}

struct known {
    int64_t id;
    struct str topic, priority, answer;
    enum corpus_source source;
};

/* *ret has id 0 when nothing says the same. */
static int find(struct db_tx *tx, struct str fingerprint, struct arena *a,
                struct known *ret, struct err *e)
{
    struct db_rows *rows;
    *ret = (struct known){0};
    int r = db_query(tx, &rows, e,
                     "SELECT id, topic, priority, source, answer FROM examples "
                     "WHERE fingerprint = ?1",
                     "s", fingerprint);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0)
        *ret = (struct known){
            .id = db_int(rows, 0),
            .topic = arena_str(a, db_text(rows, 1)),
            .priority = arena_str(a, db_text(rows, 2)),
            .source = source_of(db_text(rows, 3)),
            .answer = arena_str(a, db_text(rows, 4)),
        };
    db_rows_free(rows);
    return r < 0 ? r : OTK_OK;
}

static int insert(struct db_tx *tx, const struct lesson *l,
                  struct str fingerprint, int64_t now_ms, struct err *e)
{
    struct language_guess g = language_detect(l->text);
    return db_exec(tx, e,
                   "INSERT INTO examples (text, fingerprint, language, topic, "
                   "priority, source, ticket_id, created_at, answer) VALUES "
                   "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                   "sstsstIis", l->text, fingerprint, language_code(g.language),
                   l->topic, l->priority, sources[l->source],
                   db_or_null(&l->ticket_id), now_ms, l->answer);
}

static int update(struct db_tx *tx, const struct lesson *l,
                  const struct known *k, enum corpus_put *ret, struct err *e)
{
    struct str topic = l->topic.n ? l->topic : k->topic;
    struct str priority = l->priority.n ? l->priority : k->priority;
    struct str answer = l->answer.n ? l->answer : k->answer;
    bool same = str_eq(topic, k->topic) && str_eq(priority, k->priority) &&
                str_eq(answer, k->answer);
    bool said = l->topic.n || l->priority.n;
    *ret = same || l->source < k->source ? CORPUS_SAME : CORPUS_CHANGED;
    /* the same labels from a better source: none of less rank changes them */
    if (*ret == CORPUS_SAME && !(said && l->source > k->source))
        return OTK_OK;
    return db_exec(tx, e,
                   "UPDATE examples SET topic = ?2, priority = ?3, source = "
                   "?4, ticket_id = COALESCE(?5, ticket_id), answer = ?6 "
                   "WHERE id = ?1",
                   "isstIs", k->id, topic, priority, sources[l->source],
                   db_or_null(&l->ticket_id), answer);
}

int corpus_put(struct db_tx *tx, const struct lesson *l, int64_t now_ms,
               enum corpus_put *ret, struct err *e)
{
    struct arena *a = arena_new();
    struct known k;
    struct str fingerprint = text_fingerprint(a, l->text);
    int r = find(tx, fingerprint, a, &k, e);
    if (!r && k.id) {
        r = update(tx, l, &k, ret, e);
    } else if (!r) {
        *ret = CORPUS_NEW;
        r = insert(tx, l, fingerprint, now_ms, e);
    }
    arena_free(a);
    return r;
}

int corpus_read(struct db_tx *tx, struct arena *a, struct lesson **ret,
                size_t *ret_n, struct err *e)
{
    struct db_rows *rows;
    struct lesson *list = NULL;
    size_t cap = 0;
    *ret_n = 0;
    int r = db_query(tx, &rows, e,
                     "SELECT text, topic, priority, source, "
                     "COALESCE(ticket_id, 0), CASE WHEN answer <> '' THEN "
                     "answer ELSE COALESCE((SELECT m.body FROM messages m "
                     "WHERE m.ticket_id = examples.ticket_id AND m.kind = "
                     "'reply' ORDER BY m.id LIMIT 1), '') END FROM examples "
                     "ORDER BY id",
                     "");
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        list = mem_grow(list, *ret_n, &cap, sizeof(*list));
        list[(*ret_n)++] = (struct lesson){
            .text = arena_str(a, db_text(rows, 0)),
            .topic = arena_str(a, db_text(rows, 1)),
            .priority = arena_str(a, db_text(rows, 2)),
            .source = source_of(db_text(rows, 3)),
            .ticket_id = db_int(rows, 4),
            .answer = arena_str(a, db_text(rows, 5)),
        };
    }
    db_rows_free(rows);
    *ret = arena_keep(a, list, *ret_n, sizeof(*list));
    return r;
}

int corpus_count(struct db_tx *tx, int64_t ret[3], struct err *e)
{
    int r = OTK_OK;
    for (int i = 0; !r && i < 3; i++)
        r = db_int_of(tx, &ret[i], e,
                      "SELECT COUNT(*) FROM examples WHERE source = ?1", "t",
                      sources[i]);
    return r;
}

/* ---- corrections
 * ------------------------------------------------------------------ */

/* The first thing the person said, with the labels of today. */
static int read_lesson(struct db_tx *tx, int64_t ticket, struct arena *a,
                       struct lesson *ret, struct err *e)
{
    struct db_rows *rows;
    int r = db_query(
        tx, &rows, e,
        "SELECT m.body, COALESCE(o.key, ''), COALESCE(p.key, '') FROM tickets "
        "t JOIN messages m ON m.ticket_id = t.id LEFT JOIN topics o ON o.id = "
        "t.topic_id LEFT JOIN priorities p ON p.id = t.priority_id WHERE t.id "
        "= ?1 AND m.kind = 'request' ORDER BY m.id LIMIT 1",
        "i", ticket);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0)
        *ret = (struct lesson){
            .text = arena_str(a, db_text(rows, 0)),
            .topic = arena_str(a, db_text(rows, 1)),
            .priority = arena_str(a, db_text(rows, 2)),
            .source = CORPUS_CORRECTION,
            .ticket_id = ticket,
        };
    db_rows_free(rows);
    return r < 0 ? r : OTK_OK;
}

int correction_put(struct db_tx *tx, int64_t ticket_id, const char *task,
                   struct str label, struct actor by, int64_t now_ms,
                   struct err *e)
{
    struct lesson l = {0};
    enum corpus_put done;
    int64_t who = actor_person(by);
    int64_t wrong = 0;
    struct arena *a = arena_new();
    int r =
        db_change(tx, &wrong, e,
                  "UPDATE predictions SET correction = ?3, corrected_by = "
                  "?4, corrected_at = ?5 WHERE ticket_id = ?1 AND task = "
                  "?2 AND (label <> ?3 OR correction IS NOT NULL)",
                  "itsIi", ticket_id, task, label, db_or_null(&who), now_ms);
    if (!r && wrong)
        r = read_lesson(tx, ticket_id, a, &l, e);
    if (!r && l.text.n)
        r = corpus_put(tx, &l, now_ms, &done, e);
    arena_free(a);
    return r;
}

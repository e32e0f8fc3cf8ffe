/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/similar.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"
#include "desk/desk.h"
#include "knowledge/knowledge.h"
#include "text/stem.h"

enum {
    TERMS_MAX = 48,  /* words of a request that are looked for */
    FOUND_MAX = 200, /* of the newest messages with such a word */
    BY_WORDS = 40,   /* candidates that share the most */
    BY_TOPIC = 20,   /* … and that are open and of the topic */
    NEAR_MAX = 24,   /* of which the model is asked */
    STEMS_MAX = 1 << 12,
};

/* What less alike tickets have in common is that they are requests. */
static const double LEAST = 0.4;

struct term {
    struct str stem;
    size_t found; /* messages with it; FOUND_MAX: or more */
    double weight;
};

struct candidate {
    int64_t message_id;
    double shared; /* weight of the words that brought it here */
    struct similar x;
    struct str body;
};

struct search {
    struct arena *arena;
    int64_t id, topic_id;
    struct str body;
    struct str language;
    struct stemmer *stemmer;
    struct term terms[TERMS_MAX];
    size_t n_terms;
    double unknown; /* weight of a word that the request does not have */
    struct candidate list[BY_WORDS + BY_TOPIC];
    size_t n;
};

/* ---- words
 * -------------------------------------------------------------------------- */

static int by_stem(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Longer words are rarer, as a rule. */
static int by_length(const void *a, const void *b)
{
    const struct str *x = a;
    const struct str *y = b;
    int r = (x->n < y->n) - (x->n > y->n);
    return r ? r : str_cmp(*x, *y);
}

/* The different stems of a text that say something, in their order. */
static size_t stems_in(struct search *s, struct str text, struct str **ret)
{
    struct str all = stems_of(s->arena, s->stemmer, text);
    /* a stem and the space behind it are two bytes and more */
    size_t most = all.n / 2 + 1 < STEMS_MAX ? all.n / 2 + 1 : STEMS_MAX;
    struct str *list = ARENA_ARRAY(s->arena, struct str, most);
    struct str one;
    size_t n = 0;
    while (n < most && str_next(&all, ' ', &one)) {
        if (one.n > 0 && !stem_is_stopword(one))
            list[n++] = one;
    }
    qsort(list, n, sizeof(*list), by_stem);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || !str_eq(list[kept - 1], list[i]))
            list[kept++] = list[i];
    }
    *ret = list;
    return kept;
}

/* Shared weight of all weight: 2·|A∩B| / (|A| + |B|). */
static double likeness_of(struct search *s, struct str body)
{
    struct str *stems;
    size_t n = stems_in(s, body, &stems);
    double own = 0;
    double shared = 0;
    size_t n_shared = 0;
    for (size_t i = 0; i < s->n_terms; i++) {
        own += s->terms[i].weight;
        if (bsearch(&s->terms[i].stem, stems, n, sizeof(*stems), by_stem)) {
            shared += s->terms[i].weight;
            n_shared++;
        }
    }
    double others = s->unknown * (double)(n - n_shared);
    return shared > 0 ? 2 * shared / (own + shared + others) : 0;
}

/* ---- candidates, in one reading
 * ----------------------------------------------------- */

struct hit {
    int64_t message_id;
    double weight;
};

static int by_message(const void *a, const void *b)
{
    const struct hit *x = a;
    const struct hit *y = b;
    return (x->message_id > y->message_id) - (x->message_id < y->message_id);
}

static int by_weight(const void *a, const void *b)
{
    const struct hit *x = a;
    const struct hit *y = b;
    int r = (x->weight < y->weight) - (x->weight > y->weight);
    return r ? r : by_message(b, a); /* of two alike the newer one */
}

/* The messages that share most of the terms, heaviest first; how many. */
static int find_words(struct db_tx *tx, struct search *s, struct hit **ret,
                      size_t *ret_n, struct err *e)
{
    int64_t ids[FOUND_MAX];
    int64_t newest = 0;
    size_t n = 0;
    struct hit *hits =
        ARENA_ARRAY(s->arena, struct hit, s->n_terms * FOUND_MAX + 1);
    int r = db_int_of(tx, &newest, e,
                      "SELECT COALESCE(MAX(id), 0) FROM messages", "");
    for (size_t i = 0; !r && i < s->n_terms; i++) {
        struct term *t = &s->terms[i];
        const struct db_text_query q = {
            .all = &t->stem, .n_all = 1, .limit = FOUND_MAX};
        r = db_text_find(tx, "messages_text", &q, ids, &t->found, e);
        t->weight = log(1 + (double)newest / (double)(t->found + 1));
        s->unknown += t->weight / (double)s->n_terms;
        for (size_t k = 0; !r && k < t->found; k++)
            hits[n++] = (struct hit){ids[k], t->weight};
    }
    qsort(hits, n, sizeof(*hits), by_message);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept && hits[kept - 1].message_id == hits[i].message_id)
            hits[kept - 1].weight += hits[i].weight;
        else
            hits[kept++] = hits[i];
    }
    qsort(hits, kept, sizeof(*hits), by_weight);
    *ret = hits;
    *ret_n = kept;
    return r;
}

#define CANDIDATE                                                              \
    "SELECT t.id, t.subject, t.state, t.created_at, m.body FROM messages m "   \
    "JOIN tickets t ON t.id = m.ticket_id WHERE m.kind = 'request' AND "       \
    "t.merged_into IS NULL AND t.id <> ?1 AND "

/* Adds what a query gives, but no ticket twice. */
static int add_rows(struct db_rows *rows, struct search *s, size_t max,
                    struct err *e)
{
    int r;
    while ((r = db_next(rows, e)) > 0 && s->n < max) {
        int64_t id = db_int(rows, 0);
        bool again = false;
        for (size_t i = 0; i < s->n; i++)
            again |= s->list[i].x.ticket_id == id;
        if (again)
            continue;
        s->list[s->n++] = (struct candidate){
            .x = {.ticket_id = id,
                  .subject = arena_str(s->arena, db_text(rows, 1)),
                  .state = arena_str(s->arena, db_text(rows, 2)),
                  .created_at = db_int(rows, 3)},
            .body = arena_str(s->arena, db_text(rows, 4)),
        };
    }
    db_rows_free(rows);
    return r < 0 ? r : OTK_OK;
}

static int add_by_words(struct db_tx *tx, struct search *s, struct err *e)
{
    struct hit *hits;
    size_t n;
    int r = find_words(tx, s, &hits, &n, e);
    for (size_t i = 0; !r && i < n && s->n < BY_WORDS; i++) {
        struct db_rows *rows;
        r = db_query(tx, &rows, e, CANDIDATE "m.id = ?2", "ii", s->id,
                     hits[i].message_id);
        if (!r)
            r = add_rows(rows, s, BY_WORDS, e);
    }
    return r;
}

/* A model may see in other words what is the same. */
static int add_by_topic(struct db_tx *tx, struct search *s, struct err *e)
{
    struct db_rows *rows;
    if (!s->topic_id)
        return OTK_OK;
    int r = db_query(
        tx, &rows, e,
        CANDIDATE "t.topic_id = ?2 AND t.state IN ('new', 'open', 'pending') "
                  "AND m.id = (SELECT MIN(id) FROM messages WHERE ticket_id "
                  "= t.id AND kind = 'request') ORDER BY t.id DESC LIMIT ?3",
        "iii", s->id, s->topic_id, (int64_t)BY_TOPIC);
    return r ? r : add_rows(rows, s, s->n + BY_TOPIC, e);
}

static int read_own(struct db_tx *tx, struct search *s, struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT COALESCE(t.topic_id, 0), t.language, "
                     "COALESCE((SELECT body FROM messages WHERE ticket_id = "
                     "t.id AND kind = 'request' ORDER BY id LIMIT 1), "
                     "t.subject) FROM tickets t WHERE t.id = ?1",
                     "i", s->id);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0) {
        s->topic_id = db_int(rows, 0);
        s->language = arena_str(s->arena, db_text(rows, 1));
        s->body = arena_str(s->arena, db_text(rows, 2));
    }
    db_rows_free(rows);
    if (r == 0)
        return err_set(e, OTK_ENOENT, "no ticket %lld", (long long)s->id);
    return r < 0 ? r : OTK_OK;
}

static int read_candidates(struct db_tx *tx, void *arg, struct err *e)
{
    struct search *s = arg;
    struct str *stems;
    int r = read_own(tx, s, e);
    if (r)
        return r;
    size_t n = stems_in(s, s->body, &stems);
    if (n > TERMS_MAX)
        qsort(stems, n, sizeof(*stems), by_length);
    for (s->n_terms = 0; s->n_terms < n && s->n_terms < TERMS_MAX; s->n_terms++)
        s->terms[s->n_terms] = (struct term){.stem = stems[s->n_terms]};
    s->n = 0;
    s->unknown = 0;
    r = add_by_words(tx, s, e);
    return r ? r : add_by_topic(tx, s, e);
}

/* ---- how alike
 * ---------------------------------------------------------------------- */

static int by_likeness(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    int r = (x->x.likeness < y->x.likeness) - (x->x.likeness > y->x.likeness);
    return r ? r
             : (x->x.ticket_id < y->x.ticket_id) -
                   (x->x.ticket_id > y->x.ticket_id);
}

/* Vectors have the weight that they have in search. */
static void ask_model(struct search *s, struct desk *d, struct desk_worker *w)
{
    struct knowledge_index *x = desk_knowledge(d);
    double weight = x ? knowledge_index_weight(x, s->language) : 0;
    size_t n = s->n < NEAR_MAX ? s->n : NEAR_MAX;
    struct str *texts = ARENA_ARRAY(s->arena, struct str, n + 1);
    float *near = ARENA_ARRAY(s->arena, float, n + 1);
    for (size_t i = 0; i < n; i++)
        texts[i] = s->list[i].body;
    if (weight > 0 &&
        knowledge_near(x, w->knowledge, s->body, texts, n, near)) {
        for (size_t i = 0; i < s->n; i++) {
            double *own = &s->list[i].x.likeness;
            *own = (1 - weight) * *own +
                   weight * (i < n ? fmax((double)near[i], 0) : 0);
        }
    }
    knowledge_index_unref(x);
}

int similar_find(struct desk *d, struct desk_worker *w, int64_t ticket_id,
                 struct arena *a, struct similar *ret, size_t *ret_n,
                 struct err *e)
{
    struct search s = {.arena = a, .id = ticket_id, .stemmer = w->stemmer};
    *ret_n = 0;
    int r = db_read(desk_db(d), 0, read_candidates, &s, e);
    if (r)
        return r;
    for (size_t i = 0; i < s.n; i++)
        s.list[i].x.likeness = likeness_of(&s, s.list[i].body);
    qsort(s.list, s.n, sizeof(*s.list), by_likeness);
    ask_model(&s, d, w);
    qsort(s.list, s.n, sizeof(*s.list), by_likeness);
    for (size_t i = 0; i < s.n && *ret_n < SIMILAR_MAX; i++) {
        if (s.list[i].x.likeness >= LEAST)
            ret[(*ret_n)++] = s.list[i].x;
    }
    return OTK_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search: score every question form and every article as a whole, take each
 * article's best form, fuse.
 *
 * Scores are divided by what a unit could get at most, the sum of the query's
 * weights, so that they can be compared between queries.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "knowledge/asked.h"
#include "knowledge/dense.h"
#include "knowledge/index.h"
#include "knowledge/scratch.h"
#include "knowledge/vectors.h"
#include "model/encoder.h"
#include "text/language.h"

enum { RANKED_MAX = 64 };

/* They add up to 1. Found on a Russian FAQ of 318 articles and on the starter
 * knowledge with held-out question forms; flat around these values. */
static const float weights[LEXICAL_PARTS] = {
    [FORM_WORDS] = 0.20F,  [FORM_CHARS] = 0.13F,  [FORM_LATENT] = 0.20F,
    [WHOLE_WORDS] = 0.20F, [WHOLE_CHARS] = 0.20F, [WHOLE_LATENT] = 0.07F,
};
static const float bonus_topic = 0.03F;
static const float malus_language = 0.5F; /* factor */

/* Of what vectors count for, the rest is the whole article's. */
static const float form_share = 0.6F;
/* So near is worth showing though not a letter is shared. */
static const float near = 0.25F;

struct knowledge_scratch *knowledge_scratch_new(void)
{
    struct knowledge_scratch *s = MEM_NEW(struct knowledge_scratch);
    s->asked = asked_new();
    s->cutter = cutter_new();
    return s;
}

void knowledge_scratch_free(struct knowledge_scratch *s)
{
    if (!s)
        return;
    asked_free(s->asked);
    cutter_free(s->cutter);
    session_free(s->session);
    free(s->vector);
    free(s->units);
    free(s->articles);
    free(s);
}

static void fit(struct knowledge_scratch *s, const struct knowledge_index *x)
{
    size_t units = x->n_forms > x->n_articles ? x->n_forms : x->n_articles;
    if (units > s->n_units) {
        free(s->units);
        s->units = mem_new(units, sizeof(*s->units));
        s->n_units = units;
    }
    if (x->n_articles > s->n_articles) {
        free(s->articles);
        s->articles = mem_new(x->n_articles, sizeof(*s->articles));
        s->n_articles = x->n_articles;
    }
    if (x->n_articles)
        memset(s->articles, 0, x->n_articles * sizeof(*s->articles));
}

/* ---- the six views
 * ------------------------------------------------------------ */

static void keep_max(float *at, float x)
{
    *at = x > *at ? x : *at;
}

/* BM25 of all units into s->units, which are zeros before; returns the most
 * that one could have. */
static float score_units(struct knowledge_scratch *s, const struct postings *p,
                         enum space space, const struct asked_feature *f,
                         size_t n)
{
    float most = 0;
    for (size_t i = 0; i < n; i++) {
        if (f[i].space != space)
            continue;
        size_t term = postings_term(p, f[i].hash);
        most += f[i].weight * postings_idf(p, term);
        if (term == POSTINGS_NONE)
            continue;
        const struct posting *at;
        size_t found = postings_of(p, term, &at);
        for (size_t k = 0; k < found; k++)
            s->units[at[k].unit] += f[i].weight * at[k].weight;
    }
    return most;
}

static void match_lexically(const struct knowledge_index *x,
                            struct knowledge_scratch *s,
                            const struct asked_feature *f, size_t n)
{
    for (int i = 0; i < SPACES; i++) {
        enum part form = i == SPACE_WORDS ? FORM_WORDS : FORM_CHARS;
        enum part whole = i == SPACE_WORDS ? WHOLE_WORDS : WHOLE_CHARS;
        float most = score_units(s, x->forms[i], (enum space)i, f, n);
        for (size_t u = 0; u < x->n_forms; u++) {
            if (s->units[u] > 0)
                keep_max(&s->articles[x->form_of[u]].of[form],
                         s->units[u] / most);
            s->units[u] = 0;
        }
        most = score_units(s, x->wholes[i], (enum space)i, f, n);
        for (size_t u = 0; u < x->n_articles; u++) {
            if (s->units[u] > 0)
                s->articles[u].of[whole] = s->units[u] / most;
            s->units[u] = 0;
        }
    }
}

static void match_latently(const struct knowledge_index *x,
                           struct knowledge_scratch *s,
                           const struct asked_feature *f, size_t n)
{
    float place[LATENT_SIZE];
    size_t n_terms = 0;
    for (size_t i = 0; i < n && n_terms < TERMS_MAX; i++) {
        if (f[i].space == SPACE_CHARS)
            s->terms[n_terms++] =
                postings_term(x->wholes[SPACE_CHARS], f[i].hash);
    }
    latent_place(x->latent, s->terms, n_terms, place);
    for (size_t u = 0; u < x->n_forms; u++)
        keep_max(&s->articles[x->form_of[u]].of[FORM_LATENT],
                 latent_nearness(place, x->form_places[u]));
    for (size_t u = 0; u < x->n_articles; u++)
        keep_max(&s->articles[u].of[WHOLE_LATENT],
                 latent_nearness(place, x->whole_places[u]));
}

static void match_densely(const struct knowledge_index *x,
                          struct knowledge_scratch *s, const float *vector)
{
    dense_dots(x->dense_forms, s->session, vector, s->units);
    for (size_t u = 0; u < x->n_forms; u++)
        keep_max(&s->articles[x->form_of[u]].of[FORM_DENSE], s->units[u]);
    dense_dots(x->dense_wholes, s->session, vector, s->units);
    for (size_t u = 0; u < x->n_articles; u++)
        keep_max(&s->articles[u].of[WHOLE_DENSE], s->units[u]);
    memset(s->units, 0, s->n_units * sizeof(*s->units));
}

bool knowledge_look(const struct knowledge_index *x,
                    struct knowledge_scratch *s, struct str text,
                    const float *vector, const struct parts **ret)
{
    const struct asked_feature *f;
    fit(s, x);
    size_t n = asked_cut(s->asked, x, text, &f, &s->words);
    *ret = s->articles;
    if (n == 0)
        return false;
    match_lexically(x, s, f, n);
    match_latently(x, s, f, n);
    if (vector) {
        if (!s->session)
            s->session = session_new(1);
        match_densely(x, s, vector);
    }
    return true;
}

/* The question's vector; NULL: the model cannot say. Search goes on without. */
static const float *vector_of(const struct knowledge_index *x,
                              struct knowledge_scratch *s, struct str text)
{
    struct err e = {0};
    size_t size = vectors_size(x->vectors);
    if (!s->session)
        s->session = session_new(1);
    if (size > s->vector_size) {
        free(s->vector);
        s->vector = mem_new(size, sizeof(*s->vector));
        s->vector_size = size;
    }
    int r = vectors_ask(x->vectors, s->session, text, s->vector, &e);
    if (r)
        log_warn("knowledge", "a question without its vector: %s", e.msg);
    return r ? NULL : s->vector;
}

bool knowledge_near(const struct knowledge_index *x,
                    struct knowledge_scratch *s, struct str text,
                    const struct str *others, size_t n, float *ret)
{
    const float *v = x->vectors ? vector_of(x, s, text) : NULL;
    if (!v)
        return false;
    size_t size = vectors_size(x->vectors);
    float *own = mem_new(size, sizeof(*own)); /* the next one takes its place */
    memcpy(own, v, size * sizeof(*own));
    size_t done = 0;
    for (; done < n && (v = vector_of(x, s, others[done])); done++) {
        ret[done] = 0;
        for (size_t k = 0; k < size; k++)
            ret[done] += own[k] * v[k];
    }
    free(own);
    return done == n;
}

/* ---- ranking
 * ------------------------------------------------------------------ */

static bool may_see(const struct knowledge_article *a,
                    const struct knowledge_query *q, struct str without)
{
    struct str key;
    while (str_next(&without, ' ', &key)) {
        if (str_eq(key, a->key))
            return false;
    }
    return a->audience == AUDIENCE_PUBLIC || q->with_staff;
}

/* Zero: the article shares nothing with the question. */
static float fuse(const struct parts *p, const struct fusion *f)
{
    float total = 0;
    for (int i = 0; i < LEXICAL_PARTS; i++)
        total += weights[i] * p->of[i];
    bool shares = p->of[FORM_CHARS] + p->of[WHOLE_CHARS] > 0;
    if (!f)
        return shares ? total : 0;
    float dense =
        form_share * fusion_above(p->of[FORM_DENSE], f->floor_form) +
        (1 - form_share) * fusion_above(p->of[WHOLE_DENSE], f->floor_whole);
    return shares || dense >= near ? total + f->weight * (dense - total) : 0;
}

static float fit_to_query(float total, const struct knowledge_article *a,
                          const struct knowledge_query *q, struct str language)
{
    if (total == 0)
        return 0;
    if (a->language.n && language.n && !str_eq(a->language, language))
        total *= malus_language;
    if (q->topic.n && str_eq(a->topic, q->topic))
        total += bonus_topic;
    return total;
}

/*
 * The chance that the best hit answers: from how much of the question it
 * covers, how far it leads, and how much was asked (two words are soon
 * covered). Logistic regression over questions of a Russian FAQ, of held-out
 * question forms of the starter knowledge, and of texts off their topics
 * (docs/performance.md).
 */
static double confidence_of(double total, double lead, size_t words,
                            const struct fusion *f)
{
    enum { WORDS_ENOUGH = 12 };
    size_t n = words < WORDS_ENOUGH ? words : WORDS_ENOUGH;
    double z =
        -0.65 + 2.1 * log(total + 0.02) + 7.66 * lead + 0.61 * log1p((double)n);
    if (f)
        z = f->shift + f->slope * z;
    return 1 / (1 + exp(-z));
}

struct ranking {
    const struct knowledge_index *x;
    struct knowledge_hit hits[RANKED_MAX];
    size_t n, max;
};

static uint32_t same_of(const struct ranking *r, size_t i)
{
    return r->x->same[r->hits[i].article - r->x->articles];
}

/* Best first; of articles with the same answer the best one only. */
static void insert(struct ranking *r, size_t article, double score)
{
    size_t at = r->n;
    size_t last = r->n; /* the place that is given up */
    while (at > 0 && r->hits[at - 1].score < score)
        at--;
    for (size_t i = 0; i < r->n; i++) {
        if (same_of(r, i) != r->x->same[article])
            continue;
        if (i < at)
            return;
        last = i;
    }
    if (at == r->max)
        return;
    if (last == r->n && r->n == r->max)
        last = r->max - 1;
    r->n += last == r->n;
    for (size_t i = last; i > at; i--)
        r->hits[i] = r->hits[i - 1];
    r->hits[at] = (struct knowledge_hit){.article = &r->x->articles[article],
                                         .score = score};
}

struct str knowledge_language(const struct knowledge_query *q)
{
    if (q->language.n)
        return q->language;
    enum language l = language_detect(q->text).language;
    return l == LANGUAGE_RU || l == LANGUAGE_EN ? str_from(language_code(l))
                                                : STR("");
}

size_t knowledge_weigh(const struct knowledge_index *x,
                       struct knowledge_scratch *s,
                       const struct knowledge_query *q, const struct fusion *f,
                       struct str without, struct knowledge_hit *ret,
                       size_t max)
{
    struct ranking r = {.x = x};
    struct str language = knowledge_language(q);
    max = max > RANKED_MAX ? RANKED_MAX : max;
    r.max = max < 2 ? 2 : max; /* the lead needs a second */
    for (size_t i = 0; i < x->n_articles; i++) {
        const struct knowledge_article *a = &x->articles[i];
        float score = fit_to_query(fuse(&s->articles[i], f), a, q, language);
        if (score > 0 && may_see(a, q, without))
            insert(&r, i, score);
    }
    for (size_t i = 0; i < r.n && i < max; i++) {
        double next = r.n > 1 ? r.hits[1].score : 0;
        double lead = i == 0 ? r.hits[0].score - next : 0;
        ret[i] = r.hits[i];
        ret[i].confidence = confidence_of(ret[i].score, lead, s->words, f);
    }
    return r.n < max ? r.n : max;
}

size_t knowledge_search(const struct knowledge_index *x,
                        struct knowledge_scratch *s,
                        const struct knowledge_query *q,
                        struct knowledge_hit *ret, size_t max)
{
    return knowledge_search_without(x, s, q, STR(""), ret, max);
}

size_t knowledge_search_without(const struct knowledge_index *x,
                                struct knowledge_scratch *s,
                                const struct knowledge_query *q,
                                struct str without, struct knowledge_hit *ret,
                                size_t max)
{
    const struct parts *seen;
    const float *vector = NULL;
    const struct fusion *f =
        &x->fusion[fusion_of_language(knowledge_language(q))];
    if (f->weight > 0)
        vector = vector_of(x, s, q->text);
    if (!knowledge_look(x, s, q->text, vector, &seen))
        return 0;
    return knowledge_weigh(x, s, q, vector ? f : NULL, without, ret, max);
}

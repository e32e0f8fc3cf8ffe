/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search: score every unit that shares a feature with the query, take each
 * article's best question form and its answer, fuse words and n-grams.
 *
 * Scores are divided by what a unit could get at most, the sum of the query's
 * weights, so that they can be compared between queries.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "knowledge/index.h"
#include "text/features.h"
#include "text/language.h"
#include "text/unicode.h"

enum { QUERY_FEATURES = 2000 };

/* How much each of the four scores counts; found with tools/tune_knowledge.py
 * style sweeps over two languages, flat around these values. */
static const float weight_question_words = 0.35F;
static const float weight_question_chars = 0.45F;
static const float weight_answer_words = 0.10F;
static const float weight_answer_chars = 0.10F;
static const float bonus_topic = 0.03F;
static const float malus_language = 0.5F; /* factor */

struct fused {
    float question[2], answer[2]; /* words, chars */
    float total;
    bool touched;
};

struct knowledge_scratch {
    struct cutter *cutter;
    float *units[2]; /* scores of units: words, chars */
    size_t n_units;
    struct fused *articles;
    uint32_t *touched; /* articles with any score */
    size_t n_articles;
    uint64_t *seen; /* query features already counted */
};

struct knowledge_scratch *knowledge_scratch_new(void)
{
    struct knowledge_scratch *s = MEM_NEW(struct knowledge_scratch);
    s->cutter = cutter_new();
    s->seen = mem_new((size_t)QUERY_FEATURES * 4, sizeof(*s->seen));
    return s;
}

void knowledge_scratch_free(struct knowledge_scratch *s)
{
    if (!s)
        return;
    cutter_free(s->cutter);
    free(s->units[0]);
    free(s->units[1]);
    free(s->articles);
    free(s->touched);
    free(s->seen);
    free(s);
}

static void fit(struct knowledge_scratch *s, const struct knowledge_index *x)
{
    if (x->n_units > s->n_units) {
        for (int i = 0; i < 2; i++) {
            free(s->units[i]);
            s->units[i] = mem_new(x->n_units, sizeof(float));
        }
        s->n_units = x->n_units;
    }
    if (x->n_articles > s->n_articles) {
        free(s->articles);
        free(s->touched);
        s->articles = mem_new(x->n_articles, sizeof(*s->articles));
        s->touched = mem_new(x->n_articles, sizeof(*s->touched));
        s->n_articles = x->n_articles;
    }
}

/* true: a feature of the query that was not there before. */
static bool is_new(struct knowledge_scratch *s, uint64_t hash)
{
    size_t mask = (size_t)QUERY_FEATURES * 4 - 1;
    size_t i = hash % (mask + 1);
    while (s->seen[i] && s->seen[i] != hash)
        i = i == mask ? 0 : i + 1;
    if (s->seen[i])
        return false;
    s->seen[i] = hash;
    return true;
}

/*
 * Add up the units' scores; `best` gets the highest weight that a unit could
 * have. Long queries are cut: their first features say what it is about.
 */
static void score_units(const struct knowledge_index *x,
                        struct knowledge_scratch *s,
                        const struct raw_feature *raw, size_t n, float best[2],
                        float matched[2])
{
    memset(s->seen, 0, (size_t)QUERY_FEATURES * 4 * sizeof(*s->seen));
    n = n > QUERY_FEATURES ? QUERY_FEATURES : n;
    for (size_t i = 0; i < n; i++) {
        int space = raw[i].kind == FEATURE_CHARS;
        if (!is_new(s, raw[i].hash ? raw[i].hash : 1))
            continue;
        const struct posting *p;
        float idf;
        size_t found =
            postings_find(space ? x->chars : x->words, raw[i].hash, &p, &idf);
        float by = raw[i].kind == FEATURE_PAIR ? 0.5F : 1;
        best[space] += by * idf;
        matched[space] += found ? by * idf : 0;
        for (size_t k = 0; k < found; k++)
            s->units[space][p[k].unit] += by * p[k].weight;
    }
}

static void keep_max(float *at, float x)
{
    *at = x > *at ? x : *at;
}

/* From units to articles; leaves the unit scores at zero. */
static size_t gather(const struct knowledge_index *x,
                     struct knowledge_scratch *s, const float best[2])
{
    size_t n = 0;
    for (size_t u = 0; u < x->n_units; u++) {
        if (s->units[0][u] == 0 && s->units[1][u] == 0)
            continue;
        struct fused *f = &s->articles[x->units[u].article];
        if (!f->touched) {
            *f = (struct fused){.touched = true};
            s->touched[n++] = x->units[u].article;
        }
        for (int i = 0; i < 2; i++) {
            float share = best[i] > 0 ? s->units[i][u] / best[i] : 0;
            keep_max(x->units[u].is_question ? &f->question[i] : &f->answer[i],
                     share);
            s->units[i][u] = 0;
        }
    }
    return n;
}

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

static float fuse(const struct fused *f, const struct knowledge_article *a,
                  const struct knowledge_query *q, struct str language)
{
    float total = weight_question_words * f->question[0] +
                  weight_question_chars * f->question[1] +
                  weight_answer_words * f->answer[0] +
                  weight_answer_chars * f->answer[1];
    if (a->language.n && language.n && !str_eq(a->language, language))
        total *= malus_language;
    if (q->topic.n && str_eq(a->topic, q->topic))
        total += bonus_topic;
    return total;
}

/*
 * The chance that the best hit answers, from how much of the query it covers
 * and how far it leads. The terms were fitted on leave-one-out questions of
 * the starter knowledge and of a public FAQ (docs/performance.md).
 */
static double confidence_of(double total, double lead, double question_chars)
{
    double z = -4.4 + 7.5 * total + 6.0 * lead + 2.5 * question_chars;
    return 1 / (1 + exp(-z));
}

/* The sentence or list item of the answer that shares most with the query. */
static struct str passage_of(const struct knowledge_article *a)
{
    struct str rest = a->answer;
    struct str line;
    while (str_next(&rest, '\n', &line)) {
        if (str_trim(line).n)
            return str_trim(line);
    }
    return a->answer;
}

static void insert(struct knowledge_hit *ret, size_t *n, size_t max,
                   const struct knowledge_article *a, double score)
{
    size_t at = *n;
    while (at > 0 && ret[at - 1].score < score)
        at--;
    if (at == max)
        return;
    *n += *n < max;
    for (size_t i = *n - 1; i > at; i--)
        ret[i] = ret[i - 1];
    ret[at] = (struct knowledge_hit){.article = a, .score = score};
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
    enum { RANKED = 64 };
    struct knowledge_hit ranked[RANKED];
    const struct raw_feature *raw;
    fit(s, x);
    size_t n_raw = cutter_cut(s->cutter, q->text, &raw);
    float best[2] = {0};
    float matched[2] = {0};
    score_units(x, s, raw, n_raw, best, matched);
    size_t n_touched = gather(x, s, best);
    struct str language = q->language;
    if (language.n == 0) {
        enum language l = language_detect(q->text).language;
        if (l == LANGUAGE_RU || l == LANGUAGE_EN)
            language = str_from(language_code(l));
    }
    max = max > RANKED ? RANKED : max;
    size_t wanted = max < 2 ? 2 : max;
    size_t n = 0;
    for (size_t i = 0; i < n_touched; i++) {
        const struct knowledge_article *a = &x->articles[s->touched[i]];
        struct fused *f = &s->articles[s->touched[i]];
        f->touched = false;
        if (may_see(a, q, without))
            insert(ranked, &n, wanted, a, fuse(f, a, q, language));
    }
    for (size_t i = 0; i < n && i < max; i++) {
        const struct fused *f = &s->articles[ranked[i].article - x->articles];
        double next = i + 1 < n ? ranked[i + 1].score : 0;
        double lead = i == 0 ? ranked[0].score - next : 0;
        ret[i] = ranked[i];
        ret[i].confidence =
            confidence_of(ranked[i].score, lead, f->question[1]);
        ret[i].passage = passage_of(ranked[i].article);
    }
    return n < max ? n : max;
}

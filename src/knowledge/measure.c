/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/measure.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "knowledge/index.h"

enum { DEEP = 10, BINS = 10 };

static bool is_right(struct str keys, struct str key)
{
    struct str one;
    while (str_next(&keys, ' ', &one)) {
        if (str_eq(one, key))
            return true;
    }
    return false;
}

/* The index without the right articles: the question is now unanswerable. */
static double confidence_without(const struct knowledge_index *x,
                                 struct knowledge_scratch *s,
                                 const struct measure_question *q)
{
    struct knowledge_query query = {.text = q->text, .with_staff = true};
    struct knowledge_hit hits[DEEP];
    struct arena *a = arena_new();
    struct str without = str_from(arena_printf(
        a, STR_FMT " " STR_FMT, STR_ARG(q->keys), STR_ARG(q->without)));
    size_t n = knowledge_search_without(x, s, &query, without, hits, DEEP);
    arena_free(a);
    return n ? hits[0].confidence : 0;
}

static void calibration(const double *confidence, const int *right, size_t n,
                        struct measured *ret)
{
    double error = 0;
    for (int b = 0; b < BINS; b++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            int own = (int)(confidence[i] * BINS);
            if ((own >= BINS ? BINS - 1 : own) == b)
                sum += confidence[i] - right[i];
        }
        error += fabs(sum);
    }
    ret->confidence_error = n ? error / (double)n : 0;
}

static double share_under(const double *x, size_t n, double threshold)
{
    size_t under = 0;
    for (size_t i = 0; i < n; i++)
        under += x[i] < threshold;
    return n ? (double)under / (double)n : 0;
}

/* Confidences: of answerable questions, of those of them whose first hit is
 * right, of all without their articles, and of strangers. */
struct confidences {
    double *with, *right, *without, *strange;
    size_t n_right;
};

/* At the highest threshold that refuses under a tenth of `x`. */
static struct measured_refused at_10(const struct confidences *c,
                                     const struct measured *m, const double *x,
                                     size_t n)
{
    struct measured_refused found = {0};
    for (int i = 0; i <= 1000; i++) {
        double t = i / 1000.0;
        if (share_under(x, n, t) < 0.1)
            found = (struct measured_refused){
                .unanswerable = share_under(c->without, m->n, t),
                .strangers = share_under(c->strange, m->strangers, t),
            };
    }
    return found;
}

static void curve(const struct confidences *c, struct measured *ret)
{
    size_t n = ret->n;
    for (int i = 0; i < MEASURE_POINTS; i++) {
        double t = (double)i / (MEASURE_POINTS - 1);
        ret->curve[i].threshold = t;
        ret->curve[i].refused_answerable = share_under(c->with, n, t);
        ret->curve[i].refused_right = share_under(c->right, c->n_right, t);
        ret->curve[i].refused_unanswerable = share_under(c->without, n, t);
    }
    ret->at_10 = at_10(c, ret, c->with, n);
    ret->at_10_right = at_10(c, ret, c->right, c->n_right);
}

/* One answerable question; adds to the sums in `ret`. True: the first hit is
 * right. */
static bool ask(const struct knowledge_index *x, struct knowledge_scratch *s,
                const struct measure_question *q, double *ret_confidence,
                struct measured *ret)
{
    struct knowledge_hit hits[DEEP];
    struct knowledge_query query = {.text = q->text, .with_staff = true};
    size_t found = knowledge_search(x, s, &query, hits, DEEP);
    size_t rank = 0;
    while (rank < found && !is_right(q->keys, hits[rank].article->key))
        rank++;
    ret->hit1 += rank < found && rank < 1;
    ret->hit3 += rank < found && rank < 3;
    ret->hit10 += rank < found;
    ret->mrr += rank < found ? 1.0 / (double)(rank + 1) : 0;
    *ret_confidence = found ? hits[0].confidence : 0;
    return found && rank == 0;
}

static bool names_one(const struct map *known, struct str keys)
{
    struct str one;
    while (str_next(&keys, ' ', &one)) {
        if (map_find(known, one))
            return true;
    }
    return false;
}

static size_t count_misnamed(const struct knowledge_index *x,
                             const struct measure_question *questions, size_t n)
{
    struct map *known = map_new();
    size_t misnamed = 0;
    bool is_new;
    for (size_t i = 0; i < x->n_articles; i++)
        (void)map_put(known, x->articles[i].key, &is_new);
    for (size_t i = 0; i < n; i++)
        misnamed +=
            questions[i].keys.n > 0 && !names_one(known, questions[i].keys);
    map_free(known);
    return misnamed;
}

void measure_search(const struct knowledge_index *x,
                    const struct measure_question *questions, size_t n,
                    struct measured *ret)
{
    *ret = (struct measured){.misnamed = count_misnamed(x, questions, n)};
    struct knowledge_scratch *s = knowledge_scratch_new();
    struct confidences c = {.with = mem_new(n + 1, sizeof(*c.with)),
                            .right = mem_new(n + 1, sizeof(*c.right)),
                            .without = mem_new(n + 1, sizeof(*c.without)),
                            .strange = mem_new(n + 1, sizeof(*c.strange))};
    int *right = mem_new(n + 1, sizeof(*right));
    for (size_t i = 0; i < n; i++) {
        const struct measure_question *q = &questions[i];
        /* of strangers: there is no right one to take away */
        double without = confidence_without(x, s, q);
        if (q->keys.n == 0) {
            c.strange[ret->strangers++] = without;
            continue;
        }
        c.without[ret->n] = without;
        right[ret->n] = ask(x, s, q, &c.with[ret->n], ret);
        if (right[ret->n])
            c.right[c.n_right++] = c.with[ret->n];
        ret->n++;
    }
    double total = ret->n ? (double)ret->n : 1;
    ret->hit1 /= total;
    ret->hit3 /= total;
    ret->hit10 /= total;
    ret->mrr /= total;
    curve(&c, ret);
    calibration(c.with, right, ret->n, ret);
    free(c.with);
    free(c.right);
    free(c.without);
    free(c.strange);
    free(right);
    knowledge_scratch_free(s);
}

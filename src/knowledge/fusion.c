/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trials: in each fold some question forms of each article are held out, an
 * index is built of the rest by the code that builds every index, and the forms
 * are asked. An article that has a title alone is asked by it and has its
 * answer left: then the trial says whether titles find their own answers.
 */
#include "knowledge/fusion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "knowledge/index.h"
#include "knowledge/vectors.h"

enum {
    FOLDS = 3,
    ARTICLES = 2000, /* in a trial: every so-manieth of more */
    QUESTIONS = 400, /* in a fold */
    FLOOR_QUESTIONS = 64,
    ENOUGH = 20, /* questions in a language, to say something of it */
    DEEP = 10,
    WEIGHTS = 6,
};

static const float weights[WEIGHTS] = {0, 0.15F, 0.3F, 0.45F, 0.6F, 0.75F};

/* A question and what each weight made of it. */
struct tried {
    struct str text;
    uint32_t article; /* of the fold's index */
    int language;
    float reciprocal[WEIGHTS]; /* rank */
    double odds[WEIGHTS];      /* log-odds of the confidence in the first */
    bool right[WEIGHTS];       /* the first is */
};

struct trials {
    struct knowledge_index *x; /* the one that asks */
    struct arena *arena;       /* of articles and questions */
    struct knowledge_article *articles;
    size_t n_articles;
    struct tried *list; /* of all folds */
    size_t n, cap;
    size_t fold_from; /* of this fold */
    float weights[WEIGHTS];
    int n_weights;
    double floors[FUSIONS][2]; /* sums over `n_floors` */
    size_t n_floors[FUSIONS];
};

int fusion_of_language(struct str language)
{
    if (str_is(language, "ru"))
        return FUSION_RU;
    return str_is(language, "en") ? FUSION_EN : FUSION_OTHER;
}

/* ---- a fold
 * ----------------------------------------------------------------- */

static void hold_out(struct trials *t, struct str text)
{
    struct knowledge_query q = {.text = text};
    t->list = mem_grow(t->list, t->n, &t->cap, sizeof(*t->list));
    t->list[t->n++] = (struct tried){
        .text = text,
        .article = (uint32_t)t->n_articles,
        .language = fusion_of_language(knowledge_language(&q)),
    };
}

/* The article without the forms of this fold. */
static void add_article(struct trials *t, const struct knowledge_article *from,
                        size_t number, size_t fold)
{
    struct knowledge_article *to = &t->articles[t->n_articles];
    struct str rest = from->questions;
    struct str line;
    char *kept = arena_alloc(t->arena, from->questions.n + 1, 1);
    size_t n_kept = 0;
    size_t n = 0;
    while (str_next(&rest, '\n', &line)) {
        line = str_trim(line);
        if (line.n == 0 || str_eq(line, str_trim(from->title)))
            continue;
        if ((number + n++) % FOLDS == fold) {
            hold_out(t, line);
            continue;
        }
        memcpy(kept + n_kept, line.p, line.n);
        kept[n_kept + line.n] = '\n';
        n_kept += line.n + 1;
    }
    *to = *from;
    to->questions = (struct str){kept, n_kept};
    if (n == 0 && number % FOLDS == fold) {
        hold_out(t, str_trim(from->title));
        to->title = STR("");
    }
    t->n_articles++;
}

/* At most QUESTIONS of the fold, from everywhere in it. */
static void thin_out(struct trials *t)
{
    size_t n = t->n - t->fold_from;
    if (n <= QUESTIONS)
        return;
    struct tried *list = t->list + t->fold_from;
    for (size_t i = 0; i < QUESTIONS; i++)
        list[i] = list[i * n / QUESTIONS];
    t->n = t->fold_from + QUESTIONS;
}

static void note(const struct knowledge_index *x, struct tried *q, int w,
                 const struct knowledge_hit *hits, size_t n)
{
    size_t rank = 0;
    while (rank < n &&
           x->same[hits[rank].article - x->articles] != x->same[q->article])
        rank++;
    q->reciprocal[w] = rank < n ? 1 / (float)(rank + 1) : 0;
    q->right[w] = n && rank == 0;
    double c = n ? fmin(fmax(hits[0].confidence, 1e-6), 1 - 1e-6) : 1e-6;
    q->odds[w] = log(c / (1 - c));
}

/* The first look, of some: how near is anything to anything? */
static void add_floor(struct trials *t, const struct knowledge_index *x,
                      struct knowledge_scratch *s, const struct tried *q,
                      const float *vector)
{
    const struct parts *seen;
    double sums[2] = {0};
    if (t->n_floors[q->language] >= FLOOR_QUESTIONS ||
        !knowledge_look(x, s, q->text, vector, &seen))
        return;
    for (size_t i = 0; i < x->n_articles; i++) {
        sums[0] += (double)seen[i].of[FORM_DENSE];
        sums[1] += (double)seen[i].of[WHOLE_DENSE];
    }
    t->floors[q->language][0] += sums[0] / (double)x->n_articles;
    t->floors[q->language][1] += sums[1] / (double)x->n_articles;
    t->n_floors[q->language]++;
}

static struct fusion at_floor(const struct trials *t, int language)
{
    double n = (double)t->n_floors[language] + 1e-9;
    return (struct fusion){
        .floor_form = (float)(t->floors[language][0] / n),
        .floor_whole = (float)(t->floors[language][1] / n),
        .slope = 1,
    };
}

static void try_weights(const struct trials *t, const struct knowledge_index *x,
                        struct knowledge_scratch *s, struct tried *q,
                        const float *vector)
{
    const struct parts *seen;
    struct knowledge_hit hits[DEEP];
    struct knowledge_query query = {.text = q->text, .with_staff = true};
    struct fusion f = at_floor(t, q->language);
    bool any = knowledge_look(x, s, q->text, vector, &seen);
    for (int w = 0; w < t->n_weights; w++) {
        f.weight = t->weights[w];
        size_t n = any ? knowledge_weigh(x, s, &query, f.weight > 0 ? &f : NULL,
                                         STR(""), hits, DEEP)
                       : 0;
        note(x, q, w, hits, n);
    }
}

static int ask_all(struct trials *t, const struct knowledge_index *x,
                   struct err *e)
{
    struct tried *list = t->list + t->fold_from;
    size_t n = t->n - t->fold_from;
    size_t size = vectors_size(x->vectors);
    struct str *texts = mem_new(n + 1, sizeof(*texts));
    float *rows = mem_new(n * size + 1, sizeof(*rows));
    struct knowledge_scratch *s = knowledge_scratch_new();
    for (size_t i = 0; i < n; i++)
        texts[i] = list[i].text;
    int r = vectors_of(x->vectors, texts, n, rows, e);
    for (size_t i = 0; !r && i < n; i++)
        add_floor(t, x, s, &list[i], rows + i * size);
    for (size_t i = 0; !r && i < n; i++)
        try_weights(t, x, s, &list[i], rows + i * size);
    knowledge_scratch_free(s);
    free(texts);
    free(rows);
    return r;
}

static int try_fold(struct trials *t, size_t fold, struct err *e)
{
    struct knowledge_index *x = NULL;
    size_t step = t->x->n_articles / ARTICLES + 1;
    t->fold_from = t->n;
    t->n_articles = 0;
    for (size_t i = 0; i < t->x->n_articles; i += step)
        add_article(t, &t->x->articles[i], i / step, fold);
    thin_out(t);
    if (t->n == t->fold_from)
        return OTK_OK;
    int r =
        knowledge_index_make(t->articles, t->n_articles, t->x->vectors, &x, e);
    if (!r)
        r = ask_all(t, x, e);
    knowledge_index_unref(x);
    return r;
}

/* ---- what they say
 * ---------------------------------------------------------- */

/* Mean of what weight `a` wins over `b`, in its standard errors. */
static double wins(const struct trials *t, int language, int a, int b)
{
    double sum = 0;
    double squares = 0;
    double n = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct tried *q = &t->list[i];
        double won = (double)(q->reciprocal[a] - q->reciprocal[b]);
        if (q->language != language)
            continue;
        sum += won;
        squares += won * won;
        n++;
    }
    double spread = n > 0 ? sqrt(squares - sum * sum / n) : 0;
    return spread > 0 ? sum / spread : sum > 0 ? 1 : 0;
}

/*
 * The smallest weight that is not clearly worse than the best: by a standard
 * error, and by two for zero, of which the best of several would else always
 * win a little.
 */
static int choose(const struct trials *t, int language)
{
    int best = 0;
    for (int w = 1; w < t->n_weights; w++) {
        if (wins(t, language, w, best) > 0)
            best = w;
    }
    for (int w = 0; w < best; w++) {
        if (wins(t, language, best, w) < (t->weights[w] > 0 ? 1 : 2))
            return w;
    }
    return best;
}

/*
 * Platt's (1999) two numbers for the confidence at weight `w`: what it says of
 * lexical search would not be a chance for the fused score. A normal prior
 * around "as it was" keeps few questions from saying much; the slope stays
 * positive, so that what refuses more still refuses more. Newton's method.
 */
static void calibrate(const struct trials *t, int language, int w,
                      struct fusion *f)
{
    enum { STEPS = 20 };
    static const double prior_shift = 1;
    static const double prior_slope = 4; /* inverse variances */
    double a = 0;
    double b = 1;
    for (int step = 0; step < STEPS; step++) {
        double ga = -prior_shift * a;
        double gb = -prior_slope * (b - 1);
        double haa = prior_shift;
        double hab = 0;
        double hbb = prior_slope;
        for (size_t i = 0; i < t->n; i++) {
            const struct tried *q = &t->list[i];
            double z = q->odds[w];
            if (q->language != language)
                continue;
            double p = 1 / (1 + exp(-(a + b * z)));
            double miss = (q->right[w] ? 1 : 0) - p;
            ga += miss;
            gb += miss * z;
            haa += p * (1 - p);
            hab += p * (1 - p) * z;
            hbb += p * (1 - p) * z * z;
        }
        double det = haa * hbb - hab * hab;
        a += (hbb * ga - hab * gb) / det;
        b += (haa * gb - hab * ga) / det;
    }
    if (isfinite(a) && isfinite(b)) {
        f->shift = a;
        f->slope = fmax(b, 0.25);
    }
}

static size_t count(const struct trials *t, int language)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += t->list[i].language == language;
    return n;
}

static void decide(struct trials *t)
{
    int least = -1; /* of those that are known, the most careful */
    for (int l = 0; l < FUSIONS; l++) {
        struct fusion *f = &t->x->fusion[l];
        if (count(t, l) < ENOUGH)
            continue;
        int w = choose(t, l);
        *f = at_floor(t, l);
        f->weight = t->weights[w];
        if (f->weight > 0)
            calibrate(t, l, w, f);
        if (least < 0 || f->weight < t->x->fusion[least].weight)
            least = l;
    }
    /* a few words may be of any language; of one that the articles hardly have
     * nothing is known. A weight that is asked for counts everywhere. */
    for (int l = 0; l < FUSIONS && least >= 0; l++) {
        if (count(t, l) < ENOUGH && (l == FUSION_OTHER || t->n_weights == 1))
            t->x->fusion[l] = t->x->fusion[least];
    }
    for (int l = 0; l < FUSIONS && least < 0 && t->n_weights == 1; l++)
        t->x->fusion[l].weight = t->weights[0];
}

int fusion_find(struct knowledge_index *x, double weight, struct err *e)
{
    struct trials t = {.x = x, .arena = arena_new(), .n_weights = WEIGHTS};
    memcpy(t.weights, weights, sizeof(weights));
    if (weight >= 0) {
        t.weights[0] = (float)weight;
        t.n_weights = 1;
    }
    t.articles = mem_new(ARTICLES + 1, sizeof(*t.articles));
    int r = OTK_OK;
    for (size_t fold = 0; !r && fold < FOLDS; fold++)
        r = try_fold(&t, fold, e);
    if (!r)
        decide(&t);
    free(t.articles);
    free(t.list);
    arena_free(t.arena);
    return r;
}

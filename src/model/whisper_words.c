/* SPDX-License-Identifier: Apache-2.0 */
#include "model/whisper_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/whisper_private.h"

enum { MEDIAN = 7 }; /* rows that one is smoothed over */

/* ---- where heads look
 * --------------------------------------------------------------- */

struct looking {
    const struct whisper_alignment *x;
    size_t n;   /* tokens decoded */
    float *sum; /* n × rows, over heads */
};

/* A head's weights for each row in units of their spread over the tokens. */
static void standardise(float *weights, size_t n, size_t stride, size_t rows)
{
    for (size_t c = 0; c < rows; c++) {
        double mean = 0;
        double squares = 0;
        for (size_t i = 0; i < n; i++)
            mean += (double)weights[i * stride + c];
        mean /= (double)n;
        for (size_t i = 0; i < n; i++) {
            double d = (double)weights[i * stride + c] - mean;
            squares += d * d;
        }
        double spread = sqrt(squares / (double)n);
        for (size_t i = 0; i < n; i++) {
            float *w = &weights[i * stride + c];
            *w = spread > 0 ? (float)(((double)*w - mean) / spread) : 0;
        }
    }
}

/* The middle one of MEDIAN neighbours; mirrored at the ends. */
static float median_at(const float *x, size_t n, size_t at)
{
    float near[MEDIAN] = {0};
    for (int k = 0; k < MEDIAN; k++) {
        int64_t i = (int64_t)at + k - MEDIAN / 2;
        i = i < 0 ? -i : i;
        i = i >= (int64_t)n ? 2 * ((int64_t)n - 1) - i : i;
        i = i < 0 ? 0 : i;
        float own = x[i];
        int to = k;
        for (; to > 0 && near[to - 1] > own; to--)
            near[to] = near[to - 1];
        near[to] = own;
    }
    return near[MEDIAN / 2];
}

/* Upper half of the layers: where no list of a model's heads is known,
 * whisper takes those. */
static void look(void *ctx, size_t layer, float *weights)
{
    struct looking *l = ctx;
    const struct whisper_part *p = &l->x->w->sizes.text;
    size_t ctx_rows = l->x->w->sizes.audio.ctx;
    size_t rows = l->x->rows;
    size_t stride = p->heads * ctx_rows;
    if (layer < p->layers / 2)
        return;
    for (size_t h = 0; h < p->heads; h++) {
        float *own = weights + h * ctx_rows;
        standardise(own, l->n, stride, rows);
        for (size_t i = 0; i < l->n; i++) {
            for (size_t c = 0; c < rows; c++)
                l->sum[i * rows + c] += median_at(own + i * stride, rows, c);
        }
    }
}

/* ---- warping
 * ------------------------------------------------------------------------ */

enum step { STEP_BOTH, STEP_DOWN, STEP_RIGHT };

void whisper_warp(const float *cost, size_t n, size_t columns, size_t *ret)
{
    size_t wide = columns + 1;
    double *sums = mem_new(2 * wide, sizeof(*sums));
    unsigned char *steps = mem_new((n + 1) * wide, 1);
    double *above = sums;
    double *own = sums + wide;
    for (size_t c = 1; c < wide; c++)
        above[c] = INFINITY;
    for (size_t i = 1; i <= n; i++) {
        own[0] = INFINITY;
        for (size_t c = 1; c < wide; c++) {
            double both = above[c - 1];
            double down = above[c];
            double right = own[c - 1];
            enum step s = both < down && both < right   ? STEP_BOTH
                          : down < both && down < right ? STEP_DOWN
                                                        : STEP_RIGHT;
            double least = s == STEP_BOTH   ? both
                           : s == STEP_DOWN ? down
                                            : right;
            own[c] = (double)cost[(i - 1) * columns + c - 1] + least;
            steps[i * wide + c] = (unsigned char)s;
        }
        double *other = above;
        above = own;
        own = other;
    }
    size_t i = n;
    size_t c = columns;
    while (i > 0 && c > 0) {
        ret[i - 1] = c - 1;
        enum step s = (enum step)steps[i * wide + c];
        i -= s != STEP_RIGHT;
        c -= s != STEP_DOWN;
    }
    /* when columns end before rows do, the rest begins with the first one */
    while (i > 0)
        ret[--i] = 0;
    free(steps);
    free(sums);
}

int whisper_align(const struct whisper_alignment *x, size_t *ret, struct err *e)
{
    /* start, language, task, no timestamps; text; end */
    const struct whisper_vocabulary *v = &x->w->vocabulary;
    bool has_mark = x->prompt[x->n_prompt - 1] == v->no_times;
    size_t before = x->n_prompt + (has_mark ? 0 : 1);
    struct looking l = {.x = x, .n = before + x->n + 1};
    if (l.n > x->w->sizes.text.ctx)
        return err_set(e, OTK_ELIMIT,
                       "a window of %zu tokens is too long for "
                       "times of words",
                       x->n);
    struct whisper_step *steps = mem_new(l.n, sizeof(*steps));
    for (size_t i = 0; i < l.n; i++) {
        steps[i].at = i;
        steps[i].token = i < x->n_prompt     ? x->prompt[i]
                         : i < before        ? v->no_times
                         : i < before + x->n ? x->tokens[i - before]
                                             : v->end;
    }
    l.sum = mem_new(l.n * x->rows, sizeof(*l.sum));
    const struct whisper_looker looker = {look, &l};
    int r = whisper_decode(x->w, x->s, x->m, steps, l.n, NULL, &looker, e);
    /* tokens of text and the end of it; more looked at costs less */
    for (size_t i = 0; i < l.n * x->rows; i++)
        l.sum[i] = -l.sum[i];
    if (!r)
        whisper_warp(l.sum + before * x->rows, x->n + 1, x->rows, ret);
    free(l.sum);
    free(steps);
    return r;
}

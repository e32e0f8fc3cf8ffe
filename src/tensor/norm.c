/* SPDX-License-Identifier: Apache-2.0 */
#include "tensor/norm.h"

#include <math.h>

#include "tensor/kernels.h"
#include "tensor/team.h"
#include "tensor/workspace.h"

struct moments {
    float mean, by;
};

struct work {
    const struct norm *norm;
    const float *x, *slopes;
    size_t rows;
    float *y;
    struct moments *moments; /* a row each */
    float *gain, *bias;      /* slopes of them */
};

static void apply_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    size_t width = w->norm->width;
    size_t from, to;
    team_share(w->rows, 1, i, n, &from, &to);
    for (size_t r = from; r < to; r++)
        kernels()->layer_norm(w->x + r * width, width, w->norm->gain,
                              w->norm->bias, w->norm->eps, w->y + r * width);
}

void norm_apply(struct team *t, const struct norm *n, const float *x,
                size_t rows, float *y)
{
    struct work w = {.norm = n, .x = x, .rows = rows};
    w.y = y;
    team_run(t, apply_part, &w);
}

/* Mean and 1/√(variance + eps) of each row. */
static void measure_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    size_t width = w->norm->width;
    size_t from, to;
    team_share(w->rows, 1, i, n, &from, &to);
    for (size_t r = from; r < to; r++) {
        const float *x = w->x + r * width;
        float sum = 0;
        float squares = 0;
        for (size_t k = 0; k < width; k++)
            sum += x[k];
        float mean = sum / (float)width;
        for (size_t k = 0; k < width; k++)
            squares += (x[k] - mean) * (x[k] - mean);
        w->moments[r].mean = mean;
        w->moments[r].by = 1 / sqrtf(squares / (float)width + w->norm->eps);
    }
}

/* A member's share of the columns, over all rows in their order: the sums do
 * not depend on how many members there are. */
static void gain_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    size_t width = w->norm->width;
    size_t from, to;
    team_share(width, 16, i, n, &from, &to);
    for (size_t r = 0; r < w->rows; r++) {
        const float *x = w->x + r * width;
        const float *g = w->slopes + r * width;
        struct moments m = w->moments[r];
        for (size_t k = from; k < to; k++) {
            w->gain[k] += g[k] * (x[k] - m.mean) * m.by;
            w->bias[k] += g[k];
        }
    }
}

/*
 * With u the normalised row and d = slopes · gain:
 * by · (d - mean(d) - u · mean(d · u)).
 */
static void back_part(void *arg, int i, int n)
{
    const struct work *w = arg;
    size_t width = w->norm->width;
    const float *gain = w->norm->gain;
    size_t from, to;
    team_share(w->rows, 1, i, n, &from, &to);
    for (size_t r = from; r < to; r++) {
        const float *x = w->x + r * width;
        const float *g = w->slopes + r * width;
        struct moments m = w->moments[r];
        float sum = 0;
        float along = 0;
        for (size_t k = 0; k < width; k++) {
            float d = g[k] * gain[k];
            sum += d;
            along += d * (x[k] - m.mean) * m.by;
        }
        sum /= (float)width;
        along /= (float)width;
        for (size_t k = 0; k < width; k++)
            w->y[r * width + k] =
                m.by * (g[k] * gain[k] - sum - (x[k] - m.mean) * m.by * along);
    }
}

void norm_back(struct team *t, struct workspace *space, const struct norm *n,
               const float *x, size_t rows, const float *slopes, float *ret,
               float *gain, float *bias)
{
    size_t mark = workspace_mark(space);
    struct work w = {
        .norm = n,
        .x = x,
        .slopes = slopes,
        .rows = rows,
        .moments = WORKSPACE_ARRAY(space, struct moments, rows),
    };
    w.y = ret;
    w.gain = gain;
    w.bias = bias;
    team_run(t, measure_part, &w);
    team_run(t, gain_part, &w);
    team_run(t, back_part, &w);
    workspace_reset(space, mark);
}

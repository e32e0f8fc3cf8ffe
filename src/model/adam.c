/* SPDX-License-Identifier: Apache-2.0 */
#include "model/adam.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/config.h"
#include "model/parameters.h"
#include "tensor/kernels.h"
#include "tensor/team.h"

/* Sums of squares are made in pieces of this many numbers, whoever makes
 * them: the same length comes of any number of threads. */
enum { PIECE = 1 << 14 };

int adam_init(struct adam *a, const struct parameters *p,
              const struct adam_options *o, struct err *e)
{
    *a = (struct adam){.o = *o};
    a->first = mem_try(p->n, sizeof(*a->first));
    a->second = mem_try(p->n, sizeof(*a->second));
    if (a->first && a->second)
        return OTK_OK;
    adam_free(a);
    return err_set(e, OTK_ELIMIT, "no memory for the moments of %zu parameters",
                   p->n);
}

void adam_free(struct adam *a)
{
    free(a->first);
    free(a->second);
    a->first = a->second = NULL;
}

struct length_job {
    const float *x;
    size_t n;
    double *squares; /* a piece each */
};

static void length_part(void *arg, int i, int n)
{
    const struct length_job *j = arg;
    size_t from, to;
    team_share(j->n, PIECE, i, n, &from, &to);
    for (size_t at = from; at < to; at += PIECE) {
        size_t end = at + PIECE < to ? at + PIECE : to;
        float sums[16] = {0};
        for (size_t k = at; k < end; k++)
            sums[k % 16] += j->x[k] * j->x[k];
        double sum = 0;
        for (int k = 0; k < 16; k++)
            sum += (double)sums[k];
        j->squares[at / PIECE] = sum;
    }
}

static double length_of(struct team *t, const float *x, size_t n)
{
    size_t pieces = n / PIECE + 1;
    struct length_job j = {x, n, mem_new(pieces, sizeof(*j.squares))};
    double sum = 0;
    team_run(t, length_part, &j);
    for (size_t i = 0; i < pieces; i++)
        sum += j.squares[i];
    free(j.squares);
    return sqrt(sum);
}

struct step_job {
    const struct adam *a;
    const struct parameters *p;
    float *slopes;
    float by; /* of all slopes: the clip */
    double rate;
};

/* What a parameter's depth makes of the rate. */
static double rate_at(const struct step_job *j, size_t depth)
{
    const struct adam_options *o = &j->a->o;
    size_t heads = j->p->config->layers + 1;
    if (depth == heads)
        return j->rate * o->head_rate;
    return j->rate * pow(o->layer_decay, (double)(heads - depth));
}

static void step_part(void *arg, int i, int n)
{
    const struct step_job *j = arg;
    const struct adam *a = j->a;
    double steps = (double)a->steps;
    for (size_t k = 0; k < j->p->n_list; k++) {
        const struct parameter *x = &j->p->list[k];
        if (x->stays || x->depth < a->o.frozen)
            continue;
        double rate = rate_at(j, x->depth);
        const struct adam_pace pace = {
            .rate = (float)(rate / (1 - pow(a->o.beta1, steps))),
            .keep = (float)(1 - (x->decays ? rate * a->o.decay : 0)),
            .beta1 = (float)a->o.beta1,
            .beta2 = (float)a->o.beta2,
            .eps = (float)a->o.eps,
            .by = j->by,
            .undo_second = (float)(1 / sqrt(1 - pow(a->o.beta2, steps))),
        };
        size_t from, to;
        team_share(x->n, 64, i, n, &from, &to);
        from += x->at;
        to += x->at;
        kernels()->adam(&pace, to - from, j->p->values + from, j->slopes + from,
                        a->first + from, a->second + from);
    }
}

double adam_step(struct adam *a, struct team *t, struct parameters *p,
                 float *slopes, double rate)
{
    double length = length_of(t, slopes, p->n);
    bool clipped = a->o.clip > 0 && length > a->o.clip;
    struct step_job j = {
        .a = a,
        .p = p,
        .slopes = slopes,
        .by = clipped ? (float)(a->o.clip / (length + 1e-6)) : 1,
        .rate = rate,
    };
    a->steps++;
    team_run(t, step_part, &j);
    return length;
}

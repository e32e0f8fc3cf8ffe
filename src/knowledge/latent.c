/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/latent.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "knowledge/postings.h"

enum {
    WIDTH = LATENT_SIZE + 8, /* a little more than is kept, for exactness */
    ROUNDS = 2,
    SAMPLE = 2000, /* units that the space is found on */
    SWEEPS = 30,
};

struct latent {
    const struct postings *space;
    float (*places)[LATENT_SIZE]; /* of terms */
};

/* The space while it is looked for. Rows are units of the sample. */
struct search {
    const struct postings *p;
    size_t n, step;
    float *scale; /* of rows: their weights then have length one */
    float (*from)[WIDTH], (*to)[WIDTH];
};

/* ---- the sample's matrix, term by term ------------------------------------
 */

/* ret += what the sample's rows of a term say, weighted by `rows`. */
static void gather(const struct search *s, size_t term,
                   const float (*rows)[WIDTH], float ret[WIDTH])
{
    const struct posting *p;
    size_t n = postings_of(s->p, term, &p);
    memset(ret, 0, WIDTH * sizeof(*ret));
    for (size_t i = 0; i < n; i++) {
        if (p[i].unit % s->step)
            continue;
        size_t row = p[i].unit / s->step;
        float w = p[i].weight * s->scale[row];
        for (size_t k = 0; k < WIDTH; k++)
            ret[k] += w * rows[row][k];
    }
}

static void scatter(struct search *s, size_t term, const float y[WIDTH])
{
    const struct posting *p;
    size_t n = postings_of(s->p, term, &p);
    for (size_t i = 0; i < n; i++) {
        if (p[i].unit % s->step)
            continue;
        size_t row = p[i].unit / s->step;
        float w = p[i].weight * s->scale[row];
        for (size_t k = 0; k < WIDTH; k++)
            s->to[row][k] += w * y[k];
    }
}

/* to = M Mᵀ from */
static void multiply(struct search *s)
{
    memset(s->to, 0, s->n * sizeof(*s->to));
    for (size_t t = 0; t < postings_terms(s->p); t++) {
        float y[WIDTH];
        gather(s, t, (const float(*)[WIDTH])s->from, y);
        scatter(s, t, y);
    }
}

static void find_scales(struct search *s)
{
    for (size_t t = 0; t < postings_terms(s->p); t++) {
        const struct posting *p;
        size_t n = postings_of(s->p, t, &p);
        for (size_t i = 0; i < n; i++) {
            if (p[i].unit % s->step == 0)
                s->scale[p[i].unit / s->step] += p[i].weight * p[i].weight;
        }
    }
    for (size_t i = 0; i < s->n; i++)
        s->scale[i] = s->scale[i] > 0 ? 1 / sqrtf(s->scale[i]) : 0;
}

/* ---- small dense algebra --------------------------------------------------
 */

static double column_dot(const float (*m)[WIDTH], size_t n, size_t a, size_t b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)m[i][a] * (double)m[i][b];
    return sum;
}

/* Modified Gram-Schmidt; a column that depends on others becomes zeros. */
static void orthonormalize(float (*m)[WIDTH], size_t n)
{
    for (size_t c = 0; c < WIDTH; c++) {
        double before = column_dot((const float(*)[WIDTH])m, n, c, c);
        for (size_t b = 0; b < c; b++) {
            double d = column_dot((const float(*)[WIDTH])m, n, b, c);
            for (size_t i = 0; i < n; i++)
                m[i][c] -= (float)d * m[i][b];
        }
        double after = column_dot((const float(*)[WIDTH])m, n, c, c);
        double by = after > 1e-9 * before && after > 0 ? 1 / sqrt(after) : 0;
        for (size_t i = 0; i < n; i++)
            m[i][c] *= (float)by;
    }
}

/* One turn of Jacobi's method: makes a[p][q] zero. */
static void rotate(double a[WIDTH][WIDTH], double v[WIDTH][WIDTH], size_t p,
                   size_t q)
{
    double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1);
    double s = t * c;
    for (size_t k = 0; k < WIDTH; k++) {
        double x = a[k][p];
        double y = a[k][q];
        a[k][p] = c * x - s * y;
        a[k][q] = s * x + c * y;
    }
    for (size_t k = 0; k < WIDTH; k++) {
        double x = a[p][k];
        double y = a[q][k];
        a[p][k] = c * x - s * y;
        a[q][k] = s * x + c * y;
        x = v[k][p];
        y = v[k][q];
        v[k][p] = c * x - s * y;
        v[k][q] = s * x + c * y;
    }
}

/* Eigenvectors of a symmetric matrix into the columns of `v`, eigenvalues on
 * the diagonal of `a`. */
static void eigen(double a[WIDTH][WIDTH], double v[WIDTH][WIDTH])
{
    for (size_t i = 0; i < WIDTH; i++) {
        for (size_t k = 0; k < WIDTH; k++)
            v[i][k] = i == k;
    }
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double off = 0;
        double on = 0;
        for (size_t p = 0; p < WIDTH; p++) {
            on += a[p][p] * a[p][p];
            for (size_t q = p + 1; q < WIDTH; q++)
                off += a[p][q] * a[p][q];
        }
        if (off <= 1e-18 * on)
            break;
        for (size_t p = 0; p < WIDTH; p++) {
            for (size_t q = p + 1; q < WIDTH; q++) {
                if (fabs(a[p][q]) > 1e-300)
                    rotate(a, v, p, q);
            }
        }
    }
}

/* ---- the space
 * ---------------------------------------------------------------- */

static void step_by(float by, const float direction[LATENT_SIZE],
                    float ret[LATENT_SIZE])
{
    for (size_t k = 0; k < LATENT_SIZE; k++)
        ret[k] += by * direction[k];
}

/* turn: columns from the basis found to singular vectors, by 1 / their value;
 * the LATENT_SIZE greatest. */
static void find_turn(struct search *s, double turn[WIDTH][LATENT_SIZE])
{
    static const double least = 1e-6;
    double(*a)[WIDTH] = mem_new(WIDTH, sizeof(*a));
    double(*v)[WIDTH] = mem_new(WIDTH, sizeof(*v));
    bool taken[WIDTH] = {false};
    for (size_t i = 0; i < s->n; i++) {
        for (size_t p = 0; p < WIDTH; p++) {
            for (size_t q = 0; q < WIDTH; q++)
                a[p][q] += (double)s->from[i][p] * (double)s->to[i][q];
        }
    }
    for (size_t p = 0; p < WIDTH; p++) { /* symmetric but for rounding */
        for (size_t q = 0; q < p; q++)
            a[p][q] = a[q][p] = (a[p][q] + a[q][p]) / 2;
    }
    eigen(a, v);
    for (size_t k = 0; k < LATENT_SIZE; k++) {
        size_t best = WIDTH;
        for (size_t c = 0; c < WIDTH; c++) {
            if (!taken[c] && (best == WIDTH || a[c][c] > a[best][best]))
                best = c;
        }
        taken[best] = true;
        double by = a[best][best] > least ? 1 / sqrt(a[best][best]) : 0;
        for (size_t p = 0; p < WIDTH; p++)
            turn[p][k] = v[p][best] * by;
    }
    free(a);
    free(v);
}

/* Where the sample's rows stand, by their places in the basis found. */
static void turn_rows(const struct search *s,
                      const double turn[WIDTH][LATENT_SIZE],
                      float (*ret)[LATENT_SIZE])
{
    for (size_t i = 0; i < s->n; i++) {
        double place[LATENT_SIZE] = {0};
        for (size_t p = 0; p < WIDTH; p++) {
            for (size_t k = 0; k < LATENT_SIZE; k++)
                place[k] += (double)s->from[i][p] * turn[p][k];
        }
        for (size_t k = 0; k < LATENT_SIZE; k++)
            ret[i][k] = (float)place[k];
    }
}

/* Rows are turned, not terms, of which there are many more. */
static void place_terms(struct search *s, struct latent *l)
{
    double turn[WIDTH][LATENT_SIZE];
    float(*rows)[LATENT_SIZE] = mem_new(s->n + 1, sizeof(*rows));
    find_turn(s, turn);
    turn_rows(s, (const double(*)[LATENT_SIZE])turn, rows);
    for (size_t t = 0; t < postings_terms(s->p); t++) {
        const struct posting *p;
        size_t n = postings_of(s->p, t, &p);
        for (size_t i = 0; i < n; i++) {
            size_t row = p[i].unit / s->step;
            if (p[i].unit % s->step == 0)
                step_by(p[i].weight * s->scale[row], rows[row], l->places[t]);
        }
    }
    free(rows);
}

static void look(struct search *s)
{
    struct rand rand;
    rand_init(&rand, 1);
    find_scales(s);
    for (size_t i = 0; i < s->n; i++) {
        for (size_t k = 0; k < WIDTH; k++)
            s->to[i][k] = (float)rand_real(&rand) - 0.5F;
    }
    for (int round = 0; round <= ROUNDS; round++) {
        memcpy(s->from, s->to, s->n * sizeof(*s->from));
        orthonormalize(s->from, s->n);
        multiply(s);
    }
}

int latent_new(const struct postings *p, struct latent **ret, struct err *e)
{
    size_t units = postings_units(p);
    struct search s = {.p = p, .step = units / SAMPLE + 1};
    struct latent *l = MEM_NEW(struct latent);
    l->space = p;
    l->places = mem_try(postings_terms(p) + 1, sizeof(*l->places));
    if (!l->places) {
        latent_free(l);
        return err_set(e, OTK_ELIMIT, "no memory for %zu features",
                       postings_terms(p));
    }
    s.n = units ? (units - 1) / s.step + 1 : 0;
    s.scale = mem_new(s.n + 1, sizeof(*s.scale));
    s.from = mem_new(s.n + 1, sizeof(*s.from));
    s.to = mem_new(s.n + 1, sizeof(*s.to));
    look(&s);
    place_terms(&s, l);
    free(s.scale);
    free(s.from);
    free(s.to);
    *ret = l;
    return OTK_OK;
}

void latent_free(struct latent *l)
{
    if (!l)
        return;
    free(l->places);
    free(l);
}

/* By lanes: a sum in one variable would wait for itself. */
float latent_nearness(const float a[LATENT_SIZE], const float b[LATENT_SIZE])
{
    enum { LANES = 8 };
    float lanes[LANES] = {0};
    float sum = 0;
    for (size_t i = 0; i < LATENT_SIZE; i += LANES) {
        for (size_t k = 0; k < LANES; k++)
            lanes[k] += a[i + k] * b[i + k];
    }
    for (size_t k = 0; k < LANES; k++)
        sum += lanes[k];
    return sum;
}

static void normalize(float ret[LATENT_SIZE])
{
    float length = latent_nearness(ret, ret);
    float by = length > 0 ? 1 / sqrtf(length) : 0;
    for (size_t k = 0; k < LATENT_SIZE; k++)
        ret[k] *= by;
}

void latent_place(const struct latent *l, const size_t *terms, size_t n,
                  float ret[LATENT_SIZE])
{
    memset(ret, 0, LATENT_SIZE * sizeof(*ret));
    for (size_t i = 0; i < n; i++) {
        if (terms[i] != POSTINGS_NONE)
            step_by(postings_idf(l->space, terms[i]), l->places[terms[i]], ret);
    }
    normalize(ret);
}

void latent_place_units(const struct latent *l, const struct postings *of,
                        float (*ret)[LATENT_SIZE])
{
    for (size_t t = 0; t < postings_terms(of); t++) {
        const struct posting *p;
        size_t n = postings_of(of, t, &p);
        size_t own = postings_term(l->space, postings_hash(of, t));
        if (own == POSTINGS_NONE)
            continue;
        float idf = postings_idf(l->space, own);
        for (size_t i = 0; i < n; i++)
            step_by(idf, l->places[own], ret[p[i].unit]);
    }
    for (size_t i = 0; i < postings_units(of); i++)
        normalize(ret[i]);
}

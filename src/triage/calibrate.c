/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/calibrate.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    CHOOSE_ROWS = 2000, /* enough to choose what the networks count */
    CHOICES = 5,        /* 0, NETWORK_STEP, … */
};
static const double NETWORK_STEP = 0.03;

void calibration_mix(const struct calibration *c, const float *logits, size_t n,
                     float *scores)
{
    float by = (float)c->network;
    for (size_t i = 0; by != 0 && i < n; i++)
        scores[i] += by * logits[i];
}

void calibration_softmax(const struct calibration *c, const float *scores,
                         size_t n, float *p)
{
    float top = scores[0];
    for (size_t i = 1; i < n; i++)
        top = scores[i] > top ? scores[i] : top;
    float sum = 0;
    float t = (float)c->temperature;
    for (size_t i = 0; i < n; i++) {
        p[i] = expf(t * (scores[i] - top));
        sum += p[i];
    }
    for (size_t i = 0; i < n; i++)
        p[i] /= sum;
}

static void terms_of(const float *p, size_t n, float known,
                     double ret[CALIBRATION_TERMS])
{
    double first = 0;
    double second = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] > first) {
            second = first;
            first = p[i];
        } else if (p[i] > second) {
            second = p[i];
        }
    }
    double q = fmin(fmax(first, 1e-4), 1 - 1e-4);
    ret[0] = 1;
    ret[1] = log(q / (1 - q));
    ret[2] = first - second;
    ret[3] = known;
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double dot(const double a[CALIBRATION_TERMS],
                  const double b[CALIBRATION_TERMS])
{
    double x = 0;
    for (int i = 0; i < CALIBRATION_TERMS; i++)
        x += a[i] * b[i];
    return x;
}

double calibration_confidence(const struct calibration *c, const float *p,
                              size_t n, float known)
{
    double x[CALIBRATION_TERMS];
    terms_of(p, n, known, x);
    return sigmoid(dot(c->terms, x));
}

/* Mean log loss of the rows at a temperature. */
static double loss_at(const struct calibration_row *rows, size_t n,
                      size_t n_classes, double temperature)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const float *s = rows[i].scores;
        double top = s[0];
        for (size_t c = 1; c < n_classes; c++)
            top = fmax(top, s[c]);
        double z = exp(temperature * (s[0] - top));
        for (size_t c = 1; c < n_classes; c++)
            z += exp(temperature * (s[c] - top));
        sum += log(z) - temperature * (s[rows[i].truth] - top);
    }
    return sum / (double)n;
}

/* Golden section on a logarithmic scale; the loss is convex in 1/T. */
static double fit_temperature(const struct calibration_row *rows, size_t n,
                              size_t n_classes)
{
    const double ratio = 0.6180339887498949;
    double low = log(0.05);
    double high = log(200);
    for (int i = 0; i < 24; i++) {
        double a = high - ratio * (high - low);
        double b = low + ratio * (high - low);
        if (loss_at(rows, n, n_classes, exp(a)) <
            loss_at(rows, n, n_classes, exp(b)))
            high = b;
        else
            low = a;
    }
    return exp((low + high) / 2);
}

/* Gaussian elimination with pivoting of a small symmetric system. */
static void solve(double m[CALIBRATION_TERMS][CALIBRATION_TERMS],
                  double v[CALIBRATION_TERMS])
{
    enum { N = CALIBRATION_TERMS };
    for (int i = 0; i < N; i++) {
        int best = i;
        for (int k = i + 1; k < N; k++)
            best = fabs(m[k][i]) > fabs(m[best][i]) ? k : best;
        for (int c = 0; c < N; c++) {
            double swap = m[i][c];
            m[i][c] = m[best][c];
            m[best][c] = swap;
        }
        double swap = v[i];
        v[i] = v[best];
        v[best] = swap;
        for (int k = i + 1; k < N; k++) {
            double by = m[k][i] / m[i][i];
            for (int c = i; c < N; c++)
                m[k][c] -= by * m[i][c];
            v[k] -= by * v[i];
        }
    }
    for (int i = N - 1; i >= 0; i--) {
        for (int c = i + 1; c < N; c++)
            v[i] -= m[i][c] * v[c];
        v[i] /= m[i][i];
    }
}

/* What terms are fitted to: texts, and whether their guess was right. */
struct fit {
    const double (*x)[CALIBRATION_TERMS];
    const int *right;
    size_t n;
};

/* A weak pull towards "the probability as it is" keeps few rows from making
 * wild terms. */
static const double prior[CALIBRATION_TERMS] = {0, 1, 0, 0};
static const double pull = 1;

/* The log likelihood less the pull: to be as great as can be. */
static double worth(const struct fit *f, const double terms[CALIBRATION_TERMS])
{
    double sum = 0;
    for (size_t r = 0; r < f->n; r++) {
        double z = dot(terms, f->x[r]);
        z = f->right[r] ? z : -z;
        sum += z > 0 ? -log1p(exp(-z)) : z - log1p(exp(z));
    }
    for (int i = 0; i < CALIBRATION_TERMS; i++)
        sum -= pull / 2 * (terms[i] - prior[i]) * (terms[i] - prior[i]);
    return sum;
}

/* Newton's step from `terms`. */
static void step_of(const struct fit *f, const double terms[CALIBRATION_TERMS],
                    double ret[CALIBRATION_TERMS])
{
    enum { N = CALIBRATION_TERMS };
    double h[N][N] = {{0}};
    for (int i = 0; i < N; i++) {
        ret[i] = pull * (prior[i] - terms[i]);
        h[i][i] = pull;
    }
    for (size_t r = 0; r < f->n; r++) {
        const double *x = f->x[r];
        double p = sigmoid(dot(terms, x));
        double w = p * (1 - p);
        for (int i = 0; i < N; i++) {
            ret[i] += (f->right[r] - p) * x[i];
            for (int k = 0; k < N; k++)
                h[i][k] += w * x[i] * x[k];
        }
    }
    solve(h, ret);
}

/*
 * Newton's method for logistic regression. A step that makes it worse is
 * halved: far from the best place the slope says little about how far to go.
 */
static void fit_terms(const struct fit *f, double terms[CALIBRATION_TERMS])
{
    enum { N = CALIBRATION_TERMS, STEPS = 50 };
    static const double least = 1e-9;
    memcpy(terms, prior, sizeof(prior));
    double now = worth(f, terms);
    for (int k = 0; k < STEPS; k++) {
        double step[N];
        double next[N];
        double then;
        double by = 2;
        step_of(f, terms, step);
        do {
            by /= 2;
            for (int i = 0; i < N; i++)
                next[i] = terms[i] + by * step[i];
            then = worth(f, next);
        } while (!(then >= now) && by > least);
        if (!(then > now + least))
            break;
        memcpy(terms, next, sizeof(next));
        now = then;
    }
}

static void mix_rows(const struct calibration_row *rows, size_t n,
                     size_t n_classes, double network)
{
    const struct calibration c = {.network = network};
    for (size_t i = 0; i < n; i++)
        calibration_mix(&c, rows[i].logits, n_classes, rows[i].scores);
}

/* The weight of the networks with the least log loss; mixes the rows by it. */
static double fit_network(const struct calibration_row *rows, size_t n,
                          size_t n_classes)
{
    size_t few = n < CHOOSE_ROWS ? n : CHOOSE_ROWS;
    struct calibration_row *some = mem_new(few, sizeof(*some));
    for (size_t i = 0; i < few; i++)
        some[i] = rows[i * n / few]; /* of all classes, if they are sorted */
    double least = INFINITY;
    double at = 0;
    double best = 0;
    for (int i = 0; i < CHOICES; i++) {
        double t = fit_temperature(some, few, n_classes);
        double loss = loss_at(some, few, n_classes, t);
        if (loss < least) {
            least = loss;
            best = at;
        }
        mix_rows(rows, n, n_classes, NETWORK_STEP);
        at += NETWORK_STEP;
    }
    mix_rows(rows, n, n_classes, best - at);
    free(some);
    return best;
}

static bool any_logits(const struct calibration_row *rows, size_t n,
                       size_t n_classes)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < n_classes; c++) {
            if (rows[i].logits[c] != 0)
                return true;
        }
    }
    return false;
}

void calibration_fit(const struct calibration_row *rows, size_t n,
                     size_t n_classes, struct calibration *ret)
{
    *ret = (struct calibration){.temperature = 1, .terms = {0, 1, 0, 0}};
    if (n == 0)
        return;
    if (any_logits(rows, n, n_classes))
        ret->network = fit_network(rows, n, n_classes);
    ret->temperature = fit_temperature(rows, n, n_classes);
    double(*x)[CALIBRATION_TERMS] = mem_new(n, sizeof(*x));
    int *right = mem_new(n, sizeof(*right));
    float *p = mem_new(n_classes, sizeof(*p));
    for (size_t i = 0; i < n; i++) {
        calibration_softmax(ret, rows[i].scores, n_classes, p);
        size_t top = 0;
        for (size_t c = 1; c < n_classes; c++)
            top = p[c] > p[top] ? c : top;
        right[i] = (int)top == rows[i].truth;
        terms_of(p, n_classes, rows[i].known, x[i]);
    }
    const struct fit f = {(const double(*)[CALIBRATION_TERMS])x, right, n};
    fit_terms(&f, ret->terms);
    free(x);
    free(right);
    free(p);
}

double calibration_error(const double *confidence, const int *right, size_t n,
                         int bins)
{
    double error = 0;
    for (int b = 0; b < bins; b++) {
        double sum = 0;
        double hits = 0;
        for (size_t i = 0; i < n; i++) {
            int own = (int)(confidence[i] * bins);
            own = own < 0 ? 0 : own >= bins ? bins - 1 : own;
            if (own != b)
                continue;
            sum += confidence[i];
            hits += right[i];
        }
        error += fabs(sum - hits);
    }
    return n ? error / (double)n : 0;
}

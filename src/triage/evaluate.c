/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "triage/calibrate.h"

static const double rates[EVALUATE_RATES] = {0.01, 0.02, 0.05, 0.10};

static int by_confidence(const void *a, const void *b)
{
    double x = ((const struct evaluated *)a)->confidence;
    double y = ((const struct evaluated *)b)->confidence;
    return (x < y) - (x > y);
}

double threshold_for(const struct evaluated *rows, size_t n, double error,
                     double *ret_coverage)
{
    struct evaluated *sorted = mem_try(n + 1, sizeof(*sorted));
    double threshold = 1.01;
    size_t taken = 0;
    size_t wrong = 0;
    if (!sorted)
        bug("no memory to sort %zu rows", n);
    memcpy(sorted, rows, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), by_confidence);
    for (size_t i = 0; i < n; i++) {
        wrong += sorted[i].truth != sorted[i].guess;
        bool last_of_equals =
            i + 1 == n || sorted[i + 1].confidence < sorted[i].confidence;
        if (last_of_equals && (double)wrong <= error * (double)(i + 1)) {
            threshold = sorted[i].confidence;
            taken = i + 1;
        }
    }
    free(sorted);
    if (ret_coverage)
        *ret_coverage = n ? (double)taken / (double)n : 0;
    return threshold;
}

static double ratio(size_t a, size_t b)
{
    return b ? (double)a / (double)b : 0;
}

static void score_classes(struct evaluation *x, const char *const *labels,
                          struct arena *a)
{
    size_t k = x->n_classes;
    struct class_score *classes = ARENA_ARRAY(a, struct class_score, k);
    size_t present = 0;
    size_t hits = 0;
    for (size_t c = 0; c < k; c++) {
        size_t guessed = 0;
        struct class_score *s = &classes[c];
        s->label = labels[c];
        for (size_t o = 0; o < k; o++) {
            s->support += x->confusion[c * k + o];
            guessed += x->confusion[o * k + c];
        }
        size_t right = x->confusion[c * k + c];
        s->precision = ratio(right, guessed);
        s->recall = ratio(right, s->support);
        double sum = s->precision + s->recall;
        s->f1 = sum > 0 ? 2 * s->precision * s->recall / sum : 0;
        hits += right;
        if (s->support || guessed) {
            x->macro_f1 += s->f1;
            present++;
        }
        x->weighted_f1 += s->f1 * (double)s->support;
    }
    x->accuracy = ratio(hits, x->n);
    x->macro_f1 /= present ? (double)present : 1;
    x->weighted_f1 /= x->n ? (double)x->n : 1;
    x->classes = classes;
}

static void fill_bins(const struct evaluated *rows, size_t n,
                      struct evaluation *x)
{
    double *confidence = mem_new(n + 1, sizeof(*confidence));
    double variance[EVALUATE_BINS] = {0};
    int *right = mem_new(n + 1, sizeof(*right));
    for (size_t i = 0; i < n; i++) {
        confidence[i] = rows[i].confidence;
        right[i] = rows[i].truth == rows[i].guess;
        int b = (int)(rows[i].confidence * EVALUATE_BINS);
        b = b < 0 ? 0 : b >= EVALUATE_BINS ? EVALUATE_BINS - 1 : b;
        x->bins[b].n++;
        x->bins[b].confidence += confidence[i];
        x->bins[b].accuracy += right[i];
        variance[b] += confidence[i] * (1 - confidence[i]);
    }
    for (int b = 0; b < EVALUATE_BINS; b++) {
        double in_bin = x->bins[b].n ? (double)x->bins[b].n : 1;
        x->bins[b].confidence /= in_bin;
        x->bins[b].accuracy /= in_bin;
        /* the mean of |N(0, v)| is sqrt(2 v / pi) */
        x->ece_by_chance += sqrt(M_2_PI * variance[b]) / (double)(n ? n : 1);
    }
    x->ece = calibration_error(confidence, right, n, EVALUATE_BINS);
    free(confidence);
    free(right);
}

void evaluate(const struct evaluated *rows, size_t n, const char *const *labels,
              size_t n_classes, struct arena *a, struct evaluation *ret)
{
    *ret = (struct evaluation){.n = n, .n_classes = n_classes};
    uint32_t *confusion = ARENA_ARRAY(a, uint32_t, n_classes * n_classes);
    for (size_t i = 0; i < n; i++)
        confusion[(size_t)rows[i].truth * n_classes + (size_t)rows[i].guess]++;
    ret->confusion = confusion;
    score_classes(ret, labels, a);
    fill_bins(rows, n, ret);
    for (int i = 0; i < EVALUATE_RATES; i++) {
        ret->rates[i].error = rates[i];
        ret->rates[i].threshold =
            threshold_for(rows, n, rates[i], &ret->rates[i].coverage);
    }
}

/* ---- text
 * ----------------------------------------------------------------------------
 */

/* `label` in a column of `width` characters, cut or padded. */
static void put_column(const char *label, size_t width, struct buf *ret)
{
    struct str s = str_from(label);
    while (utf8_len(s) > width)
        s = utf8_cut(s, s.n - 1);
    buf_put_str(ret, s);
    for (size_t i = utf8_len(s); i < width; i++)
        buf_putc(ret, ' ');
}

static void put_confusion(const struct evaluation *x, struct buf *ret)
{
    enum { WIDTH = 16, SHOWN = 20 };
    if (x->n_classes > SHOWN)
        return;
    buf_puts(ret, "\nConfusion (rows: truth, columns: predicted)\n");
    for (size_t t = 0; t < x->n_classes; t++) {
        buf_printf(ret, "%3zu ", t + 1);
        put_column(x->classes[t].label, WIDTH, ret);
        for (size_t g = 0; g < x->n_classes; g++)
            buf_printf(ret, " %5u", x->confusion[t * x->n_classes + g]);
        buf_putc(ret, '\n');
    }
}

void evaluation_text(const struct evaluation *x, struct buf *ret)
{
    enum { WIDTH = 32 };
    buf_printf(ret,
               "rows %zu, classes %zu\naccuracy    %.4f\nmacro F1    "
               "%.4f\nweighted F1 %.4f\nECE         %.4f (%.4f by chance "
               "alone)\n\n",
               x->n, x->n_classes, x->accuracy, x->macro_f1, x->weighted_f1,
               x->ece, x->ece_by_chance);
    put_column("class", WIDTH, ret);
    buf_puts(ret, " precision  recall      F1  support\n");
    for (size_t c = 0; c < x->n_classes; c++) {
        const struct class_score *s = &x->classes[c];
        put_column(s->label, WIDTH, ret);
        buf_printf(ret, "     %.3f   %.3f   %.3f  %7zu\n", s->precision,
                   s->recall, s->f1, s->support);
    }
    put_confusion(x, ret);
    buf_puts(ret, "\nConfidence and what came true\n");
    for (int b = 0; b < EVALUATE_BINS; b++) {
        if (x->bins[b].n)
            buf_printf(ret, "%.1f-%.1f  said %.3f  was %.3f  %7zu\n", b / 10.0,
                       (b + 1) / 10.0, x->bins[b].confidence,
                       x->bins[b].accuracy, x->bins[b].n);
    }
    buf_puts(ret, "\nDecided alone at most so many errors\n");
    for (int i = 0; i < EVALUATE_RATES; i++)
        buf_printf(ret,
                   "%4.0f %% wrong: %5.1f %% of all, from confidence %.3f\n",
                   100 * x->rates[i].error, 100 * x->rates[i].coverage,
                   x->rates[i].threshold);
}

/* ---- JSON
 * ------------------------------------------------------------------------------
 */

static void put_field(struct buf *b, const char *name, double x)
{
    buf_printf(b, "\"%s\":", name);
    json_put_real(b, x);
    buf_putc(b, ',');
}

void evaluation_json(const struct evaluation *x, struct buf *ret)
{
    buf_printf(ret, "{\"rows\":%zu,", x->n);
    put_field(ret, "accuracy", x->accuracy);
    put_field(ret, "macro_f1", x->macro_f1);
    put_field(ret, "weighted_f1", x->weighted_f1);
    put_field(ret, "ece", x->ece);
    put_field(ret, "ece_by_chance", x->ece_by_chance);
    buf_puts(ret, "\"classes\":[");
    for (size_t c = 0; c < x->n_classes; c++) {
        const struct class_score *s = &x->classes[c];
        buf_puts(ret, c ? ",{\"label\":" : "{\"label\":");
        json_put_text(ret, str_from(s->label));
        buf_putc(ret, ',');
        put_field(ret, "precision", s->precision);
        put_field(ret, "recall", s->recall);
        put_field(ret, "f1", s->f1);
        buf_printf(ret, "\"support\":%zu}", s->support);
    }
    buf_puts(ret, "],\"confusion\":[");
    for (size_t t = 0; t < x->n_classes; t++) {
        buf_puts(ret, t ? ",[" : "[");
        for (size_t g = 0; g < x->n_classes; g++)
            buf_printf(ret, g ? ",%u" : "%u",
                       x->confusion[t * x->n_classes + g]);
        buf_putc(ret, ']');
    }
    buf_puts(ret, "],\"calibration\":[");
    for (int b = 0; b < EVALUATE_BINS; b++) {
        buf_puts(ret, b ? ",{" : "{");
        put_field(ret, "confidence", x->bins[b].confidence);
        put_field(ret, "accuracy", x->bins[b].accuracy);
        buf_printf(ret, "\"rows\":%zu}", x->bins[b].n);
    }
    buf_puts(ret, "],\"coverage\":[");
    for (int i = 0; i < EVALUATE_RATES; i++) {
        buf_puts(ret, i ? ",{" : "{");
        put_field(ret, "error", x->rates[i].error);
        put_field(ret, "threshold", x->rates[i].threshold);
        buf_puts(ret, "\"coverage\":");
        json_put_real(ret, x->rates[i].coverage);
        buf_putc(ret, '}');
    }
    buf_puts(ret, "]}");
}

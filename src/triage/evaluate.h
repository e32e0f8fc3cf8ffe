/*
 * triage/evaluate.h - how good is it?
 *
 * From rows of (truth, prediction, confidence): accuracy, F1, a table a
 * class, the confusion matrix, calibration, and how much could be decided
 * alone at a given share of errors; as text, JSON and pictures.
 */
#ifndef OTK_TRIAGE_EVALUATE_H
#define OTK_TRIAGE_EVALUATE_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct err;

enum { EVALUATE_BINS = 10, EVALUATE_RATES = 4 };

struct evaluated {
    int truth, guess; /* classes, 0 … n_classes-1 */
    double confidence;
};

struct class_score {
    const char *label;
    size_t support; /* rows of this class */
    double precision, recall, f1;
};

struct evaluation {
    size_t n, n_classes;
    double accuracy, macro_f1, weighted_f1;
    double ece;           /* expected calibration error, bins of equal width */
    double ece_by_chance; /* what chance alone gives confidences that are
                             exactly right, on so many rows */
    const struct class_score *classes;
    const uint32_t *confusion; /* n_classes × n_classes, truth by guess */
    struct {
        size_t n;
        double confidence, accuracy;
    } bins[EVALUATE_BINS];
    struct {
        double error;        /* at most this share wrong … */
        double coverage;     /* … when this share is decided */
        double threshold;    /* … from this confidence on */
    } rates[EVALUATE_RATES]; /* 1, 2, 5, 10 % */
};

/* All of `ret` lives in `a`; labels are borrowed. */
void evaluate(const struct evaluated *rows, size_t n, const char *const *labels,
              size_t n_classes, struct arena *a, struct evaluation *ret);

void evaluation_text(const struct evaluation *x, struct buf *ret);
void evaluation_json(const struct evaluation *x, struct buf *ret);

/* PREFIX-confusion.png and PREFIX-calibration.png. */
int evaluation_pictures(const struct evaluation *x, const char *prefix,
                        struct err *e);

/* The lowest confidence from which on at most `error` were wrong; above 1
 * when there is none. *ret_coverage (may be NULL): how much that decides. */
double threshold_for(const struct evaluated *rows, size_t n, double error,
                     double *ret_coverage);

#endif

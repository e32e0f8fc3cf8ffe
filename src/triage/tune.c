/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/tune.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"
#include "triage/calibrate.h"
#include "triage/evaluate.h"
#include "triage/model_json.h"

/* Every class wants a name in an evaluation; nobody reads these. */
static const char *const *unnamed(struct arena *a, size_t n)
{
    const char **names = ARENA_ARRAY(a, const char *, n);
    for (size_t i = 0; i < n; i++)
        names[i] = "";
    return names;
}

void tune_thresholds(const struct calibration_row *rows, size_t n,
                     double auto_error, double suggest_error,
                     struct model_task *t)
{
    size_t n_classes = task_classes(&t->shape);
    struct arena *a = arena_new();
    struct evaluated *done = mem_try(n + 1, sizeof(*done));
    float *p = mem_new(n_classes, sizeof(*p));
    if (!done)
        bug("no memory to tune on %zu rows", n);
    for (size_t i = 0; i < n; i++) {
        calibration_softmax(&t->calibration, rows[i].scores, n_classes, p);
        size_t top = 0;
        for (size_t c = 1; c < n_classes; c++)
            top = p[c] > p[top] ? c : top;
        done[i] = (struct evaluated){
            .truth = rows[i].truth,
            .guess = (int)top,
            .confidence = calibration_confidence(&t->calibration, p, n_classes,
                                                 rows[i].known)};
    }
    struct evaluation x;
    evaluate(done, n, unnamed(a, n_classes), n_classes, a, &x);
    t->about.accuracy = x.accuracy;
    t->about.macro_f1 = x.macro_f1;
    t->about.ece = x.ece;
    t->about.auto_threshold = threshold_for(done, n, auto_error, NULL);
    t->about.suggest_threshold = threshold_for(done, n, suggest_error, NULL);
    /* surer than blind guessing by half, or it is nothing we know */
    t->none_below = 1.5 / (double)(n_classes + 1);
    free(p);
    free(done);
    arena_free(a);
}

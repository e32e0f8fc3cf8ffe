/* SPDX-License-Identifier: Apache-2.0 */
/* Training the linear engine: vectors, one solver run a task, networks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "triage/engine.h"
#include "triage/lessons.h"
#include "triage/linear.h"
#include "triage/linear_train.h"
#include "triage/model_json.h"
#include "triage/network_train.h"
#include "triage/quantize.h"
#include "triage/solver.h"
#include "triage/train.h"

enum {
    PATH_BYTES = 4096,
    MANY_TEXTS = 5000, /* from here on a feature must stand in two texts */
};
static const size_t FILE_BYTES = (size_t)1 << 32;

static int write_file(const char *folder, const struct vectors *v,
                      const float *weights, const float *bias, size_t n_classes,
                      struct err *e)
{
    const struct dictionary *d = &v->dictionary;
    struct linear_header h = {
        .magic = LINEAR_MAGIC,
        .n_features = d->n,
        .n_classes = (uint32_t)n_classes,
        .slots = d->slots,
    };
    size_t cells = (size_t)d->n * n_classes;
    int8_t *small = mem_try(cells + 4, 1);
    float *scale = mem_try(d->n + 1, sizeof(*scale));
    struct buf b = BUF_INIT(FILE_BYTES);
    if (!small || !scale) {
        free(small);
        free(scale);
        return err_set(e, OTK_ELIMIT, "no memory for %zu weights", cells);
    }
    for (size_t f = 0; f < d->n; f++)
        scale[f] =
            quantize(weights + f * n_classes, n_classes, small + f * n_classes);
    buf_put(&b, &h, sizeof(h));
    buf_put(&b, d->table, (size_t)d->slots * 8);
    buf_put(&b, d->idf, (size_t)d->n * 4);
    buf_put(&b, scale, (size_t)d->n * 4);
    buf_put(&b, small, cells + (4 - (sizeof(h) + cells) % 4) % 4);
    buf_put(&b, bias, n_classes * 4);
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/linear.bin", folder);
    int r = file_write(path, buf_str(&b), 0644, e);
    buf_free(&b);
    free(small);
    free(scale);
    return r;
}

int linear_train(const struct triage_dataset *d, const struct model_json *m,
                 const int *const *truth, const struct triage_train_options *o,
                 const char *folder, struct err *e)
{
    struct vectors v;
    struct lessons x;
    lessons_take(d, truth, m->n_tasks, &x);
    vectors_build(x.texts, x.n, x.n >= MANY_TEXTS ? 2 : 1, o->threads, &v);
    float *weights =
        mem_try((size_t)v.dictionary.n * m->n_classes + 1, sizeof(*weights));
    if (!weights) {
        uint32_t n = v.dictionary.n;
        vectors_free(&v);
        lessons_free(&x);
        return err_set(e, OTK_ELIMIT, "no memory for %u features", n);
    }
    float *bias = mem_new(m->n_classes, sizeof(*bias));
    int r = OTK_OK;
    for (size_t t = 0; !r && t < m->n_tasks; t++) {
        struct solver_task task = {
            .vectors = &v,
            .truth = x.truth[t],
            .n_classes = task_classes(&m->tasks[t].shape),
            .c = o->c,
            .seed = o->seed,
        };
        size_t at = m->tasks[t].shape.at;
        r = solver_run(&task, weights + at, m->n_classes, bias + at, e);
    }
    if (!r)
        r = write_file(folder, &v, weights, bias, m->n_classes, e);
    free(weights);
    free(bias);
    if (!r)
        r = network_train(&v, m, (const int *const *)x.truth, o, folder, e);
    vectors_free(&v);
    lessons_free(&x);
    return r;
}

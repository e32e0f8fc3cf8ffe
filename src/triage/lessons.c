/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/lessons.h"

#include <stdlib.h>

#include "base/mem.h"
#include "triage/train.h"

static void lesson_add(struct lessons *x, struct str text,
                       const int *const *truth, size_t n_tasks, size_t row)
{
    x->texts[x->n] = text;
    for (size_t t = 0; t < n_tasks; t++)
        x->truth[t][x->n] = truth[t][row];
    x->n++;
}

void lessons_take(const struct triage_dataset *d, const int *const *truth,
                  size_t n_tasks, struct lessons *ret)
{
    *ret = (struct lessons){.texts = mem_new(2 * d->n + 1, sizeof(struct str))};
    for (size_t t = 0; t < n_tasks; t++)
        ret->truth[t] = mem_new(2 * d->n + 1, sizeof(int));
    for (size_t i = 0; i < d->n; i++)
        lesson_add(ret, d->texts[i], truth, n_tasks, i);
    for (size_t i = 0; d->answers && i < d->n; i++) {
        if (d->answers[i].n)
            lesson_add(ret, d->answers[i], truth, n_tasks, i);
    }
}

void lessons_free(struct lessons *x)
{
    free(x->texts);
    for (size_t t = 0; t < TRIAGE_TASKS_MAX; t++)
        free(x->truth[t]);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/lanes.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/encoder.h"
#include "model/model.h"

/* Of a batch: as many as an encoder computes at a time, and no one waits longer
 * than for two of them. */
enum { TOKENS_MAX = 256, TEXTS_MAX = 64 };

/* A text on the stack of who brought it. */
struct waiting {
    const struct encoded *text;
    float *ret;
    int code;
    struct err *err; /* NULL: only the code is wanted */
    bool done;
    pthread_cond_t turn; /* done, or first in the row */
    struct waiting *next;
};

struct lanes {
    const struct model *model;
    pthread_mutex_t lock; /* guards what is below */
    struct waiting *first, **last;
    size_t tokens;             /* of those in the row */
    struct session **sessions; /* of lanes that are free: n_free */
    int n_free;
    struct lanes_count count;
};

struct lanes *lanes_new(const struct model *m, int n)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct lanes *l = MEM_NEW(struct lanes);
    n = n > 0 ? n : cores > 0 ? (int)cores : 1;
    n = n < LANES_MAX ? n : LANES_MAX;
    *l = (struct lanes){.model = m, .n_free = n};
    l->last = &l->first;
    l->sessions = mem_new((size_t)n, sizeof(struct session *));
    for (int i = 0; i < n; i++)
        l->sessions[i] = session_new(1);
    (void)pthread_mutex_init(&l->lock, NULL);
    return l;
}

void lanes_free(struct lanes *l)
{
    if (!l)
        return;
    for (int i = 0; i < l->n_free; i++)
        session_free(l->sessions[i]);
    (void)pthread_mutex_destroy(&l->lock);
    free(l->sessions);
    free(l);
}

/* ---- the row
 * -------------------------------------------------------------------------- */

static void push(struct lanes *l, struct waiting *w)
{
    *l->last = w;
    l->last = &w->next;
    l->tokens += w->text->n;
}

/* The first of the row and those behind it that fit; how many. */
static size_t take(struct lanes *l, struct waiting **ret)
{
    size_t share = l->tokens / (size_t)l->n_free;
    size_t most = share < TOKENS_MAX ? share : TOKENS_MAX;
    size_t tokens = 0;
    size_t n = 0;
    while (l->first && n < TEXTS_MAX &&
           (n == 0 || tokens + l->first->text->n <= most)) {
        ret[n] = l->first;
        tokens += ret[n++]->text->n;
        l->first = l->first->next;
    }
    if (!l->first)
        l->last = &l->first;
    l->tokens -= tokens;
    return n;
}

/* Let the first of the row know that it may lead. */
static void call_first(struct lanes *l)
{
    if (l->first && l->n_free > 0)
        (void)pthread_cond_signal(&l->first->turn);
}

/* ---- a batch
 * ----------------------------------------------------------------------- */

static void compute(const struct lanes *l, struct session *s,
                    struct waiting *const *list, size_t n)
{
    struct encoded texts[TEXTS_MAX];
    size_t hidden = model_info(l->model)->config->hidden;
    float *rows = mem_new(n * hidden, sizeof(*rows));
    struct err e = {0};
    for (size_t i = 0; i < n; i++)
        texts[i] = *list[i]->text;
    int r = model_pool(l->model, s, texts, n, rows, &e);
    for (size_t i = 0; i < n; i++) {
        /* what is wrong with one of several is no other's fault */
        list[i]->code = r && n > 1 ? model_pool(l->model, s, &texts[i], 1,
                                                rows + i * hidden, &e)
                                   : r;
        if (list[i]->code && list[i]->err)
            *list[i]->err = e;
        else if (!list[i]->code)
            memcpy(list[i]->ret, rows + i * hidden, hidden * sizeof(*rows));
    }
    free(rows);
}

/* With the lock held, as it is afterwards. */
static void lead(struct lanes *l)
{
    struct waiting *list[TEXTS_MAX];
    size_t n = take(l, list);
    struct session *s = l->sessions[--l->n_free];
    l->count.batches++;
    l->count.texts += n;
    call_first(l); /* another lane may be free, too */
    pthread_mutex_unlock(&l->lock);
    compute(l, s, list, n);
    pthread_mutex_lock(&l->lock);
    l->sessions[l->n_free++] = s;
    for (size_t i = 0; i < n; i++) {
        list[i]->done = true;
        (void)pthread_cond_signal(&list[i]->turn);
    }
    call_first(l);
}

int lanes_pool(struct lanes *l, const struct encoded *text, float *ret,
               struct err *e)
{
    struct waiting w = {.text = text, .err = e};
    w.ret = ret;
    (void)pthread_cond_init(&w.turn, NULL);
    pthread_mutex_lock(&l->lock);
    push(l, &w);
    while (!w.done) {
        if (l->first == &w && l->n_free > 0)
            lead(l);
        else
            (void)pthread_cond_wait(&w.turn, &l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    (void)pthread_cond_destroy(&w.turn);
    return w.code;
}

struct lanes_count lanes_count(struct lanes *l)
{
    pthread_mutex_lock(&l->lock);
    struct lanes_count c = l->count;
    pthread_mutex_unlock(&l->lock);
    return c;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

struct http_pool {
    struct http_pool_options o;
    pthread_mutex_t lock;
    pthread_cond_t some;
    pthread_t *threads;
    void **ring;
    size_t head, n; /* guarded by lock */
    bool stop;
};

static void *take(struct http_pool *p)
{
    void *item = NULL;
    pthread_mutex_lock(&p->lock);
    while (p->n == 0 && !p->stop)
        (void)pthread_cond_wait(&p->some, &p->lock);
    if (p->n) {
        item = p->ring[p->head];
        p->head = (p->head + 1) % p->o.queue_max;
        p->n--;
    }
    pthread_mutex_unlock(&p->lock);
    return item;
}

static void *work(void *arg)
{
    struct http_pool *p = arg;
    void *worker = p->o.worker_new ? p->o.worker_new(p->o.ctx) : NULL;
    void *item;
    while ((item = take(p)))
        p->o.run(item, worker);
    if (worker)
        p->o.worker_free(worker);
    return NULL;
}

struct http_pool *http_pool_new(const struct http_pool_options *o)
{
    struct http_pool *p = MEM_NEW(struct http_pool);
    p->o = *o;
    p->ring = mem_new(o->queue_max, sizeof(*p->ring));
    p->threads = mem_new((size_t)o->threads, sizeof(*p->threads));
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->some, NULL);
    for (int i = 0; i < o->threads; i++) {
        if (pthread_create(&p->threads[i], NULL, work, p))
            bug("no thread for an HTTP worker");
    }
    return p;
}

bool http_pool_put(struct http_pool *p, void *item)
{
    pthread_mutex_lock(&p->lock);
    bool ok = !p->stop && p->n < p->o.queue_max;
    if (ok) {
        p->ring[(p->head + p->n) % p->o.queue_max] = item;
        p->n++;
        (void)pthread_cond_signal(&p->some);
    }
    pthread_mutex_unlock(&p->lock);
    return ok;
}

size_t http_pool_waiting(struct http_pool *p)
{
    pthread_mutex_lock(&p->lock);
    size_t n = p->n;
    pthread_mutex_unlock(&p->lock);
    return n;
}

void http_pool_end(struct http_pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    (void)pthread_cond_broadcast(&p->some);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->o.threads; i++)
        (void)pthread_join(p->threads[i], NULL);
}

void http_pool_free(struct http_pool *p)
{
    (void)pthread_mutex_destroy(&p->lock);
    (void)pthread_cond_destroy(&p->some);
    free(p->threads);
    free(p->ring);
    free(p);
}

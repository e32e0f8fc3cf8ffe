/*
 * api/http_pool.h - worker threads behind a bounded queue
 *
 * The network threads put requests in; a worker takes each and runs it. The
 * queue never grows over its bound: pool_put() then says no, and the client
 * hears 503.
 */
#ifndef OTK_API_HTTP_POOL_H
#define OTK_API_HTTP_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct http_pool;

struct http_pool_options {
    int threads;
    size_t queue_max;
    void (*run)(void *item, void *worker);
    void *(*worker_new)(void *ctx); /* may be NULL */
    void (*worker_free)(void *worker);
    void *ctx;
};

struct http_pool *http_pool_new(const struct http_pool_options *o);
bool http_pool_put(struct http_pool *p, void *item); /* false: full or over */
size_t http_pool_waiting(struct http_pool *p);
void http_pool_end(struct http_pool *p);  /* runs what waits, takes no more */
void http_pool_free(struct http_pool *p); /* after http_pool_end() */

#endif

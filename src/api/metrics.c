/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics in the Prometheus text format 0.0.4. */
#include <stdatomic.h>
#include <stdlib.h>

#include "api/api.h"
#include "base/mem.h"

enum { CLASSES = 6 };

static const int64_t bounds_us[] = {100,   300,    1000,   3000,   10000,
                                    30000, 100000, 300000, 1000000};
enum { BOUNDS = sizeof(bounds_us) / sizeof(bounds_us[0]) };

struct counted {
    _Atomic uint64_t requests[CLASSES]; /* by status / 100 */
    _Atomic uint64_t buckets[BOUNDS + 1];
    _Atomic uint64_t micros;
};

struct metrics {
    struct counted *routes; /* as many as api_routes has */
    size_t n;
    _Atomic uint64_t lost; /* no route: 404 and the like */
};

struct metrics *metrics_new(void)
{
    struct metrics *m = MEM_NEW(struct metrics);
    while (api_routes[m->n].method)
        m->n++;
    m->routes = mem_new(m->n, sizeof(*m->routes));
    return m;
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    free(m->routes);
    free(m);
}

void metrics_count(struct metrics *m, const struct http_route *route,
                   int status, int64_t micros)
{
    size_t i = route ? (size_t)(route - api_routes) : m->n;
    if (i >= m->n) {
        m->lost++;
        return;
    }
    struct counted *c = &m->routes[i];
    int class = status / 100;
    size_t b = 0;
    while (b < BOUNDS && micros > bounds_us[b])
        b++;
    c->requests[class < CLASSES ? class : 0]++;
    c->buckets[b]++;
    c->micros += (uint64_t)micros;
}

static void put_route(const struct metrics *m, size_t i, struct buf *b)
{
    const struct http_route *r = &api_routes[i];
    uint64_t sum = 0;
    for (size_t k = 0; k <= BOUNDS; k++) {
        sum += m->routes[i].buckets[k];
        buf_printf(b,
                   "otklik_http_seconds_bucket{method=\"%s\",path=\"%s\",le=",
                   r->method, r->pattern);
        if (k < BOUNDS)
            buf_printf(b, "\"%g\"", (double)bounds_us[k] / 1e6);
        else
            buf_puts(b, "\"+Inf\"");
        buf_printf(b, "} %llu\n", (unsigned long long)sum);
    }
    buf_printf(b,
               "otklik_http_seconds_sum{method=\"%s\",path=\"%s\"} %g\n"
               "otklik_http_seconds_count{method=\"%s\",path=\"%s\"} %llu\n",
               r->method, r->pattern, (double)m->routes[i].micros / 1e6,
               r->method, r->pattern, (unsigned long long)sum);
}

static bool was_asked(const struct metrics *m, size_t i)
{
    for (int c = 0; c < CLASSES; c++) {
        if (m->routes[i].requests[c])
            return true;
    }
    return false;
}

void metrics_get(const struct http_request *q, struct http_reply *r)
{
    const struct metrics *m = api_metrics(api_of(q));
    struct buf *b = &r->body;
    r->type = "text/plain; version=0.0.4; charset=utf-8";
    buf_puts(b,
             "# HELP otklik_http_requests_total Requests by route and "
             "class of status.\n# TYPE otklik_http_requests_total counter\n");
    for (size_t i = 0; i < m->n; i++) {
        for (int c = 0; c < CLASSES; c++) {
            if (m->routes[i].requests[c])
                buf_printf(b,
                           "otklik_http_requests_total{method=\"%s\",path="
                           "\"%s\",status=\"%dxx\"} %llu\n",
                           api_routes[i].method, api_routes[i].pattern, c,
                           (unsigned long long)m->routes[i].requests[c]);
        }
    }
    buf_printf(b, "otklik_http_requests_total{path=\"none\"} %llu\n",
               (unsigned long long)m->lost);
    buf_puts(b, "# HELP otklik_http_seconds Time to the reply.\n# TYPE "
                "otklik_http_seconds histogram\n");
    for (size_t i = 0; i < m->n; i++) {
        if (was_asked(m, i))
            put_route(m, i, b);
    }
    api_more_metrics(api_of(q), b);
}

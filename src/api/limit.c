/* SPDX-License-Identifier: Apache-2.0 */
#include "api/limit.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

/*
 * A set-associative table: a client lives in one of WAYS slots of its set,
 * and takes the one seen longest ago when it is new.
 */
enum { WAYS = 8 };

struct bucket {
    uint64_t client; /* hash; 0: free */
    double tokens;
    int64_t at; /* mono ms of the last look */
};

struct limit {
    pthread_mutex_t lock;
    size_t sets;
    struct bucket *buckets;
};

struct limit *limit_new(size_t clients_max)
{
    struct limit *l = MEM_NEW(struct limit);
    l->sets = 1 + clients_max / WAYS;
    l->buckets = mem_new(l->sets * WAYS, sizeof(*l->buckets));
    (void)pthread_mutex_init(&l->lock, NULL);
    return l;
}

void limit_free(struct limit *l)
{
    if (!l)
        return;
    (void)pthread_mutex_destroy(&l->lock);
    free(l->buckets);
    free(l);
}

static struct bucket *bucket_of(struct limit *l, uint64_t client, double burst,
                                int64_t now)
{
    struct bucket *set = l->buckets + (client % l->sets) * WAYS;
    struct bucket *oldest = set;
    for (struct bucket *b = set; b < set + WAYS; b++) {
        if (b->client == client)
            return b;
        if (b->at < oldest->at)
            oldest = b;
    }
    *oldest = (struct bucket){.client = client, .tokens = burst, .at = now};
    return oldest;
}

bool limit_take(struct limit *l, struct limit_rate rate, struct str client,
                int64_t mono_ms, int *ret_wait_s)
{
    double per_ms = rate.per_minute / MS_MINUTE;
    double burst = rate.burst < 1 ? 1 : rate.burst;
    if (per_ms <= 0)
        return true;
    uint64_t h = str_hash(client) | 1;
    pthread_mutex_lock(&l->lock);
    struct bucket *b = bucket_of(l, h, burst, mono_ms);
    b->tokens += (double)(mono_ms - b->at) * per_ms;
    b->at = mono_ms;
    if (b->tokens > burst)
        b->tokens = burst;
    bool ok = b->tokens >= 1;
    if (ok)
        b->tokens -= 1;
    else
        *ret_wait_s = 1 + (int)((1 - b->tokens) / per_ms / MS_SECOND);
    pthread_mutex_unlock(&l->lock);
    return ok;
}

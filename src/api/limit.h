/*
 * api/limit.h - rate limits by token bucket
 *
 * Each client (a key, a member of staff, an address) has a bucket that holds
 * up to `burst` tokens and gains `per_minute` a minute; both may be others from
 * one time to the next. The table is bounded:
 * the least recently seen client is forgotten first, which only ever forgives.
 *
 * Threads: any.
 */
#ifndef OTK_API_LIMIT_H
#define OTK_API_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct limit;

struct limit *limit_new(size_t clients_max);
void limit_free(struct limit *l);

struct limit_rate {
    double per_minute; /* 0: no limit */
    double burst;      /* at least 1 is taken */
};

/* Take one token; false: *ret_wait_s says when the next will be there. */
bool limit_take(struct limit *l, struct limit_rate rate, struct str client,
                int64_t mono_ms, int *ret_wait_s);

#endif

/*
 * api/limit.h - rate limits by token bucket
 *
 * Each client (a key, a member of staff, an address) has a bucket that holds
 * up to `burst` tokens and gains `per_minute` a minute. The table is bounded:
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

/* per_minute 0: no limit. */
struct limit *limit_new(double per_minute, double burst, size_t clients_max);
void limit_free(struct limit *l);

/* Take one token; false: *ret_wait_s says when the next will be there. */
bool limit_take(struct limit *l, struct str client, int64_t mono_ms,
                int *ret_wait_s);

#endif

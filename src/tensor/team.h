/*
 * tensor/team.h - threads that compute one thing together
 *
 * A team of n is the thread that asks and n - 1 others. Between pieces of work
 * those look for more for a few microseconds, then sleep (futex): a team that
 * has nothing to do costs nothing. One thread at a time may use a team.
 */
#ifndef OTK_TENSOR_TEAM_H
#define OTK_TENSOR_TEAM_H

#include <stddef.h>

struct team;

/* 1 … 64; 1 is no thread beside the caller's. */
struct team *team_new(int threads);
void team_free(struct team *t); /* NULL is fine */
int team_size(const struct team *t);

/*
 * Calls `part(arg, i, team_size())` once for each i below team_size(), all at
 * the same time, and returns when all have returned.
 */
void team_run(struct team *t, void (*part)(void *arg, int i, int n), void *arg);

/* The i-th of n even shares of `all`, in steps of `step`. */
static inline void team_share(size_t all, size_t step, int i, int n,
                              size_t *ret_from, size_t *ret_to)
{
    size_t steps = (all + step - 1) / step;
    size_t from = steps * (size_t)i / (size_t)n * step;
    size_t to = steps * (size_t)(i + 1) / (size_t)n * step;
    *ret_from = from < all ? from : all;
    *ret_to = to < all ? to : all;
}

#endif

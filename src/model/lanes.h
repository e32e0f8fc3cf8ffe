/*
 * model/lanes.h - texts that wait together are computed together
 *
 * Any number of threads bring a text each, but only as many forwards run at a
 * time as there are lanes, each on the one thread that leads it: more would
 * drive each other out of the caches. Who finds a lane free takes what waits,
 * the oldest first, up to a budget of tokens and not more than its lane's even
 * share, computes it as one batch, and wakes those who brought it. Nobody
 * waits for a timer or for others to come: a text that is alone starts at once.
 *
 * What a text gives does not depend on what it was computed with.
 */
#ifndef OTK_MODEL_LANES_H
#define OTK_MODEL_LANES_H

#include <stddef.h>

struct encoded;
struct err;
struct lanes;
struct model;

/* `m` must outlive it; n: 1 … LANES_MAX, 0: one a core. */
enum { LANES_MAX = 64 };
struct lanes *lanes_new(const struct model *m, int n);
void lanes_free(struct lanes *l); /* nobody is in it; NULL is fine */

/*
 * model_pool() of one text, hidden numbers to `ret`; any thread, which waits
 * for its result. Errors as model_pool()'s.
 */
int lanes_pool(struct lanes *l, const struct encoded *text, float *ret,
               struct err *e);

/* How many batches were computed, and of how many texts together. */
struct lanes_count {
    size_t batches, texts;
};
struct lanes_count lanes_count(struct lanes *l);

#endif

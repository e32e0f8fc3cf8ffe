/*
 * desk/similar.h - tickets that are about the same
 *
 * Candidates are the tickets whose requests share words with the first request
 * of this one, rare words first, and the newest open ones of its topic. How
 * alike two are is the part of their words that they share, each counted by its
 * rarity (Dice); where a language model helps search (knowledge.model), the
 * nearness of its vectors has the weight that it has there.
 */
#ifndef OTK_DESK_SIMILAR_H
#define OTK_DESK_SIMILAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct desk;
struct desk_worker;
struct err;

enum { SIMILAR_MAX = 8 };

struct similar {
    int64_t ticket_id;
    struct str subject, state;
    int64_t created_at;
    double likeness; /* 0-1 */
};

/* The most alike first, none that has little to do with it; `ret` has room for
 * SIMILAR_MAX. Texts live in `a`. OTK_ENOENT: no such ticket. */
int similar_find(struct desk *d, struct desk_worker *w, int64_t ticket_id,
                 struct arena *a, struct similar *ret, size_t *ret_n,
                 struct err *e);

#endif

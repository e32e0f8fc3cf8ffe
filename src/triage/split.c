/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/split.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "text/unicode.h"

/* group_of[i]: the first row that says the same. */
static void group_rows(const struct str *texts, size_t n, size_t *group_of)
{
    struct map *seen = map_new();
    struct arena *a = arena_new();
    for (size_t i = 0; i < n; i++) {
        bool is_new;
        union map_value *v =
            map_put(seen, text_fingerprint(a, texts[i]), &is_new);
        if (is_new)
            v->num = (int64_t)i;
        group_of[i] = (size_t)v->num;
        arena_reset(a);
    }
    arena_free(a);
    map_free(seen);
}

/*
 * Deal the groups of each class out like cards, round and round; a class goes
 * on where the one before it stopped, so that folds stay even.
 */
static void deal(const struct str *labels, const size_t *group_of, size_t n,
                 int parts, uint64_t seed, int *ret_part)
{
    struct rand r;
    rand_init(&r, seed);
    size_t *order = mem_new(n + 1, sizeof(*order));
    struct map *classes = map_new();
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    rand_shuffle(&r, order, n);
    size_t started = 0;
    for (size_t k = 0; k < n; k++) {
        size_t i = order[k];
        if (group_of[i] != i)
            continue;
        bool is_new;
        union map_value *v =
            map_put(classes, labels ? labels[i] : STR("all"), &is_new);
        if (is_new)
            v->num = (int64_t)started++;
        ret_part[i] = (int)((uint64_t)v->num++ % (uint64_t)parts);
    }
    for (size_t i = 0; i < n; i++)
        ret_part[i] = ret_part[group_of[i]];
    map_free(classes);
    free(order);
}

void split_folds(const struct str *texts, const struct str *labels, size_t n,
                 int folds, uint64_t seed, int *ret_fold)
{
    size_t *group_of = mem_new(n + 1, sizeof(*group_of));
    group_rows(texts, n, group_of);
    deal(labels, group_of, n, folds, seed, ret_fold);
    free(group_of);
}

void split_hold_out(const struct str *texts, const struct str *labels, size_t n,
                    double share, uint64_t seed, int *ret_test)
{
    enum { PARTS = 100 };
    int wanted = (int)(share * PARTS + 0.5);
    split_folds(texts, labels, n, PARTS, seed, ret_test);
    for (size_t i = 0; i < n; i++)
        ret_test[i] = ret_test[i] < wanted;
}

void split_follow(const struct str *texts, const int *part, size_t n,
                  const struct str *also, size_t n_also, int *ret_part)
{
    struct map *parts = map_new();
    struct arena *a = arena_new();
    bool is_new;
    for (size_t i = 0; i < n; i++) {
        map_put(parts, text_fingerprint(a, texts[i]), &is_new)->num = part[i];
        arena_reset(a);
    }
    for (size_t i = 0; i < n_also; i++) {
        union map_value *v =
            map_put(parts, text_fingerprint(a, also[i]), &is_new);
        if (is_new)
            v->num = -1;
        ret_part[i] = (int)v->num;
        arena_reset(a);
    }
    arena_free(a);
    map_free(parts);
}

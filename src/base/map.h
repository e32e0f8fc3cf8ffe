/*
 * base/map.h - a hash map from text to a pointer or a number
 *
 * Keys are copied; values belong to the caller. Order of walking is the order
 * of insertion, so that output made from a map is the same every time.
 */
#ifndef OTK_BASE_MAP_H
#define OTK_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct map;

union map_value {
    void *ptr;
    int64_t num;
};

struct map *map_new(void);
void map_free(struct map *m); /* NULL is fine; values are not touched */
size_t map_len(const struct map *m);

/* The slot of `key`, or NULL. Valid until the next map_put(). */
union map_value *map_find(const struct map *m, struct str key);

/* The slot of `key`, made (zero) when absent; *ret_new says which. */
union map_value *map_put(struct map *m, struct str key, bool *ret_new);

/* The i-th entry by insertion, i < map_len(). */
struct str map_key(const struct map *m, size_t i);
union map_value *map_at(const struct map *m, size_t i);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <stdlib.h>

#include "base/mem.h"

/* Entries in insertion order, and a table of 1-based indices into them. */
struct entry {
    char *key;
    uint32_t len;
    uint32_t hash;
    union map_value value;
};

struct map {
    struct entry *items;
    size_t n;
    size_t cap;
    uint32_t *slots; /* 0 = empty */
    size_t mask;
};

enum { FIRST_SLOTS = 16 };

struct map *map_new(void)
{
    struct map *m = MEM_NEW(struct map);
    m->slots = mem_new(FIRST_SLOTS, sizeof(*m->slots));
    m->mask = FIRST_SLOTS - 1;
    return m;
}

void map_free(struct map *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n; i++)
        free(m->items[i].key);
    free(m->items);
    free(m->slots);
    free(m);
}

size_t map_len(const struct map *m)
{
    return m->n;
}

/* The slot that holds `key`, or the empty one where it would go. */
static size_t probe(const struct map *m, struct str key, uint32_t hash)
{
    size_t i = hash & m->mask;
    while (m->slots[i]) {
        const struct entry *e = &m->items[m->slots[i] - 1];
        if (e->hash == hash &&
            str_eq((struct str){.p = e->key, .n = e->len}, key))
            break;
        i = (i + 1) & m->mask;
    }
    return i;
}

static void rehash(struct map *m)
{
    size_t slots = (m->mask + 1) * 2;
    free(m->slots);
    m->slots = mem_new(slots, sizeof(*m->slots));
    m->mask = slots - 1;
    for (size_t n = 0; n < m->n; n++) {
        size_t i = m->items[n].hash & m->mask;
        while (m->slots[i])
            i = (i + 1) & m->mask;
        m->slots[i] = (uint32_t)n + 1;
    }
}

union map_value *map_find(const struct map *m, struct str key)
{
    size_t i = probe(m, key, (uint32_t)str_hash(key));
    return m->slots[i] ? &m->items[m->slots[i] - 1].value : NULL;
}

union map_value *map_put(struct map *m, struct str key, bool *ret_new)
{
    uint32_t hash = (uint32_t)str_hash(key);
    size_t i = probe(m, key, hash);
    bool fresh = m->slots[i] == 0;
    if (ret_new)
        *ret_new = fresh;
    if (!fresh)
        return &m->items[m->slots[i] - 1].value;
    m->items = mem_grow(m->items, m->n, &m->cap, sizeof(*m->items));
    m->items[m->n] = (struct entry){
        .key = mem_copy(key.p, key.n),
        .len = (uint32_t)key.n,
        .hash = hash,
    };
    m->slots[i] = (uint32_t)++m->n;
    if (m->n * 3 > (m->mask + 1) * 2)
        rehash(m);
    return &m->items[m->n - 1].value;
}

struct str map_key(const struct map *m, size_t i)
{
    return (struct str){.p = m->items[i].key, .n = m->items[i].len};
}

union map_value *map_at(const struct map *m, size_t i)
{
    return &m->items[i].value;
}

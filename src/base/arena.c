/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { BLOCK = 8192, ALIGN = alignof(max_align_t) };

struct block {
    struct block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char bytes[];
};

struct arena {
    struct block *first; /* kept by arena_reset() */
    struct block *last;
    size_t total;
};

static struct block *block_new(size_t size)
{
    if (size < BLOCK)
        size = BLOCK;
    struct block *b = mem_resize(NULL, 1, sizeof(*b) + size);
    b->next = NULL;
    b->used = 0;
    b->size = size;
    return b;
}

struct arena *arena_new(void)
{
    struct arena *a = MEM_NEW(struct arena);
    a->first = a->last = block_new(BLOCK);
    return a;
}

static void free_chain(struct block *b)
{
    while (b) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    free_chain(a->first);
    free(a);
}

void arena_reset(struct arena *a)
{
    free_chain(a->first->next);
    a->first->next = NULL;
    a->first->used = 0;
    a->last = a->first;
    a->total = 0;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > MEM_MAX)
        bug("an arena allocation of %zu x %zu bytes", n, size);
    bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (bytes > a->last->size - a->last->used) {
        a->last->next = block_new(bytes);
        a->last = a->last->next;
    }
    char *p = a->last->bytes + a->last->used;
    a->last->used += bytes;
    a->total += bytes;
    memset(p, 0, bytes);
    return p;
}

char *arena_copy(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1, 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p;
}

void *arena_keep(struct arena *a, void *list, size_t n, size_t size)
{
    void *ret = arena_alloc(a, n + 1, size);
    if (n)
        memcpy(ret, list, n * size);
    free(list);
    return ret;
}

struct str arena_str(struct arena *a, struct str s)
{
    return (struct str){.p = arena_copy(a, s), .n = s.n};
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        bug("arena_printf: bad format");
    char *p = arena_alloc(a, (size_t)n + 1, 1);
    va_start(ap, fmt);
    (void)vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}

size_t arena_size(const struct arena *a)
{
    return a->total;
}

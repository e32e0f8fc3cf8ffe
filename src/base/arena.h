/*
 * base/arena.h - memory that is freed all at once
 *
 * One arena per request, job or turn, passed as the first parameter to
 * functions that return text or lists made for the caller. Nothing taken from
 * it is freed alone. An arena is used by one thread at a time.
 */
#ifndef OTK_BASE_ARENA_H
#define OTK_BASE_ARENA_H

#include <stddef.h>

#include "base/str.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);  /* NULL is fine */
void arena_reset(struct arena *a); /* empty, keeps the first block */

/* Zeroed, aligned for any type; never NULL (see base/mem.h). */
void *arena_alloc(struct arena *a, size_t n, size_t size);
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), 1, sizeof(type)))
#define ARENA_ARRAY(a, type, count)                                            \
    ((type *)arena_alloc((a), (count), sizeof(type)))

/*
 * A list of n items that mem_grow() made, in the arena with one zeroed item
 * behind them; `list`, which may be NULL, is freed.
 */
void *arena_keep(struct arena *a, void *list, size_t n, size_t size);

char *arena_copy(struct arena *a, struct str s); /* a C string */
struct str arena_str(struct arena *a, struct str s);
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

size_t arena_size(const struct arena *a); /* bytes handed out since reset */

static inline void scope_arena(struct arena **a)
{
    arena_free(*a);
}

#endif

/*
 * base/mem.h - allocations that cannot fail, and those that can
 *
 * When memory for a block is missing the process says so and aborts: a desk
 * that cannot get a kilobyte cannot keep its promises either, and the database
 * is built to survive that. What one request or file of a stranger sizes goes
 * through mem_try(), which returns NULL and lets the caller report OTK_ELIMIT.
 * A size above MEM_MAX was never checked: a bug, and told as one.
 */
#ifndef OTK_BASE_MEM_H
#define OTK_BASE_MEM_H

#include <stddef.h>

#define MEM_MAX ((size_t)1 << 36) /* 64 GiB */

/* Zeroed memory for `n` items of `size` bytes; free() it. Never NULL. */
void *mem_new(size_t n, size_t size) __attribute__((malloc, alloc_size(1, 2)));
#define MEM_NEW(type) ((type *)mem_new(1, sizeof(type)))

/* Grow or shrink; the new part is not cleared. Never NULL. */
void *mem_resize(void *p, size_t n, size_t size)
    __attribute__((alloc_size(2, 3)));

char *mem_copy_str(const char *s);         /* NULL gives NULL */
char *mem_copy(const void *p, size_t len); /* adds a final NUL */

/* For what an input sizes: zeroed memory, or NULL. */
void *mem_try(size_t n, size_t size) __attribute__((malloc, alloc_size(1, 2)));

/*
 * Make room for one more item in a growing array. `items` holds `len` items
 * in room for `*cap`; returns where it is now.
 */
void *mem_grow(void *items, size_t len, size_t *cap, size_t size);

/* mem_grow() for what an input sizes. NULL: no memory; `items` stays. */
void *mem_try_grow(void *items, size_t len, size_t *cap, size_t size);

/* A broken invariant where going on would corrupt data: log and abort. */
__attribute__((noreturn, format(printf, 1, 2))) void bug(const char *fmt, ...);

#endif

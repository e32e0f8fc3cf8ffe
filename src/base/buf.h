/*
 * base/buf.h - a growing byte buffer with a ceiling
 *
 * `ptr` is always a C string (ptr[len] == 0), even before the first append.
 * Each buffer is given its ceiling when it is made. An append that would pass
 * it changes nothing and marks the buffer `full`; later appends are no-ops, so
 * a writer may append freely and ask once, at the end, with buf_check().
 *
 * Ownership: the buffer owns its bytes until buf_take() hands them over.
 */
#ifndef OTK_BASE_BUF_H
#define OTK_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

struct buf {
    char *ptr;
    size_t len;
    size_t cap; /* bytes allocated; 0 while `ptr` is the shared "" */
    size_t max; /* the ceiling for `len` */
    bool full;  /* an append was refused */
};

extern char buf_empty[1];
#define BUF_INIT(max_)                                                         \
    {                                                                          \
        .ptr = buf_empty, .max = (max_)                                        \
    }

void buf_free(struct buf *b);  /* free the bytes; usable again after */
void buf_reset(struct buf *b); /* len = 0, keeps the bytes           */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_put_str(struct buf *b, struct str s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* 0, or OTK_ELIMIT when any append since the last reset was refused. */
int buf_check(const struct buf *b);

/* Room for `n` more bytes to be written at ptr + len; false: refused. */
bool buf_reserve(struct buf *b, size_t n);

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){.p = b->ptr, .n = b->len};
}

/* Hand the bytes to the caller, who frees them with free(); `b` is empty. */
char *buf_take(struct buf *b, size_t *len);

#ifdef __cplusplus
}
#endif

#endif

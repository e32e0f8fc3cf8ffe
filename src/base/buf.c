/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

char buf_empty[1] = "";

void buf_free(struct buf *b)
{
    if (b->cap)
        free(b->ptr);
    b->ptr = buf_empty;
    b->len = b->cap = 0;
    b->full = false;
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->full = false;
    if (b->cap)
        b->ptr[0] = '\0';
}

bool buf_reserve(struct buf *b, size_t n)
{
    enum { FIRST = 64 };
    if (b->full || n > b->max || b->len > b->max - n) {
        b->full = true;
        return false;
    }
    if (b->len + n < b->cap)
        return true;
    size_t cap = b->cap ? b->cap : FIRST;
    while (cap <= b->len + n)
        cap *= 2;
    char *p = realloc(b->cap ? b->ptr : NULL, cap);
    if (!p)
        bug("out of memory for a buffer of %zu bytes", cap);
    p[b->len] = '\0';
    b->ptr = p;
    b->cap = cap;
    return true;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
    if (n == 0 || !buf_reserve(b, n))
        return;
    memcpy(b->ptr + b->len, p, n);
    b->len += n;
    b->ptr[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s));
}

void buf_put_str(struct buf *b, struct str s)
{
    buf_put(b, s.p, s.n);
}

void buf_putc(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    char small[256];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(small, sizeof(small), fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->full = true;
        return;
    }
    if ((size_t)n < sizeof(small)) {
        buf_put(b, small, (size_t)n);
        return;
    }
    if (!buf_reserve(b, (size_t)n))
        return;
    va_start(ap, fmt);
    (void)vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

int buf_check(const struct buf *b)
{
    return b->full ? OTK_ELIMIT : OTK_OK;
}

char *buf_take(struct buf *b, size_t *len)
{
    char *p = b->cap ? b->ptr : mem_copy("", 0);
    if (len)
        *len = b->len;
    b->ptr = buf_empty;
    b->len = b->cap = 0;
    b->full = false;
    return p;
}

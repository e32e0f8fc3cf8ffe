/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bug(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)fputs("otklik: bug: ", stderr);
    (void)vfprintf(stderr, fmt, ap);
    (void)fputc('\n', stderr);
    va_end(ap);
    abort();
}

static size_t product(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > MEM_MAX)
        bug("an allocation of %zu x %zu bytes", n, size);
    return bytes ? bytes : 1;
}

void *mem_new(size_t n, size_t size)
{
    void *p = calloc(1, product(n, size));
    if (!p)
        bug("out of memory for %zu x %zu bytes", n, size);
    return p;
}

void *mem_resize(void *p, size_t n, size_t size)
{
    void *q = realloc(p, product(n, size));
    if (!q)
        bug("out of memory for %zu x %zu bytes", n, size);
    return q;
}

void *mem_try(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    return calloc(1, bytes ? bytes : 1);
}

char *mem_copy(const void *p, size_t len)
{
    char *q = mem_new(len + 1, 1);
    if (len)
        memcpy(q, p, len);
    return q;
}

char *mem_copy_str(const char *s)
{
    return s ? mem_copy(s, strlen(s)) : NULL;
}

static size_t more_than(size_t cap)
{
    enum { FIRST = 8 };
    return cap ? cap * 2 : FIRST;
}

void *mem_grow(void *items, size_t len, size_t *cap, size_t size)
{
    if (len < *cap)
        return items;
    size_t more = more_than(*cap);
    items = mem_resize(items, more, size);
    *cap = more;
    return items;
}

void *mem_try_grow(void *items, size_t len, size_t *cap, size_t size)
{
    if (len < *cap)
        return items;
    size_t more = more_than(*cap);
    size_t bytes;
    if (__builtin_mul_overflow(more, size, &bytes))
        return NULL;
    void *q = realloc(items, bytes);
    if (q)
        *cap = more;
    return q;
}

/* base/utf8.h - reading and writing UTF-8 (RFC 3629), strictly */
#ifndef OTK_BASE_UTF8_H
#define OTK_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { UTF8_MAX = 4 /* bytes of one code point */ };

/*
 * Read the code point at the front of `s` (s.n > 0): its length in bytes and
 * *ret, or 0 when the bytes are not UTF-8 (overlong, surrogate, cut, …).
 */
size_t utf8_decode(struct str s, uint32_t *ret);

/* Write `cp` (a valid code point) at `p`; how many bytes, 1-4. */
size_t utf8_encode(uint32_t cp, char p[UTF8_MAX]);

/* Offset of the first byte that is not UTF-8, or s.n when all is well. */
size_t utf8_check(struct str s);

size_t utf8_len(struct str s); /* code points of valid UTF-8 */

/* The longest front part of at most `n` bytes that ends between code points. */
struct str utf8_cut(struct str s, size_t n);

#endif

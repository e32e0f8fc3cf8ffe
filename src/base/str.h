/*
 * base/str.h - a view into text that somebody else owns
 *
 * A `struct str` is a pointer and a length; the bytes need not end in NUL and
 * live as long as the buffer they point into. Texts are UTF-8 unless a header
 * says otherwise.
 */
#ifndef OTK_BASE_STR_H
#define OTK_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct str {
    const char *p; /* may be NULL when n == 0 */
    size_t n;
};

#define STR(lit)                                                               \
    ((struct str){.p = "" lit, .n = sizeof(lit) - 1}) /* of a literal */
#define STR_FMT    "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

struct str str_from(const char *s); /* of a C string; NULL gives empty */
struct str str_sub(struct str s, size_t from, size_t n); /* clipped */
struct str str_trim(struct str s); /* without ASCII white space at the ends */

bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *b);
bool str_starts(struct str s, const char *prefix);
bool str_ends(struct str s, const char *suffix);
int str_cmp(struct str a, struct str b); /* by bytes */

/* Offset of the first `c`, or s.n. */
size_t str_find(struct str s, char c);

/*
 * Cut the part before the next `sep` off `*rest` into `*ret`; false when
 * nothing is left. "a,,b" gives "a", "", "b".
 */
bool str_next(struct str *rest, char sep, struct str *ret);

char *str_copy(struct str s); /* a C string; free() it */

/* A whole number or nothing: 0, or OTK_EFORMAT and `*ret` untouched. */
int str_to_int(struct str s, int64_t *ret);
int str_to_real(struct str s, double *ret); /* finite, with a '.' */

uint64_t str_hash(struct str s); /* FNV-1a, 64 bit, mixed at the end */

#ifdef __cplusplus
}
#endif

#endif

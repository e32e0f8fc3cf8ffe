/*
 * base/json.h - JSON with limits, over jansson
 *
 * Reading: one document of known size; duplicates, trailing bytes, invalid
 * UTF-8 and NUL in strings are refused; the error names the field or line and
 * column. Getters check presence and type and say which field is wrong.
 * Writing: straight into a struct buf, for replies on the fast path.
 */
#ifndef OTK_BASE_JSON_H
#define OTK_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct err;

/* Parse an object or array; json_decref(*ret). OTK_EFORMAT, OTK_ELIMIT. */
int json_read(struct str text, size_t max_bytes, json_t **ret, struct err *e);

/*
 * For texts whose limit in bytes is generous, before json_read(): OTK_ELIMIT
 * when brackets nest deeper than `max_depth` or there are more values than
 * `max_values`. Each value takes up to some hundred bytes once it is read.
 */
int json_measure(struct str text, size_t max_depth, size_t max_values,
                 struct err *e);

static inline void scope_json(json_t **j)
{
    json_decref(*j);
}

/*
 * Fields of an object. An absent or null field leaves *ret as it was and
 * returns OTK_ENOENT without filling `e` when `required` is false; a wrong
 * type or a value out of range is OTK_EFORMAT with the field's name. Text
 * longer than `max` characters (code points) is OTK_ELIMIT. Text is borrowed
 * from `obj`.
 */
struct json_want {
    const char *name;
    bool required;
    int64_t min, max; /* numbers: inclusive; text: bytes and characters */
};
int json_text(const json_t *obj, const struct json_want *w, struct str *ret,
              struct err *e);
int json_whole(const json_t *obj, const struct json_want *w, int64_t *ret,
               struct err *e);
int json_flag(const json_t *obj, const struct json_want *w, bool *ret,
              struct err *e);

/* Refuse a field that is not in `names` (NULL-terminated): OTK_EFORMAT. */
int json_known(json_t *obj, const char *const *names, struct err *e);

/* Append `s` as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void json_put_text(struct buf *b, struct str s);
/* Append a number the shortest way that reads back within 1e-6. */
void json_put_real(struct buf *b, double x);
/* Append a jansson value, compact; sorted keys when `sorted`. Reals get 9
 * digits. */
void json_put(struct buf *b, const json_t *j, bool sorted);

#endif

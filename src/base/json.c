/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "base/err.h"
#include "base/utf8.h"

int json_read(struct str text, size_t max_bytes, json_t **ret, struct err *e)
{
    if (text.n > max_bytes)
        return err_set(e, OTK_ELIMIT, "JSON of %zu bytes, the limit is %zu",
                       text.n, max_bytes);
    json_error_t je;
    json_t *j =
        json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &je);
    bool nul = !j && (json_error_code(&je) == json_error_null_character ||
                      json_error_code(&je) == json_error_null_byte_in_key);
    if (!j) /* jansson would name a flag of its own */
        return err_set(e, OTK_EFORMAT, "JSON line %d, column %d: %s", je.line,
                       je.column,
                       nul ? "a NUL character is not allowed" : je.text);
    *ret = j;
    return OTK_OK;
}

/* Brackets outside of strings, and commas and colons, of which there is one
 * for each value but the first of a list. Bad JSON is left to json_read(). */
int json_measure(struct str text, size_t max_depth, size_t max_values,
                 struct err *e)
{
    size_t depth = 0;
    size_t values = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted && c == '\\') {
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted) {
            bool opens = c == '{' || c == '[';
            if (opens && ++depth > max_depth)
                return err_set(e, OTK_ELIMIT,
                               "JSON nests deeper than %zu levels", max_depth);
            if ((c == '}' || c == ']') && depth)
                depth--;
            if ((opens || c == ',' || c == ':') && ++values > max_values)
                return err_set(e, OTK_ELIMIT, "JSON of more than %zu values",
                               max_values);
        }
    }
    return OTK_OK;
}

static int absent(const struct json_want *w, struct err *e)
{
    if (w->required)
        return err_field(e, OTK_EFORMAT, w->name, "the field is missing");
    return OTK_ENOENT;
}

int json_text(const json_t *obj, const struct json_want *w, struct str *ret,
              struct err *e)
{
    const json_t *v = json_object_get(obj, w->name);
    if (!v || json_is_null(v))
        return absent(w, e);
    if (!json_is_string(v))
        return err_field(e, OTK_EFORMAT, w->name, "must be a string");
    struct str s = {json_string_value(v), json_string_length(v)};
    size_t max = (size_t)w->max;
    if (max && s.n > max && utf8_len(s) > max) /* few need to be counted */
        return err_field(e, OTK_ELIMIT, w->name,
                         "%zu characters long, the limit is %zu", utf8_len(s),
                         max);
    if (s.n < (size_t)w->min)
        return err_field(e, OTK_EFORMAT, w->name, "must not be empty");
    *ret = s;
    return OTK_OK;
}

int json_whole(const json_t *obj, const struct json_want *w, int64_t *ret,
               struct err *e)
{
    const json_t *v = json_object_get(obj, w->name);
    if (!v || json_is_null(v))
        return absent(w, e);
    double real = json_number_value(v); /* 4.0 is whole, too */
    bool whole = json_is_integer(v) ||
                 (json_is_real(v) && fabs(real) < 1e15 && real == floor(real));
    if (!whole)
        return err_field(e, OTK_EFORMAT, w->name, "must be a whole number");
    int64_t x = json_is_integer(v) ? json_integer_value(v) : (int64_t)real;
    if (w->min < w->max && (x < w->min || x > w->max))
        return err_field(e, OTK_EFORMAT, w->name,
                         "must be between %lld and %lld", (long long)w->min,
                         (long long)w->max);
    *ret = x;
    return OTK_OK;
}

int json_flag(const json_t *obj, const struct json_want *w, bool *ret,
              struct err *e)
{
    const json_t *v = json_object_get(obj, w->name);
    if (!v || json_is_null(v))
        return absent(w, e);
    if (!json_is_boolean(v))
        return err_field(e, OTK_EFORMAT, w->name, "must be true or false");
    *ret = json_is_true(v);
    return OTK_OK;
}

int json_known(json_t *obj, const char *const *names, struct err *e)
{
    void *i = json_object_iter(obj);
    for (; i; i = json_object_iter_next(obj, i)) {
        const char *key = json_object_iter_key(i);
        const char *const *n = names;
        while (*n && strcmp(*n, key) != 0)
            n++;
        if (!*n)
            return err_field(e, OTK_EFORMAT, key, "unknown field");
    }
    return OTK_OK;
}

static void put_escaped(struct buf *b, unsigned char c)
{
    switch (c) {
    case '"': buf_puts(b, "\\\""); break;
    case '\\': buf_puts(b, "\\\\"); break;
    case '\n': buf_puts(b, "\\n"); break;
    case '\r': buf_puts(b, "\\r"); break;
    case '\t': buf_puts(b, "\\t"); break;
    default: buf_printf(b, "\\u%04x", c); break;
    }
}

void json_put_text(struct buf *b, struct str s)
{
    buf_putc(b, '"');
    size_t start = 0;
    size_t i = 0;
    while (i < s.n) {
        unsigned char c = (unsigned char)s.p[i];
        uint32_t cp;
        size_t len = c < 0x80 ? 1 : utf8_decode(str_sub(s, i, UTF8_MAX), &cp);
        bool plain = len && c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
        if (!plain) {
            buf_put(b, s.p + start, i - start);
            if (len)
                put_escaped(b, c);
            else
                buf_puts(b, "\xef\xbf\xbd");
            start = i + (len ? len : 1);
        }
        i += len ? len : 1;
    }
    buf_put(b, s.p ? s.p + start : "", s.n - start);
    buf_putc(b, '"');
}

void json_put_real(struct buf *b, double x)
{
    if (!isfinite(x)) {
        buf_puts(b, "null");
        return;
    }
    char text[DBL_MAX_10_EXP + 16]; /* all digits of the largest */
    int n = snprintf(text, sizeof(text), "%.6f", x);
    while (n > 1 && text[n - 1] == '0' && text[n - 2] != '.')
        n--;
    buf_put(b, text, (size_t)n);
}

static int put_chunk(const char *p, size_t n, void *arg)
{
    buf_put(arg, p, n);
    return 0;
}

void json_put(struct buf *b, const json_t *j, bool sorted)
{
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9);
    if (sorted)
        flags |= JSON_SORT_KEYS;
    if (json_dump_callback(j, put_chunk, b, flags))
        b->full = true;
}

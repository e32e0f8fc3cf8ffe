/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fill.h"

#include "base/arena.h"
#include "base/buf.h"

/* Length of "{{name}}" at the front, 0: it is none. */
static size_t place_at(struct str s, struct str *ret_name)
{
    if (!str_starts(s, "{{"))
        return 0;
    size_t end = str_find(s, '}');
    if (end + 1 >= s.n || s.p[end + 1] != '}')
        return 0;
    *ret_name = str_trim(str_sub(s, 2, end - 2));
    return end + 2;
}

static const struct str *value_of(struct str name, const struct fill_value *v,
                                  size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_is(name, v[i].name))
            return &v[i].text;
    }
    return NULL;
}

struct str fill(struct arena *a, struct str text, const struct fill_value *v,
                size_t n)
{
    struct buf b = BUF_INIT(FILL_MAX);
    while (text.n) {
        struct str name;
        size_t took = str_find(text, '{');
        buf_put_str(&b, str_sub(text, 0, took));
        text = str_sub(text, took, text.n);
        took = place_at(text, &name);
        const struct str *value = took ? value_of(name, v, n) : NULL;
        if (value) {
            buf_put_str(&b, *value);
        } else if (text.n) {
            took = 1;
            buf_putc(&b, text.p[0]);
        }
        text = str_sub(text, took, text.n);
    }
    struct str kept = arena_str(a, buf_str(&b));
    buf_free(&b);
    return kept;
}

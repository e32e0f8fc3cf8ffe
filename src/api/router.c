/* SPDX-License-Identifier: Apache-2.0 */
#include "api/router.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"

/* Does `path` fit `pattern`? Fills the params it met. */
static bool fits(const char *pattern, const char *path,
                 struct str params[HTTP_PARAMS_MAX])
{
    struct str want = str_from(pattern + 1);
    struct str have = str_from(path + 1);
    size_t n = 0;
    for (;;) {
        size_t wn = str_find(want, '/');
        size_t hn = str_find(have, '/');
        struct str w = str_sub(want, 0, wn);
        struct str h = str_sub(have, 0, hn);
        if (str_is(w, "{*}")) {
            params[n] = have;
            return true;
        }
        if (w.n && w.p[0] == '{') {
            if (h.n == 0 || n == HTTP_PARAMS_MAX)
                return false;
            params[n++] = h;
        } else if (!str_eq(w, h)) {
            return false;
        }
        bool want_more = wn < want.n;
        bool have_more = hn < have.n;
        if (!want_more || !have_more)
            return want_more == have_more;
        want = str_sub(want, wn + 1, want.n);
        have = str_sub(have, hn + 1, have.n);
    }
}

static bool method_fits(const struct http_route *r, const char *method)
{
    return strcmp(r->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(r->method, "GET") == 0);
}

/* Who may GET may ask for the head alone. */
static void allow(struct route_match *m, const char *method)
{
    size_t n = strlen(m->allow);
    (void)snprintf(m->allow + n, sizeof(m->allow) - n, "%s%s", n ? ", " : "",
                   strcmp(method, "GET") == 0 ? "GET, HEAD" : method);
}

/* The absolute form (RFC 9112 3.2.2): what a client sends to a proxy. */
static const char *path_only(const char *target)
{
    static const char scheme[] = "http://";
    if (strncmp(target, scheme, sizeof(scheme) - 1) != 0)
        return target;
    const char *path = strchr(target + sizeof(scheme) - 1, '/');
    return path ? path : "/";
}

void router_match(const struct http_route *routes, const char *method,
                  const char *path, struct route_match *ret)
{
    bool exact = false; /* a path of its own is no {param} of another route */
    *ret = (struct route_match){0};
    path = path_only(path);
    if (path[0] != '/')
        return;
    for (const struct http_route *r = routes; r->method; r++) {
        struct str params[HTTP_PARAMS_MAX] = {{0}};
        bool has_params = strchr(r->pattern, '{');
        if ((exact && has_params) || !fits(r->pattern, path, params))
            continue;
        exact |= !has_params;
        if (!method_fits(r, method)) {
            allow(ret, r->method);
            continue;
        }
        ret->route = r;
        memcpy(ret->params, params, sizeof(params));
        return;
    }
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool percent_decode(struct arena *a, struct str s, bool plus, struct str *ret)
{
    char *out = arena_alloc(a, s.n + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int hi = i + 3 <= s.n ? hex(s.p[i + 1]) : -1;
            int lo = hi >= 0 ? hex(s.p[i + 2]) : -1;
            if (lo < 0)
                return false;
            c = (char)(hi * 16 + lo);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == '\0')
            return false;
        out[n++] = c;
    }
    *ret = (struct str){.p = out, .n = n};
    return utf8_check(*ret) == n;
}

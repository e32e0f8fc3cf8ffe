/*
 * api/router.h - from method and path to a route
 *
 * Patterns are cut into segments; `{name}` takes one segment, a final `{*}`
 * takes what is left. The first pattern in the table that fits wins.
 */
#ifndef OTK_API_ROUTER_H
#define OTK_API_ROUTER_H

#include <stdbool.h>

#include "api/http.h"

struct arena;

struct route_match {
    const struct http_route *route; /* NULL: nothing fits */
    char
        allow[64]; /* the methods of this path, when only the method is wrong */
    struct str params[HTTP_PARAMS_MAX]; /* still percent-encoded */
};

void router_match(const struct http_route *routes, const char *method,
                  const char *path, struct route_match *ret);

/*
 * Percent-decoded copy (RFC 3986; `plus`: '+' is a space); false when an
 * escape is broken or the result is not UTF-8 or holds NUL.
 */
bool percent_decode(struct arena *a, struct str s, bool plus, struct str *ret);

#endif

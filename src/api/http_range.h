/*
 * api/http_range.h - which bytes of a file a GET wants, if any (RFC 9110)
 *
 * A file has an entity tag that changes with its bytes. Preconditions are
 * looked at in the order of section 13.2.2, then the range of section 14: one
 * range of bytes, from both ends; what is no such thing, and several ranges,
 * are passed over, as they may be: then the whole file is sent.
 *
 * Pure.
 */
#ifndef OTK_API_HTTP_RANGE_H
#define OTK_API_HTTP_RANGE_H

#include <stdint.h>

#include "base/str.h"

/* The headers of the request, empty where it has none. */
struct http_range_ask {
    struct str if_match, if_none_match;
    struct str range, if_range;
};

struct http_range {
    uint64_t from, n; /* n > 0 of a part; all of the file else */
};

/*
 * `tag` with its quotes; `size`: bytes of the file. The status:
 *   200  all of it              304  the client has it already
 *   206  this part              412  it is not what the client goes by
 *                               416  there are no such bytes
 */
int http_range_find(const struct http_range_ask *q, struct str tag,
                    uint64_t size, struct http_range *ret);

#endif

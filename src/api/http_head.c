/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_head.h"

#include <microhttpd.h>
#include <string.h>
#include <strings.h>

#include "api/router.h"
#include "base/arena.h"
#include "base/str.h"

struct head_count {
    int hosts, lengths, codings;
};

static enum MHD_Result count_header(void *cls, enum MHD_ValueKind kind,
                                    const char *name, const char *value)
{
    struct head_count *n = cls;
    (void)kind;
    (void)value;
    n->hosts += strcasecmp(name, "Host") == 0;
    n->lengths += strcasecmp(name, "Content-Length") == 0;
    n->codings += strcasecmp(name, "Transfer-Encoding") == 0;
    return MHD_YES;
}

const char *head_wrong(struct MHD_Connection *mhd, const char *version)
{
    struct head_count n = {0};
    const char *coding =
        MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Transfer-Encoding");
    (void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, count_header, &n);
    if (n.hosts > 1 || (n.hosts == 0 && strcmp(version, "HTTP/1.1") == 0))
        return "send one Host";
    if (n.lengths + n.codings > 1)
        return "send one Content-Length, or a Transfer-Encoding";
    if (coding && strcasecmp(coding, "chunked") != 0)
        return "the only Transfer-Encoding taken is chunked";
    return NULL;
}

struct query_check {
    struct MHD_Connection *mhd;
    struct arena *arena;
    const char *wrong;
};

static enum MHD_Result check_parameter(void *cls, enum MHD_ValueKind kind,
                                       const char *name, const char *value)
{
    struct query_check *x = cls;
    struct str text;
    if (!percent_decode(x->arena, str_from(name), true, &text) ||
        !percent_decode(x->arena, str_from(value), true, &text))
        x->wrong = "the query is not percent-encoded UTF-8";
    else if (MHD_lookup_connection_value(x->mhd, kind, name) != value)
        x->wrong = arena_printf(x->arena, "the query has '%.100s' twice", name);
    return x->wrong ? MHD_NO : MHD_YES;
}

const char *query_wrong(struct MHD_Connection *mhd, struct arena *a)
{
    struct query_check x = {.mhd = mhd, .arena = a};
    (void)MHD_get_connection_values(mhd, MHD_GET_ARGUMENT_KIND, check_parameter,
                                    &x);
    return x.wrong;
}

struct query_names {
    const char *known, *unknown;
};

static enum MHD_Result find_unknown(void *cls, enum MHD_ValueKind kind,
                                    const char *name, const char *value)
{
    struct query_names *x = cls;
    struct str rest = str_from(x->known);
    struct str one;
    (void)kind;
    (void)value;
    while (str_next(&rest, ' ', &one)) {
        if (str_is(one, name))
            return MHD_YES;
    }
    x->unknown = name;
    return MHD_NO;
}

const char *query_unknown(struct MHD_Connection *mhd, const char *known)
{
    struct query_names x = {.known = known};
    (void)MHD_get_connection_values(mhd, MHD_GET_ARGUMENT_KIND, find_unknown,
                                    &x);
    return x.unknown;
}

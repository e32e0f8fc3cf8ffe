/*
 * net/http_form.h - one POST of a form with a file (RFC 7578), by libcurl
 *
 * As net/http.h, but nothing is followed: what a form asks for is answered
 * where it was sent. Certificates are verified.
 *
 * Threads: any number of calls at a time.
 *
 * Errors: OTK_EINVAL an address that is none, OTK_EAGAIN no network, nobody
 * there, too late, stopped by the caller, 408, 429 and 5xx; OTK_ENOENT 404;
 * OTK_EDENIED 401 and 403; OTK_EFORMAT other answers, with what they say;
 * OTK_ELIMIT an answer above the limit.
 */
#ifndef OTK_NET_HTTP_FORM_H
#define OTK_NET_HTTP_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct buf;
struct err;

enum { HTTP_FORM_FIELDS_MAX = 16 };

struct http_field {
    const char *name;
    struct str value;
    const char *file; /* its name when it is one; NULL: a text */
    const char *type; /* media type of a file */
};

/* Everything is borrowed for the call. */
struct http_form {
    const char *url;
    const char *token; /* "Authorization: Bearer …"; NULL or "": none */
    const struct http_field *fields;
    size_t n_fields;
    int timeout_ms;               /* of all of it */
    bool (*cancelled)(void *ctx); /* asked about once a second; may be NULL */
    void *ctx;
};

/* The answer of a 200 is appended to `ret`, whose ceiling is the limit. */
int http_form_post(const struct http_form *f, struct buf *ret, struct err *e);

#endif

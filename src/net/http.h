/*
 * net/http.h - one GET over HTTP or HTTPS, by libcurl
 *
 * Redirects are followed here and not by libcurl: at most HTTP_HOPS_MAX, only
 * to http and https, never from https back to http. The token goes to the
 * scheme, host and port of `url` and is dropped for good at the first redirect
 * away from them. Certificates are verified. The usual variables (https_proxy,
 * no_proxy, …) are respected.
 *
 * Waits: connecting by `connect_ms`; a transfer that moves fewer than
 * `stall_bytes` a second for `stall_seconds` is ended, so that a reply of
 * limited size ends in limited time.
 *
 * Threads: any number of calls at a time. Callbacks run in the caller's thread.
 *
 * Errors name the address and the remedy: OTK_EINVAL an address that is none,
 * OTK_EAGAIN no network, nobody there, too slow, a connection that broke,
 * stopped by the caller, 408, 429 and 5xx; OTK_ENOENT 404 and 410; OTK_EDENIED
 * 401, 403, a certificate or redirect that is not to be trusted; OTK_EFORMAT
 * answers that make no sense.
 */
#ifndef OTK_NET_HTTP_H
#define OTK_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

enum {
    HTTP_HOPS_MAX = 10,
    HTTP_URL_MAX = 8192,
    HTTP_TOKEN_MAX = 1024,
    HTTP_ETAG_MAX = 256,
    HTTP_CONNECT_MS = 30000,
    HTTP_STALL_SECONDS = 60,
    HTTP_STALL_BYTES = 1024,
};

/* What to get. Everything is borrowed for the call. */
struct http_source {
    const char *url;
    const char *token;     /* "Authorization: Bearer …"; NULL or "": none */
    int64_t connect_ms;    /* these three: 0 takes the default above */
    int64_t stall_seconds; /* at most a day */
    int64_t stall_bytes;
    bool (*cancelled)(void *ctx); /* asked about once a second; may be NULL */
    void *ctx;                    /* for cancelled() */
};

/* A part of the whole: from byte `from` on (0: all), if it is unchanged. */
struct http_part {
    int64_t from;
    const char *if_range; /* a strong ETag; NULL or "": none */
};

struct http_reply {
    int status;               /* 0: no answer came */
    int64_t bytes;            /* of this body; -1: not said */
    int64_t from;             /* of a 206: the first byte; -1: not said */
    char etag[HTTP_ETAG_MAX]; /* with its quotes; "" for none */
    /* X-Linked-Etag without quotes: what a hub says of the file it sends us
     * elsewhere for. Believed of the first host only; "" for none. */
    char linked[HTTP_ETAG_MAX];
};

/* Who takes the body of a 200 or 206; other bodies are dropped. A failure of
 * either function ends the transfer and is what http_get() returns. */
struct http_sink {
    int (*begin)(void *ctx, const struct http_reply *r, struct err *e);
    int (*put)(void *ctx, const void *p, size_t n, struct err *e);
    void *ctx;
};

/* `*ret` is filled on failure too, as far as the answer came. */
int http_get(const struct http_source *s, const struct http_part *part,
             const struct http_sink *sink, struct http_reply *ret,
             struct err *e);

/* A small body appended to `ret`, whose ceiling is the limit (OTK_ELIMIT);
 * `ret_reply` as above. */
int http_get_text(const struct http_source *s, struct buf *ret,
                  struct http_reply *ret_reply, struct err *e);

#endif

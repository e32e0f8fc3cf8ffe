/* net/http_private.h - addresses, and what failures are called */
#ifndef OTK_NET_HTTP_PRIVATE_H
#define OTK_NET_HTTP_PRIVATE_H

#include <curl/curl.h>
#include <stdbool.h>

struct err;

/* libcurl is ready, once for the process. OTK_EIO. */
int http_ready(struct err *e);

/* Who a token is for. */
struct http_origin {
    char scheme[8]; /* "http" or "https" */
    char host[256];
    char port[8];
};

/* OTK_EINVAL: not http or https, no host, or a name and password in it. */
int http_origin_read(const char *url, struct http_origin *ret, struct err *e);
bool http_origin_same(const struct http_origin *a, const struct http_origin *b);

/* The error for a status of 400 and above. */
int http_explain_status(int status, struct err *e);
/* … for a transfer that failed; `said` is libcurl's own text, or "". */
int http_explain(CURLcode c, const char *said, struct err *e);

#endif

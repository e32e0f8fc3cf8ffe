/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "net/http_private.h"

/* ---- addresses -------------------------------------------------------------
 */

static bool part_of(CURLU *u, CURLUPart what, unsigned flags, char *ret,
                    size_t size)
{
    char *text = NULL;
    int n = -1;
    if (!curl_url_get(u, what, &text, flags))
        n = snprintf(ret, size, "%s", text);
    curl_free(text);
    return n > 0 && (size_t)n < size;
}

static bool has_part(CURLU *u, CURLUPart what)
{
    char *text = NULL;
    bool has = !curl_url_get(u, what, &text, 0);
    curl_free(text);
    return has;
}

int http_origin_read(const char *url, struct http_origin *ret, struct err *e)
{
    struct http_origin o;
    CURLU *u = curl_url();
    bool ok = u && !curl_url_set(u, CURLUPART_URL, url, 0) &&
              part_of(u, CURLUPART_SCHEME, 0, o.scheme, sizeof(o.scheme)) &&
              part_of(u, CURLUPART_HOST, 0, o.host, sizeof(o.host)) &&
              part_of(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, o.port,
                      sizeof(o.port)) &&
              (strcmp(o.scheme, "http") == 0 || strcmp(o.scheme, "https") == 0);
    bool secret =
        ok && (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD));
    curl_url_cleanup(u);
    if (!ok)
        return err_set(e, OTK_EINVAL,
                       "not an address of the form https://HOST/…");
    if (secret)
        return err_set(e, OTK_EINVAL,
                       "a name or password in the address would end up in "
                       "logs; leave it out");
    *ret = o;
    return OTK_OK;
}

bool http_origin_same(const struct http_origin *a, const struct http_origin *b)
{
    return strcmp(a->scheme, b->scheme) == 0 &&
           strcasecmp(a->host, b->host) == 0 && strcmp(a->port, b->port) == 0;
}

/* ---- failures --------------------------------------------------------------
 */

int http_explain_status(int status, struct err *e)
{
    enum { TIMEOUT = 408, GONE = 410, TOO_MANY = 429, SERVER = 500 };
    if (status == 404 || status == GONE)
        return err_set(e, OTK_ENOENT, "not there (%d)", status);
    if (status == 401)
        return err_set(e, OTK_EDENIED, "refused without a valid token (401)");
    if (status == 403)
        return err_set(e, OTK_EDENIED, "forbidden (403)");
    if (status == TOO_MANY)
        return err_set(e, OTK_EAGAIN,
                       "too many requests (429); try again in some minutes");
    if (status == TIMEOUT || status >= SERVER)
        return err_set(e, OTK_EAGAIN,
                       "the server has a problem (%d); try later", status);
    return err_set(e, OTK_EFORMAT, "refused with status %d", status);
}

int http_explain(CURLcode c, const char *said, struct err *e)
{
    const char *text = said[0] ? said : curl_easy_strerror(c);
    switch (c) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return err_set(e, OTK_EAGAIN,
                       "cannot be reached (%s); is there a network? Behind a "
                       "proxy set https_proxy",
                       text);
    case CURLE_OPERATION_TIMEDOUT:
        return err_set(e, OTK_EAGAIN, "too slow (%s); try again later", text);
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return err_set(e, OTK_EAGAIN, "the connection broke (%s); try again",
                       text);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return err_set(e, OTK_EDENIED,
                       "no trusted connection (%s); check the clock and the "
                       "package ca-certificates",
                       text);
    case CURLE_ABORTED_BY_CALLBACK: return err_set(e, OTK_EAGAIN, "stopped");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return err_set(e, OTK_EINVAL, "not an address of the form https://…");
    default: return err_set(e, OTK_EIO, "%s", text);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "net/http_private.h"

enum {
    DROPPED_MAX = 1 << 20, /* of bodies that come with a redirect */
    READ_BYTES = 256 << 10,
    STALL_SECONDS_MAX = 24 * 60 * 60,
    VALUE_BYTES = HTTP_TOKEN_MAX + 16,
    HEADER_BYTES = VALUE_BYTES + 32,
};

/* One GET, over all its redirects. */
struct get {
    const struct http_source *source;
    const struct http_part *part;
    const struct http_sink *sink;
    struct http_reply *reply;
    CURL *curl;
    bool away;  /* a redirect has left the first host */
    bool begun; /* the sink has seen the reply */
    size_t dropped;
    int code; /* why a callback ended it; `why` says more */
    struct err why;
    char said[CURL_ERROR_SIZE];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode ready;

/* Versions before 7.84 want this done by one thread alone. */
static void prepare(void)
{
    ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int http_ready(struct err *e)
{
    if (pthread_once(&once, prepare) || ready)
        return err_set(e, OTK_EIO, "libcurl cannot start: %s",
                       curl_easy_strerror(ready));
    return OTK_OK;
}

/* ---- what comes in ---------------------------------------------------------
 */

static bool header_is(struct str line, const char *name, struct str *ret)
{
    size_t n = strlen(name);
    if (line.n <= n || line.p[n] != ':' || strncasecmp(line.p, name, n) != 0)
        return false;
    *ret = str_trim(str_sub(line, n + 1, line.n));
    return true;
}

/* Tags end up in headers and files of ours: only what prints is kept. */
static void keep_tag(struct str v, char ret[HTTP_ETAG_MAX])
{
    ret[0] = '\0';
    if (v.n >= HTTP_ETAG_MAX)
        return;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] <= ' ' || v.p[i] > '~')
            return;
    }
    (void)snprintf(ret, HTTP_ETAG_MAX, STR_FMT, STR_ARG(v));
}

static void keep_linked(struct get *g, struct str v)
{
    if (str_starts(v, "\"") && str_ends(v, "\"") && v.n >= 2)
        v = str_sub(v, 1, v.n - 2);
    if (!g->away)
        keep_tag(v, g->reply->linked);
}

/* "bytes 100-199/200": the first byte, or -1. */
static int64_t first_byte(struct str v)
{
    int64_t from = -1;
    if (!str_starts(v, "bytes "))
        return -1;
    v = str_trim(str_sub(v, sizeof("bytes"), v.n));
    if (str_to_int(str_sub(v, 0, str_find(v, '-')), &from) || from < 0)
        return -1;
    return from;
}

static void read_header(struct get *g, const char *p, size_t n)
{
    struct str line = {p, n};
    struct str v;
    if (str_starts(line, "HTTP/")) { /* of the next answer, or after a 100 */
        g->reply->etag[0] = '\0';
        g->reply->from = -1;
    } else if (header_is(line, "ETag", &v)) {
        keep_tag(v, g->reply->etag);
    } else if (header_is(line, "X-Linked-Etag", &v)) {
        keep_linked(g, v);
    } else if (header_is(line, "Content-Range", &v)) {
        g->reply->from = first_byte(v);
    }
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    read_header(arg, p, size * n);
    return size * n;
}

static void read_status(struct get *g)
{
    long status = 0;
    curl_off_t bytes = -1;
    (void)curl_easy_getinfo(g->curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(g->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
                            &bytes);
    g->reply->status = (int)status;
    g->reply->bytes = bytes;
}

static bool is_body(const struct get *g)
{
    return g->reply->status == 200 || g->reply->status == 206;
}

static int begin(struct get *g)
{
    read_status(g);
    if (!is_body(g))
        return OTK_OK;
    g->begun = true;
    return g->sink->begin(g->sink->ctx, g->reply, &g->why);
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct get *g = arg;
    size_t bytes = size * n;
    if (!g->begun)
        g->code = begin(g);
    if (!g->code && g->begun)
        g->code = g->sink->put(g->sink->ctx, p, bytes, &g->why);
    else if (!g->code && (g->dropped += bytes) > DROPPED_MAX)
        g->code = err_set(&g->why, OTK_EFORMAT,
                          "the redirect comes with a body without end");
    return g->code ? 0 : bytes; /* less than came: libcurl ends it */
}

static int on_progress(void *arg, curl_off_t total, curl_off_t now,
                       curl_off_t up_total, curl_off_t up_now)
{
    const struct get *g = arg;
    (void)total;
    (void)now;
    (void)up_total;
    (void)up_now;
    return g->source->cancelled && g->source->cancelled(g->source->ctx);
}

/* ---- what goes out ---------------------------------------------------------
 */

static int add_header(struct curl_slist **list, const char *name,
                      const char *value, struct err *e)
{
    char line[HEADER_BYTES];
    (void)snprintf(line, sizeof(line), "%s: %s", name, value);
    struct curl_slist *more = curl_slist_append(*list, line);
    if (!more)
        return err_set(e, OTK_ELIMIT, "no memory for a request");
    *list = more;
    return OTK_OK;
}

static int make_headers(const struct get *g, struct curl_slist **ret,
                        struct err *e)
{
    char value[VALUE_BYTES];
    const char *token = g->source->token;
    const struct http_part *part = g->part;
    /* sizes and hashes are of the bytes as they are stored */
    int r = add_header(ret, "Accept-Encoding", "identity", e);
    if (!r && part && part->from > 0) {
        (void)snprintf(value, sizeof(value), "bytes=%lld-",
                       (long long)part->from);
        r = add_header(ret, "Range", value, e);
        if (!r && part->if_range && part->if_range[0])
            r = add_header(ret, "If-Range", part->if_range, e);
    }
    if (!r && token && token[0] && !g->away) {
        (void)snprintf(value, sizeof(value), "Bearer %s", token);
        r = add_header(ret, "Authorization", value, e);
    }
    return r;
}

static int64_t or_default(int64_t x, int64_t fallback)
{
    return x > 0 ? x : fallback;
}

static void set_options(struct get *g)
{
    CURL *c = g->curl;
    const struct http_source *s = g->source;
    int64_t stall = or_default(s->stall_seconds, HTTP_STALL_SECONDS);
    if (stall > STALL_SECONDS_MAX)
        stall = STALL_SECONDS_MAX;
#if LIBCURL_VERSION_NUM >= 0x075500
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS,
                           (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
    (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "otklik/" OTK_VERSION);
    (void)curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)READ_BYTES);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
                           (long)or_default(s->connect_ms, HTTP_CONNECT_MS));
    (void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT,
                           (long)or_default(s->stall_bytes, HTTP_STALL_BYTES));
    (void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)stall);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, g->said);
    (void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(c, CURLOPT_HEADERDATA, g);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, g);
    (void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, g);
}

/* One answer; OTK_OK for a body or a redirect. */
static int ask(struct get *g, const char *url, struct err *e)
{
    struct curl_slist *headers = NULL;
    CURLcode c = CURLE_OK;
    int r = make_headers(g, &headers, e);
    if (!r) {
        (void)curl_easy_setopt(g->curl, CURLOPT_URL, url);
        (void)curl_easy_setopt(g->curl, CURLOPT_HTTPHEADER, headers);
        c = curl_easy_perform(g->curl);
        (void)curl_easy_setopt(g->curl, CURLOPT_HTTPHEADER, NULL);
    }
    curl_slist_free_all(headers);
    if (r)
        return r;
    read_status(g);
    if (g->code)
        return err_set(e, g->code, "%s", g->why.msg);
    if (c == CURLE_HTTP_RETURNED_ERROR)
        return http_explain_status(g->reply->status, e);
    return c ? http_explain(c, g->said, e) : OTK_OK;
}

/* Where the redirect goes, in `url`; whether that leaves the first host. */
static int next_hop(struct get *g, char url[HTTP_URL_MAX], struct err *e)
{
    struct http_origin now;
    struct http_origin next;
    char *to = NULL;
    (void)curl_easy_getinfo(g->curl, CURLINFO_REDIRECT_URL, &to);
    if (!to)
        return err_set(e, OTK_EFORMAT, "answered %d, which makes no sense here",
                       g->reply->status);
    int r = http_origin_read(url, &now, e);
    if (r)
        return r;
    if (http_origin_read(to, &next, NULL))
        return err_set(e, OTK_EDENIED,
                       "a redirect to \"%.40s\": only http and https are "
                       "followed; is this the address of a hub?",
                       to);
    if (strcmp(now.scheme, "https") == 0 && strcmp(next.scheme, "http") == 0)
        return err_set(e, OTK_EDENIED,
                       "a redirect from https to http (%s): anybody on the way "
                       "could change what comes; use another mirror",
                       next.host);
    g->away |= !http_origin_same(&now, &next);
    if (snprintf(url, HTTP_URL_MAX, "%s", to) >= HTTP_URL_MAX)
        return err_set(e, OTK_EFORMAT, "a redirect to a very long address");
    return OTK_OK;
}

static int follow(struct get *g, struct err *e)
{
    char url[HTTP_URL_MAX];
    (void)snprintf(url, sizeof(url), "%s", g->source->url);
    for (int hops = 0;; hops++) {
        int r = ask(g, url, e);
        if (r || is_body(g)) {
            if (!r && !g->begun) /* a body of no bytes */
                r = begin(g) ? err_set(e, g->why.code, "%s", g->why.msg) : r;
            return r;
        }
        if (hops == HTTP_HOPS_MAX)
            return err_set(e, OTK_EDENIED,
                           "more than %d redirects; is this the address of a "
                           "hub?",
                           HTTP_HOPS_MAX);
        r = next_hop(g, url, e);
        if (r)
            return r;
    }
}

/* ---- the calls -------------------------------------------------------------
 */

static int check_source(const struct http_source *s, struct err *e)
{
    struct http_origin o;
    const char *t = s->token ? s->token : "";
    if (strlen(s->url) >= HTTP_URL_MAX)
        return err_set(e, OTK_EINVAL, "the address is longer than %d bytes",
                       HTTP_URL_MAX);
    if (strlen(t) > HTTP_TOKEN_MAX)
        return err_set(e, OTK_EINVAL, "the token is longer than %d bytes",
                       HTTP_TOKEN_MAX);
    for (; *t; t++) { /* a line break would make a header of its own */
        if (*t <= ' ' || *t > '~')
            return err_set(e, OTK_EINVAL,
                           "the token holds white space or bytes that no token "
                           "has");
    }
    return http_origin_read(s->url, &o, e);
}

/* Where the path of an address begins. */
static size_t host_end(const char *url)
{
    const char *host = strstr(url, "://");
    size_t n = host ? (size_t)(host - url) + 3 : 0;
    return n + strcspn(url + n, "/?#");
}

int http_get(const struct http_source *s, const struct http_part *part,
             const struct http_sink *sink, struct http_reply *ret,
             struct err *e)
{
    enum { SHOWN = 120 }; /* so that the reason is not cut off */
    struct get g = {.source = s, .part = part, .sink = sink, .reply = ret};
    *ret = (struct http_reply){.bytes = -1, .from = -1};
    int r = check_source(s, e);
    if (!r)
        r = http_ready(e);
    if (!r && !(g.curl = curl_easy_init()))
        r = err_set(e, OTK_ELIMIT, "no memory for a transfer");
    if (!r) {
        set_options(&g);
        r = follow(&g, e);
        curl_easy_cleanup(g.curl);
    }
    if (!r)
        return OTK_OK;
    /* who did not answer is a host, and the path says nothing of it */
    bool silent = r == OTK_EAGAIN && ret->status == 0;
    size_t n = silent ? host_end(s->url) : SHOWN;
    return err_wrap(e, r, "%.*s", (int)n, s->url);
}

static int text_begin(void *ctx, const struct http_reply *r, struct err *e)
{
    const struct buf *b = ctx;
    if (r->bytes > (int64_t)(b->max - b->len))
        return err_set(e, OTK_ELIMIT, "%lld bytes, the limit is %zu",
                       (long long)r->bytes, b->max);
    return OTK_OK;
}

static int text_put(void *ctx, const void *p, size_t n, struct err *e)
{
    struct buf *b = ctx;
    buf_put(b, p, n);
    if (buf_check(b))
        return err_set(e, OTK_ELIMIT, "more than %zu bytes", b->max);
    return OTK_OK;
}

int http_get_text(const struct http_source *s, struct buf *ret,
                  struct http_reply *ret_reply, struct err *e)
{
    struct http_sink sink = {text_begin, text_put, ret};
    return http_get(s, NULL, &sink, ret_reply, e);
}

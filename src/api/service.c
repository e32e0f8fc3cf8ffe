/* SPDX-License-Identifier: Apache-2.0 */
/* Health, metrics, the API's own description, and the pages. */
#include <string.h>

#include "api/api.h"
#include "api/problem.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "db/db.h"
#include "desk/desk.h"
#include "triage/triage.h"

void healthz_get(const struct http_request *q, struct http_reply *r)
{
    (void)q;
    r->type = "application/json";
    buf_puts(&r->body, "{\"status\":\"ok\",\"version\":\"" OTK_VERSION "\"}\n");
}

static int read_nothing(struct db_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    int64_t n;
    return db_int_of(tx, &n, e, "SELECT COUNT(*) FROM topics", "");
}

/* Ready: the store answers. Without a model the desk works, people triage. */
void readyz_get(const struct http_request *q, struct http_reply *r)
{
    enum { SOON_MS = 2000 };
    struct err e = {0};
    int code = db_read(desk_db(api_desk(q)), SOON_MS, read_nothing, NULL, &e);
    struct triage_model *m = desk_model(api_desk(q));
    r->type = "application/json";
    r->status = code ? 503 : 200;
    buf_printf(&r->body, "{\"status\":\"%s\",\"store\":%s,\"model\":%s}\n",
               code ? "not ready" : "ready", code ? "false" : "true",
               m ? "true" : "false");
    triage_unref(m);
}

extern const struct embed api_description[];

void openapi_get(const struct http_request *q, struct http_reply *r)
{
    (void)q;
    const struct embed *f = embed_find(api_description, "openapi.json");
    r->type = "application/json";
    r->fixed = embed_bytes(f);
}

/* ---- pages
 * -----------------------------------------------------------------------------
 */

static const char *type_of(const char *name)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (str_ends(str_from(name), types[i].end))
            return types[i].type;
    }
    return "application/octet-stream";
}

static void send_page(const struct http_request *q, const char *name,
                      struct http_reply *r)
{
    const struct embed *pages = api_pages(api_of(q));
    const struct embed *f = pages ? embed_find(pages, name) : NULL;
    if (!f) {
        problem_reply(r, 404, NULL, "no such page");
        return;
    }
    r->type = type_of(name);
    r->fixed = embed_bytes(f);
    http_reply_header(r, "Cache-Control", "no-cache");
    http_reply_header(r, "Content-Security-Policy",
                      "default-src 'self'; style-src 'self' 'unsafe-inline'; "
                      "img-src 'self' data:; frame-ancestors 'none'");
}

void page_index(const struct http_request *q, struct http_reply *r)
{
    send_page(q, "index.html", r);
}

void page_desk(const struct http_request *q, struct http_reply *r)
{
    send_page(q, "desk.html", r);
}

void page_docs(const struct http_request *q, struct http_reply *r)
{
    send_page(q, "docs.html", r);
}

void page_file(const struct http_request *q, struct http_reply *r)
{
    send_page(q, arena_copy(q->arena, q->params[0]), r);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/tickets/{id}/similar: tickets that are about the same. */
#include "api/api.h"
#include "api/problem.h"
#include "base/err.h"
#include "base/json.h"
#include "desk/desk.h"
#include "desk/similar.h"

void ticket_similar_get(const struct http_request *q, struct http_reply *r)
{
    struct similar list[SIMILAR_MAX];
    struct err e = {0};
    int64_t id;
    size_t n;
    if (!api_id(q->params[0], &id, r))
        return;
    int code =
        similar_find(api_desk(q), api_worker(q), id, q->arena, list, &n, &e);
    if (code) {
        problem_of(r, code, &e);
        return;
    }
    struct buf *b = api_json(r);
    buf_puts(b, "{\"items\":[");
    for (size_t i = 0; i < n; i++) {
        buf_puts(b, i ? ",{" : "{");
        put_key(b, "ticket");
        put_id(b, list[i].ticket_id);
        put_text(b, "subject", list[i].subject);
        put_text(b, "state", list[i].state);
        put_key(b, "created_at");
        put_time(b, list[i].created_at);
        put_key(b, "likeness");
        json_put_real(b, list[i].likeness);
        buf_putc(b, '}');
    }
    put_list_end(b, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/problem.h"

#include <stddef.h>

#include "api/http.h"
#include "base/err.h"
#include "base/json.h"

struct kind {
    int status;
    const char *type, *title;
};

static const struct kind kinds[] = {
    {400, "bad-request", "The request is malformed"},
    {401, "not-signed-in", "Sign in or send a key"},
    {403, "forbidden", "You may not do this"},
    {404, "not-found", "There is no such thing"},
    {405, "method-not-allowed", "This path has no such method"},
    {408, "too-slow", "The request took too long to arrive"},
    {409, "conflict", "It exists already, or was changed meanwhile"},
    {412, "changed-meanwhile", "It was changed since you read it"},
    {413, "too-large", "The request is too large"},
    {415, "media-type", "This media type is not taken here"},
    {416, "no-such-range", "The file has no such bytes"},
    {422, "invalid-field", "A field is wrong"},
    {429, "too-many-requests", "Too many requests"},
    {500, "internal", "Something broke on our side"},
    {503, "try-later", "The desk cannot take this right now"},
};

static const struct kind *kind_of(int status)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].status == status)
            return &kinds[i];
    }
    return kind_of(500); /* which is in the table */
}

void problem_reply(struct http_reply *r, int status, const char *field,
                   const char *detail)
{
    const struct kind *k = kind_of(status);
    r->status = k->status;
    r->type = "application/problem+json";
    buf_reset(&r->body);
    buf_printf(&r->body,
               "{\"type\":\"/problems/%s\",\"title\":\"%s\",\"status\":%d",
               k->type, k->title, k->status);
    if (detail && detail[0]) {
        buf_puts(&r->body, ",\"detail\":");
        json_put_text(&r->body, str_from(detail));
    }
    if (field && field[0]) {
        buf_puts(&r->body, ",\"field\":");
        json_put_text(&r->body, str_from(field));
    }
    buf_puts(&r->body, "}\n");
}

void problem_of(struct http_reply *r, int code, const struct err *e)
{
    static const struct {
        int code, status;
    } statuses[] = {
        {OTK_EINVAL, 400},  {OTK_ENOENT, 404},    {OTK_ELIMIT, 413},
        {OTK_EFORMAT, 422}, {OTK_EAGAIN, 503},    {OTK_EDENIED, 403},
        {OTK_EUNSURE, 503}, {OTK_ECONFLICT, 409},
    };
    int status = 500;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (statuses[i].code == code)
            status = statuses[i].status;
    }
    /* a field that is too long is the client's to mend, as any wrong field */
    if (code == OTK_ELIMIT && e->field[0])
        status = 422;
    const char *detail = status == 500 ? "see the log of the desk" : e->msg;
    problem_reply(r, status, e->field, detail);
    if (status == 503)
        http_reply_header(r, "Retry-After", "2");
}

void problem_protocol(struct http_reply *r, int status, const char *detail)
{
    problem_reply(r, status, NULL, detail);
}

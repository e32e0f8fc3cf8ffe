/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/settings: as they hold, and changing them. */
#include "desk/settings.h"

#include <string.h>

#include "api/api.h"
#include "api/problem.h"
#include "base/arena.h"
#include "base/err.h"
#include "desk/desk.h"
#include "desk/live_settings.h"
#include "desk/settings_edit.h"
#include "text/unicode.h"

enum { EDITS_MAX = 100, REAL_BYTES = 40 };

static void put_settings(const struct http_request *q, struct http_reply *r)
{
    live_settings_print(desk_live_settings(api_desk(q)), api_json(r));
}

void settings_get(const struct http_request *q, struct http_reply *r)
{
    put_settings(q, r);
}

static int read_text(const struct conf_setting *s, const json_t *v,
                     struct str *ret, struct err *e)
{
    if (!json_is_string(v))
        return err_field(e, OTK_EFORMAT, s->name, "must be a string");
    *ret = (struct str){json_string_value(v), json_string_length(v)};
    return text_check(*ret, s->name, 0,
                      (size_t)s->max ? (size_t)s->max : ret->n, e);
}

static int read_number(struct arena *a, const struct conf_setting *s,
                       const json_t *v, struct str *ret, struct err *e)
{
    bool whole = s->type == CONF_WHOLE;
    if (whole ? !json_is_integer(v) : !json_is_number(v))
        return err_field(e, OTK_EFORMAT, s->name, "must be a %snumber",
                         whole ? "whole " : "");
    struct buf text = BUF_INIT(REAL_BYTES);
    if (whole)
        buf_printf(&text, "%lld", (long long)json_integer_value(v));
    else
        json_put_real(&text, json_number_value(v));
    *ret = arena_str(a, buf_str(&text));
    buf_free(&text);
    return OTK_OK;
}

/* As on a command line; null: the default. */
static int read_value(struct arena *a, const struct conf_setting *s,
                      const json_t *v, struct str *ret, struct err *e)
{
    if (json_is_null(v)) {
        *ret = str_from(s->fallback);
        return OTK_OK;
    }
    switch (s->type) {
    case CONF_TEXT:
    case CONF_CHOICE: return read_text(s, v, ret, e);
    case CONF_WHOLE:
    case CONF_REAL: return read_number(a, s, v, ret, e);
    case CONF_FLAG:
        if (!json_is_boolean(v))
            return err_field(e, OTK_EFORMAT, s->name, "must be true or false");
        *ret = json_is_true(v) ? STR("true") : STR("false");
        return OTK_OK;
    }
    return OTK_EINVAL;
}

/* Unknown names and those that are not changed here are told by name, before
 * their values are looked at. */
static int read_edits(const struct http_request *q, json_t *body,
                      struct settings_edit *ret, size_t *ret_n, struct err *e)
{
    const char *name;
    json_t *value;
    json_object_foreach(body, name, value)
    {
        size_t i;
        struct settings_edit *x = &ret[*ret_n];
        if (*ret_n == EDITS_MAX)
            return err_set(e, OTK_EFORMAT, "more than %d settings", EDITS_MAX);
        x->name = str_from(name);
        int r = live_settings_may_edit(desk_live_settings(api_desk(q)), x->name,
                                       &i, e);
        if (!r)
            r = read_value(q->arena, &settings_table[i], value, &x->value, e);
        if (r)
            return r;
        ++*ret_n;
    }
    return OTK_OK;
}

void settings_patch(const struct http_request *q, struct http_reply *r)
{
    struct err e = {0};
    struct settings_edit edits[EDITS_MAX];
    size_t n = 0;
    json_t *body = api_body(q, NULL, r);
    if (!body)
        return;
    int code = read_edits(q, body, edits, &n, &e);
    if (!code && n)
        code =
            settings_change(api_desk(q), edits, n, api_principal(q)->actor, &e);
    if (code)
        problem_of(r, code, &e);
    else
        put_settings(q, r);
    json_decref(body);
}

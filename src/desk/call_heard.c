/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/call_heard.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/scope.h"

enum { DEPTH_MAX = 4, VALUES_MAX = 100000, LANGUAGE_MAX = 3 };

/* ---- printing
 * ----------------------------------------------------------------------- */

struct str call_segments_print(const struct transcript *t, size_t max,
                               struct arena *a)
{
    struct buf b = BUF_INIT(max);
    buf_putc(&b, '[');
    for (size_t i = 0; i < t->n_segments; i++) {
        const struct transcript_segment *s = &t->segments[i];
        buf_printf(&b, "%s[%lld,%lld,%.3f,", i ? "," : "",
                   (long long)s->from_ms, (long long)s->to_ms, s->confidence);
        json_put_text(&b, s->text);
        buf_putc(&b, ']');
    }
    buf_putc(&b, ']');
    struct str kept = buf_check(&b) ? STR("[]") : arena_str(a, buf_str(&b));
    buf_free(&b);
    return kept;
}

struct str call_heard_print(const struct call_heard *x, struct arena *a)
{
    struct buf b = BUF_INIT(CALL_HEARD_BYTES);
    buf_printf(&b, "{\"to\":%lld,\"language\":", (long long)x->to_ms);
    json_put_text(&b, str_from(x->said.language));
    buf_printf(&b, ",\"confidence\":%.3f,\"text\":", x->said.confidence);
    json_put_text(&b, x->said.text);
    buf_puts(&b, ",\"segments\":");
    buf_put_str(&b, call_segments_print(&x->said, CALL_HEARD_BYTES, a));
    buf_putc(&b, '}');
    struct str kept = buf_check(&b) ? STR("") : arena_str(a, buf_str(&b));
    buf_free(&b);
    return kept;
}

/* ---- parsing
 * ------------------------------------------------------------------------ */

static bool parse_segment(const json_t *x, struct arena *a,
                          struct transcript_segment *ret)
{
    const json_t *from = json_array_get(x, 0);
    const json_t *to = json_array_get(x, 1);
    const json_t *confidence = json_array_get(x, 2);
    const json_t *text = json_array_get(x, 3);
    if (!json_is_integer(from) || !json_is_integer(to) ||
        !json_is_number(confidence) || !json_is_string(text))
        return false;
    *ret = (struct transcript_segment){
        .from_ms = json_integer_value(from),
        .to_ms = json_integer_value(to),
        .confidence = json_number_value(confidence),
        .text = arena_str(a, str_from(json_string_value(text))),
    };
    return ret->from_ms >= 0 && ret->to_ms >= ret->from_ms;
}

static bool parse_segments(const json_t *list, struct arena *a,
                           struct transcript *ret)
{
    size_t n = json_array_size(list);
    ret->segments = ARENA_ARRAY(a, struct transcript_segment, n + 1);
    ret->n_segments = n;
    for (size_t i = 0; i < n; i++) {
        if (!parse_segment(json_array_get(list, i), a, &ret->segments[i]))
            return false;
    }
    return json_is_array(list);
}

bool call_heard_parse(struct str text, struct arena *a, struct call_heard *ret)
{
    SCOPED(scope_json) json_t *o = NULL;
    struct call_heard x = {0};
    if (text.n > CALL_HEARD_BYTES ||
        json_measure(text, DEPTH_MAX, VALUES_MAX, NULL) ||
        json_read(text, CALL_HEARD_BYTES, &o, NULL))
        return false;
    const json_t *to = json_object_get(o, "to");
    const json_t *confidence = json_object_get(o, "confidence");
    const char *language = json_string_value(json_object_get(o, "language"));
    const char *said = json_string_value(json_object_get(o, "text"));
    if (!json_is_integer(to) || json_integer_value(to) <= 0 ||
        !json_is_number(confidence) || !said || !language ||
        strlen(language) > LANGUAGE_MAX)
        return false;
    x.to_ms = json_integer_value(to);
    x.said.confidence = json_number_value(confidence);
    x.said.text = arena_str(a, str_from(said));
    (void)snprintf(x.said.language, sizeof(x.said.language), "%s", language);
    if (!parse_segments(json_object_get(o, "segments"), a, &x.said))
        return false;
    *ret = x;
    return true;
}

/* ---- what came after
 * ---------------------------------------------------------------- */

static double mean(double a, int64_t a_ms, double b, int64_t b_ms)
{
    if (a < 0 || b < 0 || a_ms + b_ms <= 0)
        return a < 0 ? b : a;
    return (a * (double)a_ms + b * (double)b_ms) / (double)(a_ms + b_ms);
}

void call_heard_add(struct transcript *t, int64_t t_ms,
                    const struct transcript *more, int64_t more_ms,
                    struct arena *a)
{
    size_t n = t->n_segments + more->n_segments;
    struct transcript_segment *all =
        ARENA_ARRAY(a, struct transcript_segment, n + 1);
    for (size_t i = 0; i < t->n_segments; i++)
        all[i] = t->segments[i];
    for (size_t i = 0; i < more->n_segments; i++)
        all[t->n_segments + i] = more->segments[i];
    t->segments = all;
    t->n_segments = n;
    if (more->text.n == 0)
        return;
    bool first = t->text.n == 0;
    t->text =
        first ? more->text
              : str_from(arena_printf(a, STR_FMT " " STR_FMT, STR_ARG(t->text),
                                      STR_ARG(more->text)));
    t->confidence = first
                        ? more->confidence
                        : mean(t->confidence, t_ms, more->confidence, more_ms);
    if (first)
        memcpy(t->language, more->language, sizeof(t->language));
}

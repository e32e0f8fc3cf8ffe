/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/call_trace.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"

static const char *const steps[CALL_STEPS] = {
    [CALL_ENDED] = "ended",           [CALL_STORED] = "stored",
    [CALL_TAKEN] = "taken",           [CALL_DECODED] = "decoded",
    [CALL_HEARD] = "heard",           [CALL_ASKED] = "asked",
    [CALL_UNDERSTOOD] = "understood", [CALL_ROUTING] = "routing",
    [CALL_FINISHED] = "finished",
};

/* Numbers beside the steps; not known where they are 0. */
static const struct {
    const char *name;
    size_t offset;
} numbers[] = {
    {"length_ms", offsetof(struct call_trace, length_ms)},
    {"attempt", offsetof(struct call_trace, attempt)},
    {"voice_ms", offsetof(struct call_trace, work.voice_ms)},
    {"encoder_ms", offsetof(struct call_trace, work.encoder_ms)},
    {"windows", offsetof(struct call_trace, work.windows)},
    {"decoder_ms", offsetof(struct call_trace, work.decoder_ms)},
    {"tokens", offsetof(struct call_trace, work.tokens)},
    {"retries", offsetof(struct call_trace, work.retries)},
};
enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

static int64_t *number(struct call_trace *t, size_t i)
{
    return (int64_t *)(void *)((char *)t + numbers[i].offset);
}

static int64_t number_of(const struct call_trace *t, size_t i)
{
    return *(const int64_t *)(const void *)((const char *)t +
                                            numbers[i].offset);
}

void call_trace_init(struct call_trace *t, struct str id, int64_t ended_at)
{
    *t = (struct call_trace){.at = {[CALL_ENDED] = ended_at}};
    (void)snprintf(t->id, sizeof(t->id), STR_FMT, STR_ARG(id));
}

/* ---- on its way
 * ------------------------------------------------------------------- */

json_t *call_trace_json(const struct call_trace *t)
{
    json_t *o = json_object();
    (void)json_object_set_new(o, "call", json_string(t->id));
    for (int i = 0; i < CALL_STEPS; i++) {
        if (t->at[i])
            (void)json_object_set_new(o, steps[i], json_integer(t->at[i]));
    }
    for (size_t i = 0; i < NUMBERS; i++) {
        if (number_of(t, i))
            (void)json_object_set_new(o, numbers[i].name,
                                      json_integer(number_of(t, i)));
    }
    return o;
}

bool call_trace_read(const json_t *payload, struct call_trace *ret)
{
    const json_t *o = json_object_get(payload, "trace");
    call_trace_init(ret,
                    str_from(json_string_value(json_object_get(o, "call"))), 0);
    for (int i = 0; i < CALL_STEPS; i++)
        ret->at[i] = json_integer_value(json_object_get(o, steps[i]));
    for (size_t i = 0; i < NUMBERS; i++)
        *number(ret, i) =
            json_integer_value(json_object_get(o, numbers[i].name));
    return o != NULL;
}

/* ---- at its end
 * ------------------------------------------------------------------- */

void call_trace_print(const struct call_trace *t, int64_t ticket,
                      char ret[CALL_TRACE_LINE])
{
    struct buf b = BUF_INIT(CALL_TRACE_LINE - 1);
    int64_t last = 0;
    buf_printf(&b, "call=%s ticket=%lld is finished:", t->id,
               (long long)ticket);
    if (t->at[CALL_ENDED] && t->at[CALL_FINISHED])
        buf_printf(&b, " took_ms=%lld",
                   (long long)(t->at[CALL_FINISHED] - t->at[CALL_ENDED]));
    for (int i = 0; i < CALL_STEPS; i++) {
        if (last && t->at[i])
            buf_printf(&b, " %s_ms=%lld", steps[i],
                       (long long)(t->at[i] - last));
        last = t->at[i] ? t->at[i] : last;
    }
    for (size_t i = 0; i < NUMBERS; i++) {
        if (number_of(t, i))
            buf_printf(&b, " %s=%lld", numbers[i].name,
                       (long long)number_of(t, i));
    }
    (void)snprintf(ret, CALL_TRACE_LINE, "%s", b.ptr);
    buf_free(&b);
}

void call_trace_log(const struct call_trace *t, int64_t ticket)
{
    char line[CALL_TRACE_LINE];
    call_trace_print(t, ticket, line);
    log_info("phone", "%s", line);
}

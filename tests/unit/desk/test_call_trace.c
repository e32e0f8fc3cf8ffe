/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/call_trace.h"

#include <string.h>

#include "base/json.h"
#include "base/scope.h"
#include "test.h"

static struct call_trace whole(void)
{
    struct call_trace t;
    call_trace_init(&t, STR("17-ab"), 1000);
    const int64_t gone[] = {0, 9, 13, 25, 1675, 1679, 1690, 1692, 1720};
    for (int i = 0; i < CALL_STEPS; i++)
        t.at[i] = 1000 + gone[i];
    t.length_ms = 31240;
    t.attempt = 1;
    t.work = (struct transcript_work){.voice_ms = 3,
                                      .encoder_ms = 800,
                                      .decoder_ms = 840,
                                      .windows = 2,
                                      .tokens = 96,
                                      .retries = 0};
    return t;
}

static void line(void **state)
{
    (void)state;
    char text[CALL_TRACE_LINE];
    struct call_trace t = whole();
    call_trace_print(&t, 12, text);
    assert_string_equal(
        text,
        "call=17-ab ticket=12 is finished: took_ms=1720 stored_ms=9 taken_ms=4 "
        "decoded_ms=12 heard_ms=1650 asked_ms=4 understood_ms=11 routing_ms=2 "
        "finished_ms=28 length_ms=31240 attempt=1 voice_ms=3 encoder_ms=800 "
        "windows=2 decoder_ms=840 tokens=96");
}

/* What is not known is left out, and the steps around it go together. */
static void gaps(void **state)
{
    (void)state;
    char text[CALL_TRACE_LINE];
    struct call_trace t;
    call_trace_init(&t, STR("x"), 0);
    t.at[CALL_STORED] = 5000;
    t.at[CALL_HEARD] = 5100;
    t.at[CALL_FINISHED] = 5350;
    call_trace_print(&t, 3, text);
    assert_string_equal(
        text, "call=x ticket=3 is finished: heard_ms=100 finished_ms=250");
}

/* The longest that there can be is whole. */
static void longest(void **state)
{
    (void)state;
    char text[CALL_TRACE_LINE];
    char id[200];
    struct call_trace t = whole();
    memset(id, 'i', sizeof(id));
    call_trace_init(&t, (struct str){id, sizeof(id)}, 1);
    assert_int_equal(strlen(t.id), CALL_TRACE_ID_BYTES - 1);
    for (int i = 0; i < CALL_STEPS; i++)
        t.at[i] = i % 2 ? INT64_MAX : 1;
    t.length_ms = t.attempt = t.work.voice_ms = t.work.encoder_ms = INT64_MAX;
    t.work.decoder_ms = t.work.windows = t.work.tokens = INT64_MAX;
    t.work.retries = INT64_MAX;
    call_trace_print(&t, INT64_MAX, text);
    assert_non_null(strstr(text, " retries=9223372036854775807"));
}

static void on_its_way(void **state)
{
    (void)state;
    struct call_trace t = whole();
    struct call_trace back;
    SCOPED(scope_json) json_t *payload = json_object();
    assert_false(call_trace_read(payload, &back));
    assert_int_equal(back.at[CALL_ENDED], 0);
    assert_false(call_trace_read(NULL, &back));
    (void)json_object_set_new(payload, "trace", call_trace_json(&t));
    assert_true(call_trace_read(payload, &back));
    assert_string_equal(back.id, t.id);
    assert_memory_equal(back.at, t.at, sizeof(t.at));
    assert_memory_equal(&back.work, &t.work, sizeof(t.work));
    assert_int_equal(back.length_ms, t.length_ms);
    assert_int_equal(back.attempt, t.attempt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line),
        cmocka_unit_test(gaps),
        cmocka_unit_test(longest),
        cmocka_unit_test(on_its_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of recognisers, on each of them; and what only http has. */
#include "speech/recogniser.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../net/server.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/utf8.h"
#include "whisper_models.h"

enum { SECONDS = 3, N = RECOGNISER_RATE * SECONDS };

static int16_t speech[N], silence[N];
static struct arena *arena;
static struct server *server;

/* What the endpoint says next; under server_mutex. */
static const char *status = "200 OK";
static const char *reply = "";
static char sent[1 << 20]; /* the last request as a whole */
static size_t n_sent;

static void answer(struct server *s, int fd, const char *request)
{
    const char *length = strstr(request, "Content-Length: ");
    const char *body = strstr(request, "\r\n\r\n") + 4;
    size_t want = length ? (size_t)strtoul(length + 16, NULL, 10) : 0;
    size_t head = (size_t)(body - request);
    memcpy(sent, request, s->got);
    n_sent = s->got;
    while (n_sent < head + want && n_sent < sizeof(sent)) {
        ssize_t k = recv(fd, sent + n_sent, sizeof(sent) - n_sent, 0);
        if (k <= 0)
            return;
        n_sent += (size_t)k;
    }
    server_reply(fd, status, "Content-Type: application/json\r\n", reply,
                 strlen(reply));
}

static void says(const char *a_status, const char *a_reply)
{
    server_settle();
    status = a_status;
    reply = a_reply;
}

static struct recogniser *open_http(const char *key)
{
    char url[100];
    struct recogniser *r = NULL;
    struct err e = {0};
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/v1/x", server->port);
    struct recogniser_http o = {url, "whisper-1", key, 20000};
    if (recogniser_http_open(&o, &r, &e))
        fail_msg("%s", e.msg);
    return r;
}

static int run(struct recogniser *r, const int16_t *samples, size_t n,
               struct transcript *ret, struct err *e)
{
    struct recogniser_ask ask = {
        .samples = samples, .n = n, .language = "", .prompt = STR("Otklik")};
    *e = (struct err){0};
    return recogniser_run(r, &ask, arena, ret, e);
}

static int setup(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    if (whisper_open(state))
        return -1;
    arena = arena_new();
    server = server_start(answer, NULL);
    uint32_t seed = 1;
    for (size_t i = 0; i < N; i++) {
        double t = (double)i / RECOGNISER_RATE;
        seed = seed * 1664525 + 1013904223;
        double noise = (double)(seed >> 8) / (1 << 24) - 0.5;
        double on = fmod(t, 0.35) < 0.2 ? 1 : 0;
        speech[i] = (int16_t)lrint(6000 * on * noise);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    server_stop(server);
    arena_free(arena);
    return whisper_close(state);
}

/* ---- the contract ----------------------------------------------------------
 */

static const char good[] =
    "{\"text\":\" Не работает принтер. \",\"language\":\"russian\","
    "\"segments\":[{\"start\":0.0,\"end\":1.5,\"text\":\" Не работает\","
    "\"avg_logprob\":-0.105},{\"start\":1.5,\"end\":2.5,"
    "\"text\":\" принтер.\",\"avg_logprob\":-0.223}]}";

static void check_contract(struct recogniser *r)
{
    struct transcript t;
    struct err e;
    assert_int_equal(run(r, speech, N, &t, &e), 0);
    assert_true(str_is(t.text, "Не работает принтер."));
    assert_string_equal(t.language, "ru");
    assert_true(t.confidence > 0.5 && t.confidence <= 1);
    assert_true(t.n_segments >= 2);
    int64_t at = 0;
    for (size_t i = 0; i < t.n_segments; i++) {
        assert_true(t.segments[i].from_ms >= at);
        assert_true(t.segments[i].to_ms >= t.segments[i].from_ms);
        assert_true(t.segments[i].to_ms <= SECONDS * 1000);
        assert_true(t.segments[i].text.n > 0);
        at = t.segments[i].to_ms;
    }
    /* no sound at all is no failure, and nobody is asked */
    assert_int_equal(run(r, speech, 0, &t, &e), 0);
    assert_int_equal(t.text.n, 0);
    assert_int_equal(t.n_segments, 0);
}

static void test_contract(void **state)
{
    (void)state;
    struct recogniser *memory = recogniser_memory_open("Не работает принтер.");
    check_contract(memory);
    recogniser_close(memory);
    says("200 OK", good);
    struct recogniser *http = open_http("");
    check_contract(http);
    recogniser_close(http);
}

static void test_silence(void **state)
{
    (void)state;
    struct transcript t;
    struct err e;
    struct recogniser *memory = recogniser_memory_open("Не работает принтер.");
    assert_int_equal(run(memory, silence, N, &t, &e), 0);
    assert_int_equal(t.text.n, 0);
    recogniser_close(memory);
}

/* What only repeats the prompt is nothing that was said: of any recogniser,
 * with segments and without. */
static void test_echo(void **state)
{
    (void)state;
#define LISTED "Printing, Ann, VPN, Outlook, Zebra"
    static const char *const replies[] = {
        "{\"text\":\"" LISTED ".\"}",
        "{\"text\":\"" LISTED ".\",\"segments\":[{\"start\":0,\"end\":1,"
        "\"text\":\" Printing, Ann,\",\"avg_logprob\":-0.01},{\"start\":1,"
        "\"end\":2,\"text\":\" VPN, Outlook, Zebra.\",\"avg_logprob\":"
        "-0.01}]}",
    };
    struct transcript t;
    struct err e;
    struct recogniser_ask ask = {
        .samples = speech, .n = N, .language = "", .prompt = STR(LISTED ".")};
    struct recogniser *http = open_http("");
    for (size_t i = 0; i < ROWS(replies); i++) {
        says("200 OK", replies[i]);
        assert_int_equal(recogniser_run(http, &ask, arena, &t, &e), 0);
        assert_int_equal(t.text.n, 0);
        assert_int_equal(t.n_segments, 0);
    }
    /* the words that are left are the text */
    says("200 OK",
         "{\"text\":\"x\",\"segments\":[{\"start\":0,\"end\":1,\"text\":"
         "\"" LISTED "\"},{\"start\":1,\"end\":2,\"text\":\"Outlook is "
         "slow.\"},{\"start\":2,\"end\":3,\"text\":\"Help.\"}]}");
    assert_int_equal(recogniser_run(http, &ask, arena, &t, &e), 0);
    assert_true(str_is(t.text, "Outlook is slow. Help."));
    assert_int_equal(t.n_segments, 2);
    recogniser_close(http);
    struct recogniser *memory = recogniser_memory_open(LISTED);
    assert_int_equal(recogniser_run(memory, &ask, arena, &t, &e), 0);
    assert_int_equal(t.text.n, 0);
    ask.prompt = STR("");
    assert_int_equal(recogniser_run(memory, &ask, arena, &t, &e), 0);
    assert_true(str_is(t.text, LISTED));
    recogniser_close(memory);
}

static void test_memory_remembers(void **state)
{
    (void)state;
    struct transcript t;
    struct err e;
    struct recogniser_memory_asked asked;
    struct recogniser *r = recogniser_memory_open("a");
    recogniser_memory_get(r, &asked);
    assert_int_equal(asked.times, 0);
    assert_int_equal(run(r, speech, 1000, &t, &e), 0);
    assert_int_equal(run(r, silence, 500, &t, &e), 0);
    recogniser_memory_get(r, &asked);
    assert_int_equal(asked.times, 2);
    assert_int_equal(asked.samples, 1500);
    assert_string_equal(asked.prompt, "Otklik");
    recogniser_close(r);
}

/* ---- http ------------------------------------------------------------------
 */

static void test_request(void **state)
{
    (void)state;
    struct transcript t;
    struct err e;
    says("200 OK", good);
    struct recogniser *r = open_http("sk-1");
    assert_int_equal(run(r, speech, 1000, &t, &e), 0);
    server_settle();
    sent[n_sent < sizeof(sent) ? n_sent : sizeof(sent) - 1] = '\0';
    assert_non_null(strstr(sent, "POST /v1/x HTTP/1.1"));
    assert_non_null(strstr(sent, "Authorization: Bearer sk-1\r\n"));
    assert_non_null(memmem(sent, n_sent, "whisper-1", 9));
    assert_non_null(memmem(sent, n_sent, "verbose_json", 12));
    assert_non_null(memmem(sent, n_sent, "Otklik", 6));
    assert_null(memmem(sent, n_sent, "\"language\"", 10));
    const char *wav = memmem(sent, n_sent, "RIFF", 4);
    assert_non_null(wav);
    assert_memory_equal(wav + 44, speech, 2000);
    recogniser_close(r);
}

static void test_failures(void **state)
{
    (void)state;
    static const struct {
        const char *status, *reply;
        int code;
    } rows[] = {
        {"503 Busy", "", OTK_EAGAIN},
        {"429 Slow down", "", OTK_EAGAIN},
        {"401 Who", "", OTK_EDENIED},
        {"404 Where", "", OTK_ENOENT},
        {"400 Bad", "{\"error\":\"no such model\"}", OTK_EFORMAT},
        {"302 There", "", OTK_EFORMAT},
        {"200 OK", "", OTK_EFORMAT},
        {"200 OK", "{}", OTK_EFORMAT},
        {"200 OK", "[1", OTK_EFORMAT},
        {"200 OK", "{\"text\":\"\\ud800\"}", OTK_EFORMAT},
    };
    struct recogniser *r = open_http("");
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct transcript t;
        struct err e;
        says(rows[i].status, rows[i].reply);
        int code = run(r, speech, 1000, &t, &e);
        if (code != rows[i].code || !e.msg[0])
            fail_msg("row %zu: %d %s", i, code, e.msg);
    }
    recogniser_close(r);
}

/* Segments that contradict themselves are put right or left out. */
static void test_odd_segments(void **state)
{
    (void)state;
    struct transcript t;
    struct err e;
    says("200 OK",
         "{\"text\":\"a b\",\"language\":\"xx-long\",\"segments\":["
         "{\"start\":2.0,\"end\":1.0,\"text\":\"a\",\"avg_logprob\":5},"
         "{\"start\":-1,\"end\":1e9,\"text\":\"b\"},"
         "{\"start\":\"x\",\"text\":\" \"},7,null]}");
    struct recogniser *r = open_http("");
    assert_int_equal(run(r, speech, N, &t, &e), 0);
    assert_string_equal(t.language, "");
    assert_int_equal(t.n_segments, 2);
    assert_int_equal(t.segments[0].from_ms, 2000);
    assert_int_equal(t.segments[0].to_ms, 2000);
    assert_true(t.segments[0].confidence < 0);
    assert_int_equal(t.segments[1].from_ms, 2000);
    assert_true(t.segments[1].to_ms <= SECONDS * 1000);
    recogniser_close(r);
}

static void test_bad_settings(void **state)
{
    (void)state;
    struct recogniser *r = NULL;
    struct err e = {0};
    struct recogniser_http no_url = {"ftp://x/y", "m", "", 1000};
    struct recogniser_http bad_key = {"http://x/y", "m", "a\r\nb: c", 1000};
    assert_int_equal(recogniser_http_open(&no_url, &r, &e), OTK_EINVAL);
    assert_int_equal(recogniser_http_open(&bad_key, &r, &e), OTK_EINVAL);
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct transcript t;
    struct err e;
    struct recogniser *r = NULL;
    struct recogniser_http o = {"http://127.0.0.1:1/x", "m", "", 1000};
    assert_int_equal(recogniser_http_open(&o, &r, &e), 0);
    assert_int_equal(run(r, speech, 1000, &t, &e), OTK_EAGAIN);
    recogniser_close(r);
}

/* ---- whisper ---------------------------------------------------------------
 */

/* Random weights say anything; what it is must hold all the same. */
static void test_whisper(void **state)
{
    (void)state;
    char path[WHISPER_PATH];
    struct transcript t;
    struct err e;
    whisper_make("", "model.bin", path);
    path[strlen(path) - strlen(".bin")] = '\0';
    struct recogniser *r = recogniser_whisper_open(&(struct recogniser_whisper){
        .path = path, .precision = PRECISION_F32, .threads = 2});
    assert_int_equal(run(r, speech, N, &t, &e), 0);
    assert_int_equal(utf8_check(t.text), t.text.n);
    assert_true(t.language[0] != '\0');
    int64_t at = 0;
    for (size_t i = 0; i < t.n_segments; i++) {
        assert_true(t.segments[i].from_ms >= at);
        assert_true(t.segments[i].to_ms <= SECONDS * 1000);
        assert_true(t.segments[i].confidence >= 0);
        at = t.segments[i].to_ms;
    }
    assert_int_equal(run(r, silence, N, &t, &e), 0);
    assert_int_equal(t.text.n, 0);
    assert_int_equal(run(r, speech, 0, &t, &e), 0);
    recogniser_close(r);
}

static void test_whisper_comes_later(void **state)
{
    (void)state;
    char path[WHISPER_PATH];
    char wanted[WHISPER_PATH];
    struct transcript t;
    struct err e;
    (void)snprintf(wanted, sizeof(wanted), "%s/later", whisper_top);
    struct recogniser *r = recogniser_whisper_open(&(struct recogniser_whisper){
        .path = wanted, .precision = PRECISION_F32, .threads = 1});
    assert_int_equal(run(r, speech, N, &t, &e), OTK_EAGAIN);
    assert_non_null(strstr(e.msg, "model pull"));
    whisper_make("", "later.bin", path);
    assert_int_equal(run(r, speech, N, &t, &e), 0);
    recogniser_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contract),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_memory_remembers),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_odd_segments),
        cmocka_unit_test(test_bad_settings),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_whisper),
        cmocka_unit_test(test_whisper_comes_later),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

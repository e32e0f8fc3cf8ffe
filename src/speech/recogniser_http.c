/* SPDX-License-Identifier: Apache-2.0 */
/* An endpoint that speaks as OpenAI's POST /v1/audio/transcriptions does:
 * whisper.cpp's server, faster-whisper's, vLLM and others. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/scope.h"
#include "net/http_form.h"
#include "speech/recogniser.h"
#include "speech/sound.h"

enum { REPLY_BYTES = 8 << 20, DEPTH_MAX = 16, VALUES_MAX = 400000 };

struct http {
    struct recogniser base;
    char *url, *model, *key;
    int timeout_ms;
};

static struct http *self(struct recogniser *r)
{
    return (struct http *)r;
}

static int make_wav(const struct recogniser_ask *ask, struct buf *ret,
                    struct err *e)
{
    unsigned char head[SOUND_WAV_HEAD];
    if (!buf_reserve(ret, sizeof(head) + ask->n * sizeof(*ask->samples)))
        return err_set(e, OTK_ELIMIT, "the sound is too long to be sent");
    sound_wav_head(head, RECOGNISER_RATE, ask->n);
    buf_put(ret, head, sizeof(head));
    buf_put(ret, ask->samples, ask->n * sizeof(*ask->samples));
    return OTK_OK;
}

/* ---- reading the answer
 * ------------------------------------------------------------ */

/* "russian" and "ru" are both said. */
static void read_language(const json_t *o, char ret[4])
{
    static const struct {
        const char *name, *code;
    } known[] = {{"russian", "ru"}, {"english", "en"},   {"german", "de"},
                 {"french", "fr"},  {"ukrainian", "uk"}, {"spanish", "es"}};
    const char *said = json_string_value(json_object_get(o, "language"));
    ret[0] = '\0';
    if (!said)
        return;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcasecmp(said, known[i].name) == 0)
            said = known[i].code;
    }
    if (strlen(said) == 2)
        memcpy(ret, said, 3);
}

static int64_t ms_of(const json_t *o, const char *name)
{
    double s = json_number_value(json_object_get(o, name));
    return s > 0 && s < 1e6 ? (int64_t)(s * 1000) : 0;
}

/* What Whisper's servers send is a mean of natural logarithms. */
static double confidence_of(const json_t *o)
{
    const json_t *mean = json_object_get(o, "avg_logprob");
    return json_is_number(mean) ? exp(json_number_value(mean)) : -1;
}

static void read_segments(const json_t *list, struct arena *a,
                          struct transcript *ret)
{
    size_t n = json_array_size(list);
    double sum = 0;
    double weight = 0;
    n = n < RECOGNISER_SEGMENTS_MAX ? n : RECOGNISER_SEGMENTS_MAX;
    ret->segments = ARENA_ARRAY(a, struct transcript_segment, n + 1);
    for (size_t i = 0; i < n; i++) {
        const json_t *o = json_array_get(list, i);
        struct str text =
            str_from(json_string_value(json_object_get(o, "text")));
        struct transcript_segment s = {
            .from_ms = ms_of(o, "start"),
            .to_ms = ms_of(o, "end"),
            .confidence = confidence_of(o),
            .text = arena_str(a, text),
        };
        ret->segments[ret->n_segments++] = s;
        if (s.confidence >= 0) {
            sum += s.confidence * (double)text.n;
            weight += (double)text.n;
        }
    }
    ret->confidence = weight > 0 ? sum / weight : -1;
}

static int read_reply(struct str reply, struct arena *a, struct transcript *ret,
                      struct err *e)
{
    SCOPED(scope_json) json_t *o = NULL;
    int r = json_measure(reply, DEPTH_MAX, VALUES_MAX, e);
    if (!r)
        r = json_read(reply, REPLY_BYTES, &o, e);
    if (r)
        return err_wrap(e, OTK_EFORMAT, "the answer");
    const char *text = json_string_value(json_object_get(o, "text"));
    if (!text)
        return err_set(e, OTK_EFORMAT, "the answer has no \"text\"");
    ret->text = arena_str(a, str_from(text));
    read_language(o, ret->language);
    read_segments(json_object_get(o, "segments"), a, ret);
    return OTK_OK;
}

/* ---- asking
 * ------------------------------------------------------------------------ */

static int post(const struct http *h, const struct recogniser_ask *ask,
                struct str wav, struct buf *reply, struct err *e)
{
    struct http_field fields[] = {
        {"file", wav, "call.wav", "audio/wav"},
        {"model", str_from(h->model), NULL, NULL},
        {"response_format", STR("verbose_json"), NULL, NULL},
        {"temperature", STR("0"), NULL, NULL},
        {"language", str_from(ask->language), NULL, NULL},
        {"prompt", ask->prompt, NULL, NULL},
    };
    size_t n = sizeof(fields) / sizeof(fields[0]);
    if (!ask->prompt.n)
        n--;
    if (!ask->language[0]) { /* not said: it is found out */
        fields[4] = fields[5];
        n--;
    }
    struct http_form form = {
        .url = h->url,
        .token = h->key,
        .fields = fields,
        .n_fields = n,
        .timeout_ms = h->timeout_ms,
        .cancelled = ask->cancelled,
        .ctx = ask->ctx,
    };
    return http_form_post(&form, reply, e);
}

static int http_recognise(struct recogniser *r,
                          const struct recogniser_ask *ask, struct arena *a,
                          struct transcript *ret, struct err *e)
{
    const struct http *h = self(r);
    size_t bytes = ask->n * sizeof(*ask->samples);
    struct buf wav = BUF_INIT(SOUND_WAV_HEAD + bytes);
    struct buf reply = BUF_INIT(REPLY_BYTES);
    int err = make_wav(ask, &wav, e);
    if (!err)
        err = post(h, ask, buf_str(&wav), &reply, e);
    if (!err)
        err = read_reply(buf_str(&reply), a, ret, e);
    buf_free(&wav);
    buf_free(&reply);
    return err;
}

static void http_close(struct recogniser *r)
{
    struct http *h = self(r);
    free(h->url);
    free(h->model);
    free(h->key);
    free(h);
}

static const struct recogniser_ops http_ops = {
    .name = "http",
    .recognise = http_recognise,
    .close = http_close,
};

static bool may_be_sent(const char *key)
{
    while (*key > ' ' && *key <= '~')
        key++;
    return *key == '\0';
}

int recogniser_http_open(const struct recogniser_http *o,
                         struct recogniser **ret, struct err *e)
{
    if (!str_starts(str_from(o->url), "http://") &&
        !str_starts(str_from(o->url), "https://"))
        return err_set(e, OTK_EINVAL,
                       "speech.url: '%.100s' is not an address of the form "
                       "http://HOST/v1/audio/transcriptions",
                       o->url);
    if (!may_be_sent(o->key))
        return err_set(e, OTK_EINVAL,
                       "speech.key holds white space or bytes that no key has");
    struct http *h = MEM_NEW(struct http);
    h->base.ops = &http_ops;
    h->url = mem_copy_str(o->url);
    h->model = mem_copy_str(o->model);
    h->key = mem_copy_str(o->key);
    h->timeout_ms = o->timeout_ms;
    *ret = &h->base;
    return OTK_OK;
}

/*
 * speech/recogniser.h - what was said: sound in, a transcript out
 *
 * Implementations: `whisper` is our own engine; `http` asks an endpoint that
 * speaks as OpenAI's /v1/audio/transcriptions does; `memory` says what it was
 * given (tests, demos). All hold the contract of
 * tests/unit/speech/test_recogniser.c.
 */
#ifndef OTK_SPEECH_RECOGNISER_H
#define OTK_SPEECH_RECOGNISER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "tensor/linear.h"

struct arena;
struct err;
struct recogniser;

enum {
    RECOGNISER_RATE = 16000,     /* of the sound that it is given */
    RECOGNISER_TEXT_MAX = 65536, /* bytes of a transcript */
    RECOGNISER_SEGMENTS_MAX = 20000,
};

struct recogniser_ask {
    const int16_t *samples; /* mono, RECOGNISER_RATE */
    size_t n;
    const char *language; /* "ru": what it will be; "": to be found out */
    struct str prompt;    /* words of the desk that may occur, between commas,
                             the likeliest last; may be empty */
    bool (*cancelled)(void *ctx); /* asked now and then; may be NULL */
    void *ctx;
};

struct transcript_segment {
    int64_t from_ms, to_ms;
    double confidence; /* 0 to 1; negative: not known */
    struct str text;
};

/* What it took, where a recogniser knows. */
struct transcript_work {
    int64_t voice_ms; /* looking for a voice */
    int64_t encoder_ms, decoder_ms;
    int64_t windows, tokens; /* that went through them */
    int64_t retries;         /* of windows that were not likely */
};

/* Texts are UTF-8 and live in the arena of the call. */
struct transcript {
    struct str text;   /* of all segments; empty: nothing was said */
    char language[4];  /* ISO 639-1; "": not known */
    double confidence; /* of the whole; negative: not known */
    struct transcript_segment *segments; /* by time, none overlaps */
    size_t n_segments;
    struct transcript_work work; /* 0: not known */
};

struct recogniser_ops {
    const char *name;
    /* Required. The whole sound or a failure: OTK_EAGAIN may work later,
     * OTK_EDENIED will not until somebody mends it (a key that is refused),
     * OTK_EFORMAT an answer that makes no sense. Any thread, several at a
     * time. Silence is no failure. */
    int (*recognise)(struct recogniser *r, const struct recogniser_ask *ask,
                     struct arena *a, struct transcript *ret, struct err *e);
    void (*close)(struct recogniser *r); /* required */
};

/* An implementation begins with one of these. */
struct recogniser {
    const struct recogniser_ops *ops;
};

/* Checks what comes back: UTF-8, limits, times within the sound and in order;
 * what is out of order is put right or left out. So is what only repeats the
 * prompt (speech/echo.h). */
int recogniser_run(struct recogniser *r, const struct recogniser_ask *ask,
                   struct arena *a, struct transcript *ret, struct err *e);
const char *recogniser_name(const struct recogniser *r);
void recogniser_close(struct recogniser *r); /* NULL is fine */

/* Says `text`, a word a second, to whoever speaks; nothing to silence. */
struct recogniser *recogniser_memory_open(const char *text);

/* What one of `memory` was asked so far, all asks together. */
enum { RECOGNISER_PROMPT_SEEN = 1000 };
struct recogniser_memory_asked {
    size_t times;
    size_t samples;
    char prompt[RECOGNISER_PROMPT_SEEN]; /* of the last one, cut */
};
void recogniser_memory_get(struct recogniser *r,
                           struct recogniser_memory_asked *ret);

/*
 * A model of model/whisper.h, which is opened when the first sound comes.
 * OTK_EAGAIN until it is there. One sound is heard at a time; what nobody said
 * is taken out (speech/guard.h).
 */
struct recogniser_whisper {
    const char *path; /* its file or folder, with or without ".bin"; copied */
    enum precision precision;
    int threads; /* 0: one a core */
    int tries;   /* whisper_options.tries */
};
struct recogniser *recogniser_whisper_open(const struct recogniser_whisper *o);

struct recogniser_http {
    const char *url;   /* "http://127.0.0.1:9000/v1/audio/transcriptions" */
    const char *model; /* its name there */
    const char *key;   /* "": none */
    int timeout_ms;    /* of one sound */
};
/* Everything is copied. OTK_EINVAL: the address is none. */
int recogniser_http_open(const struct recogniser_http *o,
                         struct recogniser **ret, struct err *e);

#endif

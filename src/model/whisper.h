/*
 * model/whisper.h - speech to text by Whisper
 *
 * A model of OpenAI's Whisper (Radford et al. 2022), tiny to large-v3 and
 * turbo, as a file of whisper.cpp (ggml-*.bin: f32, f16, q4, q5, q8) or as a
 * folder of Hugging Face. Sound is float, 16 kHz, mono, -1 … 1; times are
 * milliseconds from its beginning.
 *
 * Threads: a model is immutable and counted by references. Each thread that
 * transcribes has a session of its own.
 */
#ifndef OTK_MODEL_WHISPER_H
#define OTK_MODEL_WHISPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "tensor/linear.h"

struct err;
struct whisper;
struct whisper_session;

enum {
    WHISPER_RATE = 16000,
    WHISPER_WINDOW_MS = 30000,
    WHISPER_THREADS_MAX = 64,
    WHISPER_BEAMS_MAX = 8,
    WHISPER_PROMPT_BYTES = 4096,
    WHISPER_HOURS_MAX = 6, /* of one sound */
};

/* ---- the model
 * ---------------------------------------------------------------------- */

/* `path` is a file or a folder. OTK_ENOENT; OTK_EFORMAT, OTK_ELIMIT: the file
 * and the field or tensor that are wrong. */
int whisper_load(const char *path, enum precision p, struct whisper **ret,
                 struct err *e);
struct whisper *whisper_ref(struct whisper *w);
void whisper_unref(struct whisper *w); /* NULL is fine */

struct whisper_info {
    size_t vocab, mels, state;
    size_t audio_layers, text_layers;
    size_t parameters; /* numbers in the files */
    size_t bytes;      /* of packed weights in memory */
    enum precision precision;
    bool is_multilingual;
    size_t n_languages;
    const char *name; /* "base", by its layers; "custom" */
};
const struct whisper_info *whisper_info(const struct whisper *w);

/* "ru" for 0 … n_languages - 1, in the order of the model's tokens. */
const char *whisper_language(size_t i);
/* -1: not known. Names in English count too: "russian". */
int whisper_language_find(struct str name);

/* 1 … WHISPER_THREADS_MAX; for any models, one after the other. */
struct whisper_session *whisper_session_new(int threads);
void whisper_session_free(struct whisper_session *s); /* NULL is fine */

/* ---- transcribing
 * ------------------------------------------------------------------- */

enum { WHISPER_TRIES = 6 };

struct whisper_options {
    const char *language; /* "ru"; NULL: heard */
    bool translates;      /* to English */
    bool has_words;       /* times and confidences of words */
    bool without_times;   /* no timestamps within a window */
    int beams;            /* 0, 1: greedy */
    struct str prompt;    /* words that are likely: names, products; the end of
                             it counts where there is no room for all */
    bool forgets;         /* a window knows nothing of the one before it */
    int tries;         /* at rising temperatures, while what comes is bad: 1 to
                          WHISPER_TRIES; 0: all */
    bool cuts_windows; /* encode only what is heard of the last window: fast,
                          with other results than models are trained on */
    uint64_t seed;     /* of tries at higher temperatures */
    bool (*cancelled)(void *ctx);              /* may be NULL; between tokens */
    void (*progress)(void *ctx, double share); /* may be NULL */
    void *ctx;
};

struct whisper_word {
    int64_t from_ms, to_ms;
    const char *text; /* with the blank before it, if there is one */
    float confidence; /* 0 … 1 */
};

struct whisper_segment {
    int64_t from_ms, to_ms;
    const char *text; /* UTF-8, trimmed */
    float confidence; /* geometric mean of its tokens' chances */
    float no_speech;  /* chance that the window has no speech */
    float repetition; /* bytes of text for each byte that zlib makes of it */
    float temperature;
    const struct whisper_word *words;
    size_t n_words;
};

/* What it took. */
struct whisper_work {
    size_t windows; /* that were encoded */
    size_t tokens;  /* that were decoded, of all tries */
    size_t retries; /* at higher temperatures */
    int64_t encoder_ms, decoder_ms;
};

struct whisper_transcript {
    const struct whisper_segment *segments;
    size_t n_segments;
    const char *language;  /* "ru"; "en" of models that know no other */
    float language_chance; /* 1 where it was told */
    int64_t duration_ms;
    struct whisper_work work;
    struct arena *arena; /* owns all of it */
};

/*
 * whisper_transcript_free(ret). OTK_EINVAL: options that do not go together or
 * a language that the model has not; OTK_ELIMIT: too long; OTK_EAGAIN:
 * `cancelled` said so.
 */
int whisper_transcribe(const struct whisper *w, struct whisper_session *s,
                       const float *pcm, size_t samples,
                       const struct whisper_options *o,
                       struct whisper_transcript *ret, struct err *e);
void whisper_transcript_free(struct whisper_transcript *t);

#endif

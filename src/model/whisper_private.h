/* model/whisper_private.h - what a Whisper model is made of */
#ifndef OTK_MODEL_WHISPER_PRIVATE_H
#define OTK_MODEL_WHISPER_PRIVATE_H

#include <stdatomic.h>

#include "model/whisper.h"
#include "model/whisper_source.h"
#include "model/whisper_tokens.h"
#include "tensor/cache.h"
#include "tensor/norm.h"

struct arena;
struct mel;

/* A product with a fixed matrix; NULL where a layer has none. */
enum whisper_linear {
    WHISPER_QKV,
    WHISPER_OUT,
    WHISPER_ASK,   /* q of the decoder about what was heard */
    WHISPER_HEARD, /* k and v of that, out of the encoder's rows */
    WHISPER_TELL,  /* what comes of it */
    WHISPER_INNER,
    WHISPER_OUTER,
    WHISPER_LINEARS,
};

/* Norms stand before what they are for. */
struct whisper_layer {
    struct linear *linears[WHISPER_LINEARS];
    struct norm self, cross, mlp;
};

struct whisper {
    _Atomic(int) refs;
    struct arena *arena; /* small arrays of numbers, texts */
    struct whisper_source *source;
    struct whisper_sizes sizes;
    struct whisper_info info;
    struct whisper_vocabulary vocabulary;
    struct mel *mel;
    struct linear *conv1, *conv2; /* rows of 3 frames side by side */
    const float *audio_places;    /* audio.ctx × state */
    const float *text_places;     /* text.ctx × state */
    const struct weight *words;   /* vocab × state, where they lie */
    struct linear *logits;        /* the same as a product */
    struct whisper_layer *audio, *text;
    struct norm audio_end, text_end;
};

struct whisper_session {
    struct team *team;
    struct workspace *space;
};

/* ---- whisper_encode.c
 * --------------------------------------------------------------- */

/* Frames of 10 ms for each row of the encoder. */
enum { WHISPER_FRAMES_PER_ROW = 2 };

/*
 * `rows` × state numbers out of rows × WHISPER_FRAMES_PER_ROW frames of
 * normalised mel bands; rows is not more than audio.ctx.
 */
void whisper_encode(const struct whisper *w, struct whisper_session *s,
                    const float *mels, size_t rows, float *ret);

/* ---- whisper_decode.c
 * --------------------------------------------------------------- */

/* What a decoder remembers: of the window that is heard, and of each of its
 * hypotheses. */
struct whisper_memory;

/* For up to `lines` hypotheses. NULL: no memory. */
struct whisper_memory *whisper_memory_new(const struct whisper *w,
                                          size_t lines);
void whisper_memory_free(struct whisper_memory *m); /* NULL is fine */

/* Another window: the encoder's rows. */
void whisper_memory_hear(const struct whisper *w, struct whisper_session *s,
                         struct whisper_memory *m, const float *encoded,
                         size_t rows);

/* Line `to` goes on where `from` is after `n` tokens. */
void whisper_memory_fork(const struct whisper *w, struct whisper_memory *m,
                         size_t to, size_t from, size_t n);

struct whisper_step {
    uint32_t token;
    size_t at; /* place in its line, from 0; those before it were decoded */
    size_t line;
    bool wants; /* logits */
};

/* Told after each layer how much each of n tokens looked at each of the
 * encoder's rows: n × heads × audio.ctx, which it may change. */
struct whisper_looker {
    void (*look)(void *ctx, size_t layer, float *weights);
    void *ctx;
};

/*
 * Some tokens, of one line in a row or of several lines, to vocab logits for
 * each that wants them, one behind the other. `l` may be NULL. OTK_EFORMAT: a
 * row of the vocabulary has a value that is no number.
 */
int whisper_decode(const struct whisper *w, struct whisper_session *s,
                   struct whisper_memory *m, const struct whisper_step *steps,
                   size_t n, float *ret, const struct whisper_looker *l,
                   struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A Whisper model out of its files: weights packed, sizes checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "model/mel.h"
#include "model/weight.h"
#include "model/whisper_private.h"

enum { TAPS = 3, PARTS_MAX = 3 };
static const float EPS = 1e-5F;

/* ---- numbers
 * ------------------------------------------------------------------------ */

static int read_floats(const struct whisper *w, const char *name,
                       const size_t *dims, int n_dims, float *ret,
                       struct err *e)
{
    const struct weight *x = NULL;
    int r = whisper_tensor(w->source, name, dims, n_dims, &x, e);
    return r ? r : weight_read(x, ret, e);
}

/* The same into the arena. */
static int keep_floats(struct whisper *w, const char *name, size_t rows,
                       size_t columns, const float **ret, struct err *e)
{
    const size_t dims[] = {rows, columns};
    const struct weight *x = NULL;
    int r = whisper_tensor(w->source, name, dims, 2, &x, e);
    if (r)
        return r; /* before memory is taken: the file has so many bytes */
    float *own = ARENA_ARRAY(w->arena, float, rows *columns);
    *ret = own;
    return weight_read(x, own, e);
}

static int load_norm(struct whisper *w, const char *stem, struct norm *ret,
                     struct err *e)
{
    char name[WEIGHT_NAME_MAX];
    *ret = (struct norm){.width = w->sizes.audio.state, .eps = EPS};
    (void)snprintf(name, sizeof(name), "%s.weight", stem);
    int r = keep_floats(w, name, ret->width, 1, &ret->gain, e);
    (void)snprintf(name, sizeof(name), "%s.bias", stem);
    return r ? r : keep_floats(w, name, ret->width, 1, &ret->bias, e);
}

/* ---- products
 * ----------------------------------------------------------------------- */

/* One matrix out of some that are one below the other in the files: each of
 * `outs` rows, the names separated by blanks, '-' behind those without bias. */
struct matrix {
    const char *stem;
    const char *parts[PARTS_MAX];
    size_t outs, in;
};

static size_t n_parts(const struct matrix *m)
{
    size_t n = 0;
    while (n < PARTS_MAX && m->parts[n])
        n++;
    return n;
}

/* Keys have no bias: a constant for all that is looked at changes nothing. */
static bool has_bias(const char *part)
{
    return !str_ends(str_from(part), "key");
}

static int load_matrix(struct whisper *w, const struct matrix *m,
                       struct linear **ret, struct err *e)
{
    char name[WEIGHT_NAME_MAX];
    size_t n = n_parts(m);
    const size_t dims[] = {m->outs, m->in};
    const struct weight *x[PARTS_MAX];
    int r = OTK_OK;
    for (size_t i = 0; !r && i < n; i++) {
        (void)snprintf(name, sizeof(name), "%s%s.weight", m->stem, m->parts[i]);
        r = whisper_tensor(w->source, name, dims, 2, &x[i], e);
    }
    if (r)
        return r;
    float *all = mem_try(n * m->outs * (m->in + 1), sizeof(*all));
    if (!all)
        return err_set(e, OTK_ELIMIT, "%s: no memory for it", m->stem);
    float *bias = all + n * m->outs * m->in;
    for (size_t i = 0; !r && i < n; i++) {
        r = weight_read(x[i], all + i * m->outs * m->in, e);
        (void)snprintf(name, sizeof(name), "%s%s.bias", m->stem, m->parts[i]);
        if (!r && has_bias(m->parts[i]))
            r = read_floats(w, name, dims, 1, bias + i * m->outs, e);
    }
    if (!r)
        r = linear_new(all, bias, n * m->outs, m->in, w->info.precision, ret,
                       e);
    if (!r)
        w->info.bytes += linear_bytes(*ret);
    free(all);
    return r;
}

/*
 * A convolution over three frames as a product with rows of three frames side
 * by side: [out][in][tap] becomes [out][tap][in]. Of the first, which is a
 * small part of the work and meets what is heard, nothing is rounded.
 */
static int load_convolution(struct whisper *w, const char *stem, size_t in,
                            enum precision p, struct linear **ret,
                            struct err *e)
{
    char name[WEIGHT_NAME_MAX];
    size_t outs = w->sizes.audio.state;
    const size_t dims[] = {outs, in, TAPS};
    const struct weight *x = NULL;
    (void)snprintf(name, sizeof(name), "%s.weight", stem);
    int r = whisper_tensor(w->source, name, dims, 3, &x, e);
    if (r)
        return r;
    size_t n = outs * in * TAPS;
    float *all = mem_try(2 * n + outs, sizeof(*all));
    if (!all)
        return err_set(e, OTK_ELIMIT, "%s: no memory for it", stem);
    float *turned = all + n;
    float *bias = turned + n;
    r = weight_read(x, all, e);
    for (size_t o = 0; o < outs; o++) {
        for (size_t i = 0; i < in * TAPS; i++)
            turned[o * in * TAPS + i % TAPS * in + i / TAPS] =
                all[o * in * TAPS + i];
    }
    (void)snprintf(name, sizeof(name), "%s.bias", stem);
    if (!r)
        r = read_floats(w, name, dims, 1, bias, e);
    if (!r)
        r = linear_new(turned, bias, outs, in * TAPS, p, ret, e);
    if (!r)
        w->info.bytes += linear_bytes(*ret);
    free(all);
    return r;
}

/* ---- layers
 * ------------------------------------------------------------------------- */

static int load_layer(struct whisper *w, const char *side, size_t i,
                      const struct whisper_part *p, bool crosses,
                      struct whisper_layer *l, struct err *e)
{
    char stem[WEIGHT_NAME_MAX / 2];
    char norm[WEIGHT_NAME_MAX];
    size_t d = p->state;
    (void)snprintf(stem, sizeof(stem), "%s.blocks.%zu.", side, i);
    const struct {
        enum whisper_linear at;
        bool crosses;
        struct matrix m;
    } list[] = {
        {WHISPER_QKV,
         false,
         {stem, {"attn.query", "attn.key", "attn.value"}, d, d}},
        {WHISPER_OUT, false, {stem, {"attn.out"}, d, d}},
        {WHISPER_ASK, true, {stem, {"cross_attn.query"}, d, d}},
        {WHISPER_HEARD,
         true,
         {stem, {"cross_attn.key", "cross_attn.value"}, d, d}},
        {WHISPER_TELL, true, {stem, {"cross_attn.out"}, d, d}},
        {WHISPER_INNER, false, {stem, {"mlp.0"}, p->inner, d}},
        {WHISPER_OUTER, false, {stem, {"mlp.2"}, d, p->inner}},
    };
    const struct {
        const char *name;
        bool crosses;
        struct norm *at;
    } norms[] = {{"attn_ln", false, &l->self},
                 {"cross_attn_ln", true, &l->cross},
                 {"mlp_ln", false, &l->mlp}};
    int r = OTK_OK;
    for (size_t k = 0; !r && k < sizeof(list) / sizeof(*list); k++) {
        if (crosses || !list[k].crosses)
            r = load_matrix(w, &list[k].m, &l->linears[list[k].at], e);
    }
    for (size_t k = 0; !r && k < sizeof(norms) / sizeof(*norms); k++) {
        (void)snprintf(norm, sizeof(norm), "%s%s", stem, norms[k].name);
        if (crosses || !norms[k].crosses)
            r = load_norm(w, norm, norms[k].at, e);
    }
    return r;
}

static int load_layers(struct whisper *w, const char *side,
                       const struct whisper_part *p, bool crosses,
                       struct whisper_layer **ret, struct err *e)
{
    int r = OTK_OK;
    struct whisper_layer *layers = mem_new(p->layers, sizeof(*layers));
    *ret = layers;
    for (size_t i = 0; !r && i < p->layers; i++)
        r = load_layer(w, side, i, p, crosses, &layers[i], e);
    return r;
}

static void free_layers(struct whisper_layer *layers, size_t n)
{
    for (size_t i = 0; layers && i < n; i++) {
        for (int k = 0; k < WHISPER_LINEARS; k++)
            linear_free(layers[i].linears[k]);
    }
    free(layers);
}

/* ---- the model
 * ---------------------------------------------------------------------- */

static int load_audio(struct whisper *w, struct err *e)
{
    const struct whisper_sizes *s = &w->sizes;
    float *filters = mem_new(s->mels * MEL_BINS, sizeof(*filters));
    int r = whisper_filters(w->source, filters, e);
    if (!r)
        r = mel_new(filters, s->mels, &w->mel, e);
    free(filters);
    if (!r)
        r = load_convolution(w, "encoder.conv1", s->mels, PRECISION_F32,
                             &w->conv1, e);
    if (!r)
        r = load_convolution(w, "encoder.conv2", s->audio.state,
                             w->info.precision, &w->conv2, e);
    if (!r)
        r = keep_floats(w, "encoder.positional_embedding", s->audio.ctx,
                        s->audio.state, &w->audio_places, e);
    if (!r)
        r = load_layers(w, "encoder", &s->audio, false, &w->audio, e);
    return r ? r : load_norm(w, "encoder.ln_post", &w->audio_end, e);
}

static int load_text(struct whisper *w, struct err *e)
{
    static const char words[] = "decoder.token_embedding.weight";
    const struct whisper_sizes *s = &w->sizes;
    const size_t dims[] = {s->vocab, s->text.state};
    int r = keep_floats(w, "decoder.positional_embedding", s->text.ctx,
                        s->text.state, &w->text_places, e);
    if (!r)
        r = load_layers(w, "decoder", &s->text, true, &w->text, e);
    if (!r)
        r = load_norm(w, "decoder.ln", &w->text_end, e);
    if (!r)
        r = whisper_tensor(w->source, words, dims, 2, &w->words, e);
    if (r)
        return r;
    float *all = mem_try(s->vocab * s->text.state, sizeof(*all));
    if (!all)
        return err_set(e, OTK_ELIMIT, "%s: no memory for it", words);
    r = weight_read(w->words, all, e);
    if (!r)
        r = linear_new(all, NULL, s->vocab, s->text.state, w->info.precision,
                       &w->logits, e);
    if (!r)
        w->info.bytes += linear_bytes(w->logits);
    free(all);
    return r;
}

static const char *name_of(const struct whisper_sizes *s)
{
    static const struct {
        size_t audio, text;
        const char *name;
    } names[] = {{4, 4, "tiny"},     {6, 6, "base"},    {12, 12, "small"},
                 {24, 24, "medium"}, {32, 32, "large"}, {32, 4, "turbo"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (names[i].audio == s->audio.layers &&
            names[i].text == s->text.layers)
            return names[i].name;
    }
    return "custom";
}

static int load(struct whisper *w, const char *path, struct err *e)
{
    size_t n = 0;
    int r = whisper_source_open(path, w->arena, &w->source, e);
    if (r)
        return r;
    w->sizes = *whisper_sizes(w->source);
    const struct str *tokens = whisper_tokens(w->source, &n);
    r = whisper_vocabulary_init(&w->vocabulary, tokens, n, w->sizes.vocab, e);
    if (r)
        return err_place(e, r, "%s", path);
    w->info.vocab = w->sizes.vocab;
    w->info.mels = w->sizes.mels;
    w->info.state = w->sizes.audio.state;
    w->info.audio_layers = w->sizes.audio.layers;
    w->info.text_layers = w->sizes.text.layers;
    w->info.is_multilingual = w->vocabulary.n_languages > 0;
    w->info.n_languages = w->vocabulary.n_languages;
    w->info.name = name_of(&w->sizes);
    w->info.parameters = whisper_source_values(w->source);
    r = load_audio(w, e);
    return r ? r : load_text(w, e);
}

int whisper_load(const char *path, enum precision p, struct whisper **ret,
                 struct err *e)
{
    struct whisper *w = MEM_NEW(struct whisper);
    w->refs = 1;
    w->arena = arena_new();
    w->info.precision = p;
    int r = load(w, path, e);
    if (r)
        whisper_unref(w);
    else
        *ret = w;
    return r;
}

struct whisper *whisper_ref(struct whisper *w)
{
    atomic_fetch_add(&w->refs, 1);
    return w;
}

void whisper_unref(struct whisper *w)
{
    if (!w || atomic_fetch_sub(&w->refs, 1) != 1)
        return;
    mel_free(w->mel);
    linear_free(w->conv1);
    linear_free(w->conv2);
    linear_free(w->logits);
    free_layers(w->audio, w->sizes.audio.layers);
    free_layers(w->text, w->sizes.text.layers);
    whisper_vocabulary_deinit(&w->vocabulary);
    whisper_source_close(w->source);
    arena_free(w->arena);
    free(w);
}

const struct whisper_info *whisper_info(const struct whisper *w)
{
    return &w->info;
}

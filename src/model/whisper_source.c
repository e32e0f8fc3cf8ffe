/* SPDX-License-Identifier: Apache-2.0 */
#include "model/whisper_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mapped.h"
#include "base/mem.h"
#include "model/ggml.h"
#include "model/mel.h"
#include "model/weights.h"
#include "model/whisper_folder.h"

struct whisper_source {
    const char *path;
    struct whisper_sizes sizes;
    struct mapped map; /* these three of a file of whisper.cpp … */
    struct ggml_file ggml;
    struct map *names;
    struct weights *weights; /* … and these of a folder */
    struct str *tokens;
    size_t n_tokens;
};

/* ---- sizes
 * -------------------------------------------------------------------------- */

static int check_part(const char *name, const struct whisper_part *p,
                      size_t ctx_max, struct err *e)
{
    const struct {
        const char *name;
        size_t is, most;
    } fields[] = {
        {"ctx", p->ctx, ctx_max},
        {"state", p->state, WHISPER_STATE_MAX},
        {"head", p->heads, p->state},
        {"layer", p->layers, WHISPER_LAYERS_MAX},
        {"inner", p->inner, (size_t)8 * WHISPER_STATE_MAX},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        if (fields[i].is < 1 || fields[i].is > fields[i].most)
            return err_set(e, OTK_EFORMAT,
                           "n_%s_%s is %zu, it must be 1 to %zu", name,
                           fields[i].name, fields[i].is, fields[i].most);
    }
    if (p->state % p->heads)
        return err_set(e, OTK_EFORMAT,
                       "n_%s_head is %zu, which does not divide n_%s_state "
                       "%zu",
                       name, p->heads, name, p->state);
    return OTK_OK;
}

int whisper_sizes_check(const struct whisper_sizes *s, struct err *e)
{
    int r = check_part("audio", &s->audio, WHISPER_AUDIO_MAX, e);
    if (!r)
        r = check_part("text", &s->text, WHISPER_TEXT_MAX, e);
    if (r)
        return r;
    if (s->audio.state != s->text.state)
        return err_set(e, OTK_EFORMAT,
                       "n_text_state is %zu and n_audio_state %zu: they must "
                       "be one",
                       s->text.state, s->audio.state);
    if (s->mels < 1 || s->mels > MEL_BANDS_MAX)
        return err_set(e, OTK_EFORMAT, "n_mels is %zu, it must be 1 to %d",
                       s->mels, MEL_BANDS_MAX);
    if (s->vocab > WHISPER_VOCAB_MAX)
        return err_set(e, OTK_EFORMAT, "n_vocab is %zu, it must be up to %d",
                       s->vocab, WHISPER_VOCAB_MAX);
    return OTK_OK;
}

static size_t size_of(int32_t n)
{
    return n < 0 ? 0 : (size_t)n;
}

static struct whisper_sizes sizes_of(const struct ggml_sizes *g)
{
    enum { INNER = 4 }; /* times the state, in all of OpenAI's */
    return (struct whisper_sizes){
        .vocab = size_of(g->vocab),
        .mels = size_of(g->mels),
        .audio = {size_of(g->audio_ctx), size_of(g->audio_state),
                  size_of(g->audio_heads), size_of(g->audio_layers),
                  INNER * size_of(g->audio_state)},
        .text = {size_of(g->text_ctx), size_of(g->text_state),
                 size_of(g->text_heads), size_of(g->text_layers),
                 INNER * size_of(g->text_state)},
    };
}

/* ---- opening
 * ------------------------------------------------------------------------ */

static int open_file(struct whisper_source *s, struct arena *a, struct err *e)
{
    int r = mapped_open(s->path, &s->map, e);
    if (r)
        return r;
    struct str bytes = {s->map.at, s->map.len};
    r = ggml_read(bytes, s->path, a, &s->ggml, e);
    if (r)
        return r;
    s->sizes = sizes_of(&s->ggml.sizes);
    s->tokens = s->ggml.tokens;
    s->n_tokens = s->ggml.n_tokens;
    r = whisper_sizes_check(&s->sizes, e);
    if (!r && (s->ggml.n_mels != s->sizes.mels || s->ggml.n_bins != MEL_BINS))
        r = err_set(e, OTK_EFORMAT,
                    "filters are %zu by %zu, it must be n_mels %zu by %d",
                    s->ggml.n_mels, s->ggml.n_bins, s->sizes.mels, MEL_BINS);
    s->names = map_new();
    for (size_t i = 0; !r && i < s->ggml.list.len; i++) {
        bool new;
        struct str name = s->ggml.list.at[i].name;
        map_put(s->names, name, &new)->num = (int64_t)i;
        if (!new)
            r = err_set(e, OTK_EFORMAT, "there are two tensors '" STR_FMT "'",
                        STR_ARG(name));
    }
    return r ? err_place(e, r, "%s", s->path) : OTK_OK;
}

static int open_folder(struct whisper_source *s, struct arena *a, struct err *e)
{
    int r = whisper_folder_sizes(s->path, &s->sizes, e);
    if (!r)
        r = whisper_folder_tokens(s->path, a, s->sizes.vocab, &s->tokens,
                                  &s->n_tokens, e);
    if (!r)
        r = weights_open(s->path, &s->weights, e);
    return r;
}

int whisper_source_open(const char *path, struct arena *a,
                        struct whisper_source **ret, struct err *e)
{
    struct stat st;
    if (stat(path, &st))
        return err_errno(e, OTK_ENOENT, "%s", path);
    struct whisper_source *s = MEM_NEW(struct whisper_source);
    s->path = arena_copy(a, str_from(path));
    int r = S_ISDIR(st.st_mode) ? open_folder(s, a, e) : open_file(s, a, e);
    if (r)
        whisper_source_close(s);
    else
        *ret = s;
    return r;
}

void whisper_source_close(struct whisper_source *s)
{
    if (!s)
        return;
    map_free(s->names);
    free(s->ggml.list.at);
    mapped_close(&s->map);
    weights_close(s->weights);
    free(s);
}

/* ---- what there is
 * ------------------------------------------------------------------ */

const struct whisper_sizes *whisper_sizes(const struct whisper_source *s)
{
    return &s->sizes;
}

size_t whisper_source_values(const struct whisper_source *s)
{
    size_t sum = 0;
    for (size_t i = 0; s->weights && i < weights_len(s->weights); i++)
        sum += weight_count(weights_at(s->weights, i));
    for (size_t i = 0; i < s->ggml.list.len; i++)
        sum += weight_count(&s->ggml.list.at[i]);
    return sum;
}

int whisper_filters(const struct whisper_source *s, float *ret, struct err *e)
{
    if (s->weights) {
        mel_filters(s->sizes.mels, ret);
        return OTK_OK;
    }
    const struct weight w = {.name = STR("filters"),
                             .type = WEIGHT_F32,
                             .n_dims = 2,
                             .dims = {s->ggml.n_mels, s->ggml.n_bins},
                             .data = s->ggml.filters,
                             .bytes = s->ggml.n_mels * s->ggml.n_bins *
                                      sizeof(float),
                             .file = s->path};
    return weight_read(&w, ret, e);
}

const struct str *whisper_tokens(const struct whisper_source *s, size_t *ret_n)
{
    *ret_n = s->n_tokens;
    return s->tokens;
}

/* Dimensions without those of 1: biases of convolutions are columns. */
static int squeeze(const size_t *dims, int n, size_t *ret)
{
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (dims[i] != 1)
            ret[kept++] = dims[i];
    }
    return kept;
}

static bool same_shape(const struct weight *x, const size_t *dims, int n_dims)
{
    size_t a[WEIGHT_DIMS_MAX];
    size_t b[WEIGHT_DIMS_MAX];
    int n = squeeze(x->dims, x->n_dims, a);
    return n == squeeze(dims, n_dims, b) &&
           memcmp(a, b, (size_t)n * sizeof(*a)) == 0;
}

int whisper_tensor(const struct whisper_source *s, const char *name,
                   const size_t *dims, int n_dims, const struct weight **ret,
                   struct err *e)
{
    const struct weight *x = NULL;
    char is[WEIGHT_SHAPE_TEXT];
    char wanted[WEIGHT_SHAPE_TEXT];
    if (s->weights) {
        x = whisper_folder_tensor(s->weights, name);
    } else {
        const union map_value *at = map_find(s->names, str_from(name));
        x = at ? &s->ggml.list.at[at->num] : NULL;
    }
    if (!x)
        return err_set(e, OTK_EFORMAT, "%s: there is no tensor '%s'", s->path,
                       name);
    if (same_shape(x, dims, n_dims)) {
        *ret = x;
        return OTK_OK;
    }
    weight_print_shape(x->dims, x->n_dims, is);
    weight_print_shape(dims, n_dims, wanted);
    return err_set(e, OTK_EFORMAT,
                   "%s: tensor '%s' is %s, by the model's sizes it must be %s",
                   s->path, name, is, wanted);
}

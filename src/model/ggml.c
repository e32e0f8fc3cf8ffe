/* SPDX-License-Identifier: Apache-2.0 */
#include "model/ggml.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "model/weight.h"

enum {
    MAGIC = 0x67676d6c,
    MAGIC_GGUF = 0x46554747,
    DIMS_MAX = 4,
    BINS_MAX = 4096,
    MELS_MAX = 1024,
    TENSOR_HEAD = 3 * 4, /* bytes before a tensor's dimensions */
    BLOCKS_VERSION = 2,  /* what blocks look like, since 2023 */
    VERSION_UNIT = 1000,
};

/* What is left of the file. */
struct cursor {
    struct str rest;
};

static bool take(struct cursor *c, size_t n, const char **ret)
{
    if (n > c->rest.n)
        return false;
    *ret = c->rest.p;
    c->rest = str_sub(c->rest, n, c->rest.n);
    return true;
}

static int take_int(struct cursor *c, const char *field, int32_t *ret,
                    struct err *e)
{
    const char *p;
    if (!take(c, sizeof(*ret), &p))
        return err_set(e, OTK_EFORMAT, "%s: the file is cut short", field);
    memcpy(ret, p, sizeof(*ret));
    return OTK_OK;
}

static int take_size(struct cursor *c, const char *field, size_t most,
                     size_t *ret, struct err *e)
{
    int32_t n = 0;
    int r = take_int(c, field, &n, e);
    if (r)
        return r;
    if (n < 0 || (size_t)n > most)
        return err_set(e, OTK_EFORMAT, "%s is %d, it must be 0 to %zu", field,
                       n, most);
    *ret = (size_t)n;
    return OTK_OK;
}

static int read_magic(struct cursor *c, struct err *e)
{
    int32_t magic = 0;
    int r = take_int(c, "magic", &magic, e);
    if (r || magic == MAGIC)
        return r;
    return err_set(e, OTK_EFORMAT,
                   magic == MAGIC_GGUF
                       ? "this is GGUF; a Whisper model of whisper.cpp "
                         "(ggml-*.bin) is needed"
                       : "magic is %#x and not 'ggml': this is no model of "
                         "whisper.cpp",
                   (unsigned)magic);
}

static int read_sizes(struct cursor *c, struct ggml_sizes *s, struct err *e)
{
    const struct {
        const char *name;
        int32_t *at;
    } fields[] = {
        {"n_vocab", &s->vocab},
        {"n_audio_ctx", &s->audio_ctx},
        {"n_audio_state", &s->audio_state},
        {"n_audio_head", &s->audio_heads},
        {"n_audio_layer", &s->audio_layers},
        {"n_text_ctx", &s->text_ctx},
        {"n_text_state", &s->text_state},
        {"n_text_head", &s->text_heads},
        {"n_text_layer", &s->text_layers},
        {"n_mels", &s->mels},
        {"ftype", &s->type},
    };
    int r = OTK_OK;
    for (size_t i = 0; !r && i < sizeof(fields) / sizeof(*fields); i++)
        r = take_int(c, fields[i].name, fields[i].at, e);
    return r;
}

static int read_filters(struct cursor *c, struct ggml_file *f, struct err *e)
{
    const char *p;
    int r = take_size(c, "filters.n_mel", MELS_MAX, &f->n_mels, e);
    if (!r)
        r = take_size(c, "filters.n_fft", BINS_MAX, &f->n_bins, e);
    if (r)
        return r;
    if (!take(c, f->n_mels * f->n_bins * sizeof(float), &p))
        return err_set(e, OTK_EFORMAT,
                       "filters of %zu by %zu: the file is cut short",
                       f->n_mels, f->n_bins);
    f->filters = p;
    return OTK_OK;
}

static int read_tokens(struct cursor *c, struct arena *a, struct ggml_file *f,
                       struct err *e)
{
    int r = take_size(c, "n_tokens", GGML_TOKENS_MAX, &f->n_tokens, e);
    if (r)
        return r;
    if (f->sizes.vocab < 0 || f->n_tokens > (size_t)f->sizes.vocab ||
        f->n_tokens > c->rest.n / sizeof(int32_t))
        return err_set(e, OTK_EFORMAT,
                       "n_tokens is %zu, with n_vocab %d and %zu bytes left",
                       f->n_tokens, f->sizes.vocab, c->rest.n);
    f->tokens = ARENA_ARRAY(a, struct str, f->n_tokens + 1);
    for (size_t i = 0; i < f->n_tokens; i++) {
        size_t n = 0;
        r = take_size(c, "a token's length", GGML_TOKEN_BYTES, &n, e);
        if (!r && !take(c, n, &f->tokens[i].p))
            r = err_set(e, OTK_EFORMAT, "the file is cut short");
        if (r)
            return err_place(e, r, "token %zu", i);
        f->tokens[i].n = n;
    }
    return OTK_OK;
}

/* ---- tensors
 * ------------------------------------------------------------------------ */

/* Numbers of types in enum ggml_type (ggml.h). */
static bool find_type(int32_t n, enum weight_type *ret)
{
    static const struct {
        int32_t n;
        enum weight_type type;
    } types[] = {
        {0, WEIGHT_F32},  {1, WEIGHT_F16},  {2, WEIGHT_Q4_0}, {3, WEIGHT_Q4_1},
        {6, WEIGHT_Q5_0}, {7, WEIGHT_Q5_1}, {8, WEIGHT_Q8_0}, {30, WEIGHT_BF16},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (types[i].n == n) {
            *ret = types[i].type;
            return true;
        }
    }
    return false;
}

/* Dimensions stand in the file from the innermost to the outermost. */
static int read_dims(struct cursor *c, size_t n, struct weight *x,
                     struct err *e)
{
    for (size_t i = n; i-- > 0;) {
        int32_t dim = 0;
        int r = take_int(c, "a tensor's dimension", &dim, e);
        if (r)
            return r;
        if (dim < 1)
            return err_set(e, OTK_EFORMAT, "a tensor's dimension is %d", dim);
        x->dims[i] = (size_t)dim;
    }
    x->n_dims = (int)n;
    return OTK_OK;
}

static int read_values(struct cursor *c, struct weight *x, struct err *e)
{
    char shape[WEIGHT_SHAPE_TEXT];
    const char *p = NULL;
    if (weight_size(x->type, x->dims, x->n_dims, &x->bytes) &&
        take(c, x->bytes, &p)) {
        x->data = p;
        return OTK_OK;
    }
    weight_print_shape(x->dims, x->n_dims, shape);
    return err_set(e, OTK_EFORMAT,
                   "tensor '" STR_FMT "': %zu bytes are left, too few for %s "
                   "of shape %s: the file is cut short or damaged",
                   STR_ARG(x->name), c->rest.n, weight_type_name(x->type),
                   shape);
}

static int read_tensor(struct cursor *c, const struct ggml_file *f,
                       struct weight *x, struct err *e)
{
    size_t n_dims = 0;
    size_t name = 0;
    int32_t type = 0;
    int r =
        take_size(c, "a tensor's number of dimensions", DIMS_MAX, &n_dims, e);
    if (!r)
        r = take_size(c, "a tensor's length of name", WEIGHT_NAME_MAX, &name,
                      e);
    if (!r)
        r = take_int(c, "a tensor's type", &type, e);
    if (!r)
        r = read_dims(c, n_dims, x, e);
    if (!r && !take(c, name, &x->name.p))
        r = err_set(e, OTK_EFORMAT, "a tensor's name: the file is cut short");
    if (r)
        return r;
    x->name.n = name;
    r = safetensors_check_name(x->name, e);
    if (r)
        return r;
    if (!find_type(type, &x->type))
        return err_set(e, OTK_EFORMAT,
                       "tensor '" STR_FMT "': its type %d is not read here; "
                       "f32, f16, bf16, q4_0, q4_1, q5_0, q5_1 and q8_0 are",
                       STR_ARG(x->name), type);
    if (x->type >= WEIGHT_PLAIN_TYPES &&
        f->sizes.type / VERSION_UNIT != BLOCKS_VERSION)
        return err_set(e, OTK_EFORMAT,
                       "tensor '" STR_FMT "': blocks of version %d, only %d "
                       "is known: quantise the model anew",
                       STR_ARG(x->name), f->sizes.type / VERSION_UNIT,
                       BLOCKS_VERSION);
    return read_values(c, x, e);
}

static int read_tensors(struct cursor *c, const char *file, struct ggml_file *f,
                        struct err *e)
{
    struct weight_list *list = &f->list;
    while (c->rest.n) {
        struct weight x = {.file = file};
        if (c->rest.n < TENSOR_HEAD)
            return err_set(e, OTK_EFORMAT, "%zu bytes after tensor %zu",
                           c->rest.n, list->len);
        if (list->len == GGML_TENSORS_MAX)
            return err_set(e, OTK_ELIMIT, "more than %d tensors",
                           GGML_TENSORS_MAX);
        int r = read_tensor(c, f, &x, e);
        if (r)
            return err_place(e, r, "tensor %zu", list->len);
        list->at = mem_grow(list->at, list->len, &list->cap, sizeof(*list->at));
        list->at[list->len++] = x;
    }
    return OTK_OK;
}

int ggml_read(struct str bytes, const char *file, struct arena *a,
              struct ggml_file *ret, struct err *e)
{
    struct cursor c = {bytes};
    struct ggml_file f = {0};
    int r = read_magic(&c, e);
    if (!r)
        r = read_sizes(&c, &f.sizes, e);
    if (!r)
        r = read_filters(&c, &f, e);
    if (!r)
        r = read_tokens(&c, a, &f, e);
    if (!r)
        r = read_tensors(&c, file, &f, e);
    if (r) {
        free(f.list.at);
        f.list = (struct weight_list){0};
    }
    *ret = f;
    return r ? err_place(e, r, "%s", file) : OTK_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "model/adapter.h"
#include "model/encoder.h"
#include "model/names.h"
#include "model/packed.h"
#include "model/pooling.h"
#include "model/weights.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

enum { TOKENS_AT_A_TIME = 16384 };

struct model {
    struct arena *arena;
    struct model_config config;
    struct model_info info;
    struct weights *weights;
    struct names names;
    struct packed *packed; /* what the encoder may lie in */
    struct encoder *encoder;
    struct tokenizer *tokenizer;
    struct pooling pooling;
    struct linear *head, *labels; /* NULL: a model for vectors */
    const char *note;             /* of model_info */
    _Atomic(int) refs;
};

/* ---- loading
 * ----------------------------------------------------------------------- */

/* A weight and its bias, in f32: there is little to win on a row a text. */
static int read_linear(const struct model *m, enum weight_role role,
                       size_t outs, struct linear **ret, struct err *e)
{
    const struct weight *w, *b;
    size_t in = m->config.hidden;
    float *room = mem_try(outs * (in + 1), sizeof(*room));
    if (!room)
        return err_set(e, OTK_ELIMIT, "no memory for a head of %zu × %zu", outs,
                       in);
    int r = names_find(&m->names, role, 0, &w, e);
    if (!r)
        r = names_find(&m->names, role + 1, 0, &b, e);
    if (!r)
        r = weight_read(w, room, e);
    if (!r)
        r = weight_read(b, room + outs * in, e);
    if (!r)
        r = linear_new(room, room + outs * in, outs, in, PRECISION_F32, ret, e);
    free(room);
    return r;
}

int model_head(const struct model *m, const char *task, size_t outs,
               struct linear **ret, struct err *e)
{
    char name[WEIGHT_NAME_MAX];
    const struct weight *found[2];
    size_t in = m->config.hidden;
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(name, sizeof(name), "heads.%s.%s", task,
                       i ? "bias" : "weight");
        found[i] = weights_find(m->weights, str_from(name));
        if (!found[i] || weight_count(found[i]) != (i ? outs : outs * in))
            return err_set(e, OTK_EFORMAT, "%s: no tensor of %zu classes", name,
                           outs);
    }
    float *room = mem_try(outs * (in + 1), sizeof(*room));
    if (!room)
        return err_set(e, OTK_ELIMIT, "no memory for a head of %zu classes",
                       outs);
    int r = weight_read(found[0], room, e);
    if (!r)
        r = weight_read(found[1], room + outs * in, e);
    if (!r)
        r = linear_new(room, room + outs * in, outs, in, PRECISION_F32, ret, e);
    free(room);
    return r;
}

static int read_head(struct model *m, struct err *e)
{
    int r = read_linear(m, ROLE_HEAD, m->config.hidden, &m->head, e);
    return r ? r
             : read_linear(m, ROLE_LABELS, m->config.n_labels, &m->labels, e);
}

static int check_tokenizer(const struct model *m, const char *folder,
                           struct err *e)
{
    size_t n = tokenizer_size(m->tokenizer);
    if (n > m->config.vocab)
        return err_set(e, OTK_EFORMAT,
                       "%s: the tokenizer has %zu tokens, config.json says "
                       "vocab_size %zu: they belong to different models",
                       folder, n, m->config.vocab);
    return OTK_OK;
}

static void fill_info(struct model *m, enum precision p, bool labels)
{
    size_t most = m->pooling.max_tokens;
    size_t limit = tokenizer_limit(m->tokenizer);
    m->info = (struct model_info){
        .tokens = tokenizer_size(m->tokenizer),
        .tokenizer = tokenizer_kind(m->tokenizer),
        .packed = m->packed != NULL,
        .note = m->note,
        .config = &m->config,
        .precision = p,
        .max_tokens = limit && limit < most ? limit : most,
        .bytes = encoder_bytes(m->encoder),
        .has_labels = labels,
        .mean = m->pooling.kind == POOLING_MEAN,
        .normalized = m->pooling.normalize,
    };
    for (size_t i = 0; i < weights_len(m->weights); i++)
        m->info.parameters += weight_count(weights_at(m->weights, i));
}

/* What a packed file of this folder must have been made of. */
static int map_encoder(struct model *m, const char *folder, enum precision p,
                       struct err *e)
{
    struct packed_source source;
    int r = packed_source(folder, m->weights, &source, e);
    if (!r)
        r = packed_open(folder, &m->config, p, &source, &m->packed, e);
    if (!r)
        r = encoder_map(&m->config, p, packed_parts(m->packed), &m->encoder, e);
    if (r) {
        packed_close(m->packed);
        m->packed = NULL;
    }
    return r;
}

/* A packed file is there to be fast: one that cannot be used is no reason to
 * have no model. */
static int make_encoder(struct model *m, const char *folder, enum precision p,
                        bool packed, struct err *e)
{
    struct err why = {0};
    int r = packed ? map_encoder(m, folder, p, &why) : OTK_ENOENT;
    if (!r)
        return OTK_OK;
    if (r != OTK_ENOENT)
        m->note = arena_copy(m->arena, str_from(why.msg));
    return encoder_new(&m->names, p, &m->encoder, e);
}

/* All but the encoder; *ret_labels: the files can give labels. */
static int open_files(struct model *m, const char *folder, bool *ret_labels,
                      struct err *e)
{
    int r = model_config_read(folder, m->arena, &m->config, e);
    if (!r)
        r = weights_open(folder, &m->weights, e);
    if (!r)
        r = names_init(&m->names, m->weights, &m->config, e);
    *ret_labels = !r && names_has_labels(&m->names);
    if (!r)
        r = names_check(&m->names, *ret_labels, e);
    if (!r && adapter_is_in(folder))
        r = adapter_merge(folder, &m->names, m->weights, e);
    return r;
}

static int load(struct model *m, const char *folder, enum precision p,
                bool packed, struct err *e)
{
    bool labels = false;
    int r = open_files(m, folder, &labels, e);
    if (!r)
        r = tokenizer_load(folder, &m->tokenizer, e);
    if (!r)
        r = check_tokenizer(m, folder, e);
    if (!r)
        r = pooling_read(folder, &m->config, &m->pooling, e);
    if (!r)
        r = make_encoder(m, folder, p, packed, e);
    if (!r && labels)
        r = read_head(m, e);
    if (!r)
        fill_info(m, p, labels);
    return r;
}

static struct model *make(void)
{
    struct model *m = MEM_NEW(struct model);
    m->arena = arena_new();
    atomic_store(&m->refs, 1);
    return m;
}

static int load_new(const char *folder, enum precision p, bool packed,
                    struct model **ret, struct err *e)
{
    struct model *m = make();
    int r = load(m, folder, p, packed, e);
    if (r)
        model_unref(m);
    else
        *ret = m;
    return r;
}

int model_load(const char *folder, enum precision p, struct model **ret,
               struct err *e)
{
    return load_new(folder, p, true, ret, e);
}

int model_load_weights(const char *folder, enum precision p, struct model **ret,
                       struct err *e)
{
    return load_new(folder, p, false, ret, e);
}

int model_pack(const char *folder, enum precision p, size_t *ret_bytes,
               struct err *e)
{
    struct packed_source source;
    bool labels;
    struct model *m = make();
    int r = open_files(m, folder, &labels, e);
    if (!r)
        r = encoder_new(&m->names, p, &m->encoder, e);
    if (!r)
        r = packed_source(folder, m->weights, &source, e);
    if (!r)
        r = packed_write(folder, m->encoder, p, &source, ret_bytes, e);
    model_unref(m);
    return r;
}

int model_check_packed(const struct model *m, struct err *e)
{
    return m->packed ? packed_check_words(m->packed, e) : OTK_OK;
}

struct model *model_ref(struct model *m)
{
    (void)atomic_fetch_add(&m->refs, 1);
    return m;
}

void model_unref(struct model *m)
{
    if (!m || atomic_fetch_sub(&m->refs, 1) > 1)
        return;
    linear_free(m->head);
    linear_free(m->labels);
    tokenizer_free(m->tokenizer);
    encoder_free(m->encoder);
    packed_close(m->packed);
    weights_close(m->weights);
    arena_free(m->arena);
    free(m);
}

const struct model_info *model_info(const struct model *m)
{
    return &m->info;
}

/* ---- asking
 * ------------------------------------------------------------------------ */

int model_encode(const struct model *m, struct tokenizer_scratch *s,
                 struct str text, struct encoded *ret, struct err *e)
{
    struct tokens t;
    struct arena *a = NULL;
    if (m->pooling.lower_case && text.n <= TOKENIZER_TEXT_MAX) {
        a = arena_new();
        text = text_lower(a, text);
    }
    int r = tokenizer_encode(m->tokenizer, s, text, m->info.max_tokens, &t, e);
    arena_free(a); /* tokens are numbers and places, not bytes of it */
    if (r)
        return r;
    *ret = (struct encoded){.ids = mem_new(t.n + 1, sizeof(*ret->ids)),
                            .n = t.n,
                            .truncated = t.truncated};
    memcpy(ret->ids, t.ids, t.n * sizeof(*t.ids));
    return OTK_OK;
}

/* All texts as one sequence. */
struct joined {
    uint32_t *ids;
    size_t *offsets;
    struct batch batch; /* of those two */
};

static struct joined join(const struct encoded *texts, size_t n)
{
    struct joined j = {.offsets = mem_new(n + 1, sizeof(*j.offsets))};
    for (size_t i = 0; i < n; i++)
        j.offsets[i + 1] = j.offsets[i] + texts[i].n;
    j.ids = mem_new(j.offsets[n] + 1, sizeof(*j.ids));
    for (size_t i = 0; i < n; i++)
        memcpy(j.ids + j.offsets[i], texts[i].ids, texts[i].n * sizeof(*j.ids));
    j.batch = (struct batch){j.ids, j.offsets, n};
    return j;
}

static void joined_free(struct joined *j)
{
    free(j->ids);
    free(j->offsets);
}

static void to_unit_length(float *x, size_t n)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (double)x[i] * (double)x[i];
    /* as sentence-transformers: next to nothing is left as it is */
    float by = (float)(1 / fmax(sqrt(squares), 1e-12));
    for (size_t i = 0; i < n; i++)
        x[i] *= by;
}

/* The mean of each text's rows. */
static void pool(const struct batch *b, const float *rows, size_t hidden,
                 float *ret)
{
    for (size_t t = 0; t < b->n_texts; t++) {
        float *y = ret + t * hidden;
        float by = 1 / (float)(b->offsets[t + 1] - b->offsets[t]);
        memset(y, 0, hidden * sizeof(*y));
        for (size_t i = b->offsets[t]; i < b->offsets[t + 1]; i++) {
            for (size_t k = 0; k < hidden; k++)
                y[k] += rows[i * hidden + k];
        }
        for (size_t k = 0; k < hidden; k++)
            y[k] *= by;
    }
}

/* Few enough texts to keep all their tokens' vectors at a time. */
static int pool_some(const struct model *m, struct session *s,
                     const struct encoded *texts, size_t n, float *ret,
                     struct err *e)
{
    size_t hidden = m->config.hidden;
    struct joined b = join(texts, n);
    bool mean = m->pooling.kind == POOLING_MEAN;
    float *rows = mean ? mem_new(b.offsets[n] * hidden, sizeof(*rows)) : NULL;
    int r = encoder_run(m->encoder, s, &b.batch,
                        mean ? WANT_TOKENS : WANT_FIRST, mean ? rows : ret, e);
    if (!r && mean)
        pool(&b.batch, rows, hidden, ret);
    free(rows);
    joined_free(&b);
    return r;
}

/* How many of the first texts have TOKENS_AT_A_TIME together; at least one. */
static size_t some(const struct encoded *texts, size_t n)
{
    size_t tokens = texts[0].n;
    size_t i = 1;
    while (i < n && tokens + texts[i].n <= TOKENS_AT_A_TIME)
        tokens += texts[i++].n;
    return i;
}

int model_pool(const struct model *m, struct session *s,
               const struct encoded *texts, size_t n, float *ret, struct err *e)
{
    int r = OTK_OK;
    for (size_t i = 0, now; !r && i < n; i += now) {
        now = some(texts + i, n - i);
        r = pool_some(m, s, texts + i, now, ret + i * m->config.hidden, e);
    }
    return r;
}

int model_embed(const struct model *m, struct session *s,
                const struct encoded *texts, size_t n, float *ret,
                struct err *e)
{
    size_t hidden = m->config.hidden;
    int r = model_pool(m, s, texts, n, ret, e);
    for (size_t i = 0; !r && m->pooling.normalize && i < n; i++)
        to_unit_length(ret + i * hidden, hidden);
    return r;
}

/* What stands between the first token and the labels: tanh, in DistilBERT
 * ReLU. */
static void bend(const struct model *m, float *x, size_t n)
{
    bool relu = m->config.family == MODEL_DISTILBERT;
    for (size_t i = 0; i < n; i++)
        x[i] = relu ? fmaxf(x[i], 0) : tanhf(x[i]);
}

int model_classify(const struct model *m, struct session *s,
                   const struct encoded *texts, size_t n, float *ret,
                   struct err *e)
{
    size_t hidden = m->config.hidden;
    if (!m->labels)
        return err_set(e, OTK_EINVAL,
                       "the model has no labels: it makes "
                       "vectors of texts");
    struct joined b = join(texts, n);
    float *first = mem_try(2 * n * hidden + 1, sizeof(*first));
    if (!first) {
        joined_free(&b);
        return err_set(e, OTK_ELIMIT, "no memory for %zu texts", n);
    }
    int r = encoder_run(m->encoder, s, &b.batch, WANT_FIRST, first, e);
    float *bent = first + n * hidden;
    if (!r) {
        session_linear(s, &(struct linear_job){.l = m->head,
                                               .x = first,
                                               .rows = n,
                                               .ldx = hidden,
                                               .y = bent,
                                               .ldy = hidden});
        bend(m, bent, n * hidden);
        session_linear(s, &(struct linear_job){.l = m->labels,
                                               .x = bent,
                                               .rows = n,
                                               .ldx = hidden,
                                               .y = ret,
                                               .ldy = m->config.n_labels});
    }
    free(first);
    joined_free(&b);
    return r;
}

int model_embed_texts(const struct model *m, struct session *s,
                      const struct str *texts, size_t n, float *ret,
                      struct err *e)
{
    if (n > MODEL_TEXTS_MAX)
        return err_set(e, OTK_ELIMIT, "%zu texts, the limit is %d in one call",
                       n, MODEL_TEXTS_MAX);
    struct tokenizer_scratch *scratch = tokenizer_scratch_new();
    struct encoded *list = mem_new(n + 1, sizeof(*list));
    int r = OTK_OK;
    for (size_t i = 0; !r && i < n; i++) {
        r = str_trim(texts[i]).n == 0
                ? err_set(e, OTK_EINVAL, "the text is empty")
                : model_encode(m, scratch, texts[i], &list[i], e);
        if (r)
            r = err_place(e, r, "text %zu", i + 1);
    }
    if (!r)
        r = model_embed(m, s, list, n, ret, e);
    for (size_t i = 0; i < n; i++)
        free(list[i].ids);
    free(list);
    tokenizer_scratch_free(scratch);
    return r;
}

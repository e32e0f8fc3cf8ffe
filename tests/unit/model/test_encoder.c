/* SPDX-License-Identifier: Apache-2.0 */
/* An encoder of random weights beside the same sums in plain loops. */
#include "model/encoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rand.h"
#include "model/config.h"
#include "model/names.h"
#include "model/weights.h"
#include "tensor/reference.h"
#include "test.h"

enum {
    VOCAB = 50,
    PLACES = 24,
    HIDDEN = 40, /* heads of 10: no whole strips */
    HEADS = 4,
    INNER = 72,
    LAYERS = 2,
    WEIGHTS = 5 + 16 * LAYERS,
};

static char folder[] = "/tmp/otklik-encoder-XXXXXX";
static struct weight list[WEIGHTS];
static size_t n_weights;
static struct rand chance;
static struct arena *arena;

static const struct weight *find(const char *name)
{
    for (size_t i = 0; i < n_weights; i++) {
        if (str_is(list[i].name, name))
            return &list[i];
    }
    fail_msg("no %s", name);
    return NULL;
}

/* Of the whole, or of a layer. */
static const float *whole(const char *name)
{
    return find(name)->data;
}

static const float *part(size_t layer, const char *stem, const char *which)
{
    char name[100];
    (void)snprintf(name, sizeof(name), "encoder.layer.%zu.%s.%s", layer, stem,
                   which);
    return whole(name);
}

static void add(const char *name, size_t rows, size_t columns, float middle,
                float range)
{
    size_t n = rows * (columns ? columns : 1);
    float *x = ARENA_ARRAY(arena, float, n);
    for (size_t i = 0; i < n; i++)
        x[i] = middle + (float)(rand_real(&chance) * 2 - 1) * range;
    list[n_weights++] = (struct weight){
        .name = str_from(arena_copy(arena, str_from(name))),
        .type = WEIGHT_F32,
        .n_dims = columns ? 2 : 1,
        .dims = {rows, columns},
        .data = x,
        .bytes = n * sizeof(*x),
    };
}

static void add_pair(const char *stem, size_t layer, size_t outs, size_t in)
{
    char name[100];
    bool norm = in == 0;
    (void)snprintf(name, sizeof(name), "encoder.layer.%zu.%s.weight", layer,
                   stem);
    add(name, outs, in, norm ? 1 : 0, norm ? 0.2F : 0.3F);
    (void)snprintf(name, sizeof(name), "encoder.layer.%zu.%s.bias", layer,
                   stem);
    add(name, outs, 0, 0, 0.2F);
}

static int make(void **state)
{
    (void)state;
    struct err e = {0};
    char path[100];
    rand_init(&chance, 3);
    arena = arena_new();
    assert_non_null(mkdtemp(folder));
    add("embeddings.word_embeddings.weight", VOCAB, HIDDEN, 0, 1);
    add("embeddings.position_embeddings.weight", PLACES, HIDDEN, 0, 1);
    add("embeddings.token_type_embeddings.weight", 2, HIDDEN, 0, 1);
    add("embeddings.LayerNorm.weight", HIDDEN, 0, 1, 0.2F);
    add("embeddings.LayerNorm.bias", HIDDEN, 0, 0, 0.2F);
    for (size_t i = 0; i < LAYERS; i++) {
        add_pair("attention.self.query", i, HIDDEN, HIDDEN);
        add_pair("attention.self.key", i, HIDDEN, HIDDEN);
        add_pair("attention.self.value", i, HIDDEN, HIDDEN);
        add_pair("attention.output.dense", i, HIDDEN, HIDDEN);
        add_pair("attention.output.LayerNorm", i, HIDDEN, 0);
        add_pair("intermediate.dense", i, INNER, HIDDEN);
        add_pair("output.dense", i, HIDDEN, INNER);
        add_pair("output.LayerNorm", i, HIDDEN, 0);
    }
    (void)snprintf(path, sizeof(path), "%s/model.safetensors", folder);
    assert_int_equal(weights_write(path, list, n_weights, &e), 0);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    char path[100];
    (void)snprintf(path, sizeof(path), "%s/model.safetensors", folder);
    (void)remove(path);
    (void)remove(folder);
    arena_free(arena);
    return 0;
}

/* ---- the network in plain loops
 * -------------------------------------------------- */

static void linear(const char *stem, size_t layer, size_t rows, size_t in,
                   size_t outs, const float *x, float *y)
{
    reference_linear(rows, in, outs, x, part(layer, stem, "weight"),
                     part(layer, stem, "bias"), y);
}

static void norm(const float *gain, const float *bias, size_t rows, float *x)
{
    for (size_t r = 0; r < rows; r++)
        reference_layer_norm(x + r * HIDDEN, HIDDEN, gain, bias, 1e-12F,
                             x + r * HIDDEN);
}

static void layer_norm(const char *stem, size_t layer, size_t rows, float *x)
{
    norm(part(layer, stem, "weight"), part(layer, stem, "bias"), rows, x);
}

static void look(size_t n, const float *q, const float *k, const float *v,
                 float *y)
{
    enum { WIDTH = HIDDEN / HEADS };
    float score[PLACES];
    for (size_t h = 0; h < HIDDEN; h += WIDTH) {
        for (size_t i = 0; i < n; i++) {
            float *out = y + i * HIDDEN + h;
            for (size_t j = 0; j < n; j++) {
                score[j] = 0;
                for (size_t d = h; d < h + WIDTH; d++)
                    score[j] += q[i * HIDDEN + d] * k[j * HIDDEN + d];
            }
            reference_softmax(score, n, 1 / sqrtf((float)WIDTH));
            memset(out, 0, WIDTH * sizeof(*out));
            for (size_t j = 0; j < n; j++) {
                for (size_t d = 0; d < WIDTH; d++)
                    out[d] += score[j] * v[j * HIDDEN + h + d];
            }
        }
    }
}

static void plain_text(const uint32_t *ids, size_t n, float *x)
{
    static float q[PLACES * HIDDEN], k[PLACES * HIDDEN], v[PLACES * HIDDEN];
    static float seen[PLACES * HIDDEN], mixed[PLACES * HIDDEN];
    static float inner[PLACES * INNER];
    const float *words = whole("embeddings.word_embeddings.weight");
    const float *places = whole("embeddings.position_embeddings.weight");
    const float *types = whole("embeddings.token_type_embeddings.weight");
    for (size_t i = 0; i < n * HIDDEN; i++)
        x[i] = words[ids[i / HIDDEN] * HIDDEN + i % HIDDEN] + places[i] +
               types[i % HIDDEN];
    norm(whole("embeddings.LayerNorm.weight"),
         whole("embeddings.LayerNorm.bias"), n, x);
    for (size_t l = 0; l < LAYERS; l++) {
        linear("attention.self.query", l, n, HIDDEN, HIDDEN, x, q);
        linear("attention.self.key", l, n, HIDDEN, HIDDEN, x, k);
        linear("attention.self.value", l, n, HIDDEN, HIDDEN, x, v);
        look(n, q, k, v, seen);
        linear("attention.output.dense", l, n, HIDDEN, HIDDEN, seen, mixed);
        for (size_t i = 0; i < n * HIDDEN; i++)
            mixed[i] += x[i];
        layer_norm("attention.output.LayerNorm", l, n, mixed);
        linear("intermediate.dense", l, n, HIDDEN, INNER, mixed, inner);
        reference_gelu(inner, n * INNER);
        linear("output.dense", l, n, INNER, HIDDEN, inner, x);
        for (size_t i = 0; i < n * HIDDEN; i++)
            x[i] += mixed[i];
        layer_norm("output.LayerNorm", l, n, x);
    }
}

/* ---- beside it
 * ------------------------------------------------------------------ */

struct loaded {
    struct model_config config;
    struct weights *weights;
    struct names names;
    struct encoder *encoder;
};

static void load(enum precision p, struct loaded *x)
{
    struct err e = {0};
    *x = (struct loaded){.config = {
                             .family = MODEL_BERT,
                             .vocab = VOCAB,
                             .hidden = HIDDEN,
                             .layers = LAYERS,
                             .heads = HEADS,
                             .inner = INNER,
                             .max_positions = PLACES,
                             .max_tokens = PLACES,
                             .type_vocab = 2,
                             .layer_norm_eps = 1e-12,
                         }};
    assert_int_equal(weights_open(folder, &x->weights, &e), 0);
    assert_int_equal(names_init(&x->names, x->weights, &x->config, &e), 0);
    if (encoder_new(&x->names, p, &x->encoder, &e))
        fail_msg("%s", e.msg);
    assert_true(encoder_bytes(x->encoder) > 0);
    assert_ptr_equal(encoder_config(x->encoder), &x->config);
}

static void unload(struct loaded *x)
{
    encoder_free(x->encoder);
    weights_close(x->weights);
}

static double cosine(const float *a, const float *b, size_t n)
{
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

static void check_near(const float *got, const float *expected, size_t n,
                       enum precision p)
{
    static const double least[] = {1 - 1e-9, 0.9995, 0.995};
    double c = cosine(got, expected, n);
    if (c < least[p])
        fail_msg("%s: cosine %f", precision_name(p), c);
    for (size_t i = 0; p == PRECISION_F32 && i < n; i++)
        assert_true(fabsf(got[i] - expected[i]) < 1e-4F);
}

/* Texts of many lengths, in one batch, by any number of threads. */
static void check(enum precision p, int threads, size_t n_texts)
{
    enum { TEXTS_MAX = 40 };
    struct err e = {0};
    struct loaded x;
    size_t offsets[TEXTS_MAX + 1] = {0};
    load(p, &x);
    for (size_t i = 0; i < n_texts; i++)
        offsets[i + 1] = offsets[i] + 1 + i * 7 % PLACES;
    size_t rows = offsets[n_texts];
    uint32_t *ids = ARENA_ARRAY(arena, uint32_t, rows);
    float *got = ARENA_ARRAY(arena, float, rows *HIDDEN);
    float *first = ARENA_ARRAY(arena, float, n_texts *HIDDEN);
    float *expected = ARENA_ARRAY(arena, float, rows *HIDDEN);
    for (size_t i = 0; i < rows; i++)
        ids[i] = (uint32_t)(rand_real(&chance) * VOCAB);
    for (size_t i = 0; i < n_texts; i++)
        plain_text(ids + offsets[i], offsets[i + 1] - offsets[i],
                   expected + offsets[i] * HIDDEN);
    struct session *s = session_new(threads);
    const struct batch b = {ids, offsets, n_texts};
    assert_int_equal(encoder_run(x.encoder, s, &b, WANT_TOKENS, got, &e), 0);
    check_near(got, expected, rows * HIDDEN, p);
    assert_int_equal(encoder_run(x.encoder, s, &b, WANT_FIRST, first, &e), 0);
    for (size_t i = 0; i < n_texts; i++)
        check_near(first + i * HIDDEN, expected + offsets[i] * HIDDEN, HIDDEN,
                   p);
    session_free(s);
    unload(&x);
}

static void test_precisions(void **state)
{
    (void)state;
    for (int p = 0; p < PRECISIONS; p++) {
        check((enum precision)p, 1, 1);
        check((enum precision)p, 1, 40);
        check((enum precision)p, 3, 2); /* fewer texts than threads */
        check((enum precision)p, 3, 40);
    }
}

static void test_bad_batches(void **state)
{
    (void)state;
    struct loaded x;
    struct err e = {0};
    float y[2 * PLACES * HIDDEN];
    uint32_t ids[PLACES + 1] = {0};
    const size_t long_text[] = {0, PLACES + 1};
    const size_t no_text[] = {0, 3, 3};
    const size_t one[] = {0, 2};
    load(PRECISION_F32, &x);
    struct session *s = session_new(1);
    struct batch b = {ids, long_text, 1};
    assert_int_equal(encoder_run(x.encoder, s, &b, WANT_FIRST, y, &e),
                     OTK_EINVAL);
    assert_non_null(strstr(e.msg, "25 tokens"));
    b = (struct batch){ids, no_text, 2};
    assert_int_equal(encoder_run(x.encoder, s, &b, WANT_FIRST, y, &e),
                     OTK_EINVAL);
    assert_non_null(strstr(e.msg, "text 1"));
    b = (struct batch){ids, one, 1};
    ids[1] = VOCAB;
    assert_int_equal(encoder_run(x.encoder, s, &b, WANT_FIRST, y, &e),
                     OTK_EINVAL);
    b.n_texts = 0;
    assert_int_equal(encoder_run(x.encoder, s, &b, WANT_FIRST, y, &e), 0);
    session_free(s);
    session_free(NULL);
    unload(&x);
    encoder_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precisions),
        cmocka_unit_test(test_bad_batches),
    };
    return cmocka_run_group_tests(tests, make, clean);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A small Whisper beside the same sums in plain loops, from all its files. */
#include "model/whisper.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rand.h"
#include "model/weight.h"
#include "model/whisper_private.h"
#include "tensor/reference.h"
#include "whisper_models.h"

enum {
    WIDTH = 32,
    HEADS = 2,
    LAYERS = 2,
    BANDS = 80,
    ROWS = 100, /* of the encoder */
    FRAMES = 2 * ROWS,
    INNER = 4 * WIDTH,
    TOKENS = 7,
    VOCAB = 51865,
    FILE_MAX = 64 << 20,
};

static const uint32_t said[TOKENS] = {50258, 50263, 50359, 50363,
                                      17,    300,   40000};
static float mels[FRAMES * BANDS];
static float plain[TOKENS * VOCAB]; /* logits by plain loops */
static char f32_path[WHISPER_PATH];

/* ---- the network in plain loops
 * -------------------------------------------------- */

static struct arena *arena;
static struct whisper *model;

static const float *get(const char *name, size_t a, size_t b, size_t c)
{
    const size_t dims[] = {a, b, c};
    const struct weight *x = NULL;
    struct err e = {0};
    if (whisper_tensor(model->source, name, dims, 3, &x, &e))
        fail_msg("%s", e.msg);
    float *ret = ARENA_ARRAY(arena, float, weight_count(x));
    assert_int_equal(weight_read(x, ret, &e), OTK_OK);
    return ret;
}

static const float *part(const char *stem, const char *which, size_t a,
                         size_t b)
{
    char name[100];
    (void)snprintf(name, sizeof(name), "%s.%s", stem, which);
    return get(name, a, b, 1);
}

static void linear(const char *stem, size_t rows, size_t in, size_t outs,
                   const float *x, float *y)
{
    bool key = strstr(stem, ".key") != NULL;
    reference_linear(rows, in, outs, x, part(stem, "weight", outs, in),
                     key ? NULL : part(stem, "bias", outs, 1), y);
}

static void norm(const char *stem, size_t rows, const float *x, float *y)
{
    for (size_t r = 0; r < rows; r++)
        reference_layer_norm(
            x + r * WIDTH, WIDTH, part(stem, "weight", WIDTH, 1),
            part(stem, "bias", WIDTH, 1), 1e-5F, y + r * WIDTH);
}

static void add(float *x, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
}

/* y[o][t] = gelu(bias + Σ w[o][i][k] · x[i][stride·t + k - 1]) */
static void convolve(const char *stem, const float *x, size_t frames, size_t in,
                     size_t stride, float *y)
{
    char name[100];
    (void)snprintf(name, sizeof(name), "%s.weight", stem);
    const float *w = get(name, WIDTH, in, 3);
    const float *bias = part(stem, "bias", WIDTH, 1);
    for (size_t t = 0; t < frames / stride; t++) {
        for (size_t o = 0; o < WIDTH; o++) {
            double sum = (double)bias[o];
            for (size_t i = 0; i < in; i++) {
                for (size_t k = 0; k < 3; k++) {
                    size_t at = stride * t + k;
                    if (at >= 1 && at <= frames)
                        sum += (double)w[(o * in + i) * 3 + k] *
                               (double)x[(at - 1) * in + i];
                }
            }
            y[t * WIDTH + o] = (float)sum;
        }
        reference_gelu(y + t * WIDTH, WIDTH);
    }
}

/* Row r of q looks at rows up to r, or at all. */
static void attend(const float *q, const float *k, const float *v, size_t rows,
                   size_t n, bool back_only, float *y)
{
    enum { ONE = WIDTH / HEADS };
    for (size_t r = 0; r < rows; r++) {
        for (size_t h = 0; h < HEADS; h++) {
            float scores[ROWS];
            size_t seen = back_only ? r + 1 : n;
            for (size_t i = 0; i < seen; i++) {
                scores[i] = 0;
                for (size_t c = 0; c < ONE; c++)
                    scores[i] +=
                        q[r * WIDTH + h * ONE + c] * k[i * WIDTH + h * ONE + c];
            }
            reference_softmax(scores, seen, 1 / sqrtf(ONE));
            for (size_t c = 0; c < ONE; c++) {
                double sum = 0;
                for (size_t i = 0; i < seen; i++)
                    sum +=
                        (double)scores[i] * (double)v[i * WIDTH + h * ONE + c];
                y[r * WIDTH + h * ONE + c] = (float)sum;
            }
        }
    }
}

/* x += attention of norm(x) over `over`, or over itself. */
static void attention(const char *stem, const char *kind, float *x, size_t rows,
                      const float *over, size_t n, bool back_only)
{
    char name[100];
    static float normal[ROWS * WIDTH], q[ROWS * WIDTH], k[ROWS * WIDTH],
        v[ROWS * WIDTH], y[ROWS * WIDTH], out[ROWS * WIDTH];
    (void)snprintf(name, sizeof(name), "%s.%s_ln", stem, kind);
    norm(name, rows, x, normal);
    over = over ? over : normal;
    (void)snprintf(name, sizeof(name), "%s.%s.query", stem, kind);
    linear(name, rows, WIDTH, WIDTH, normal, q);
    (void)snprintf(name, sizeof(name), "%s.%s.key", stem, kind);
    linear(name, n, WIDTH, WIDTH, over, k);
    (void)snprintf(name, sizeof(name), "%s.%s.value", stem, kind);
    linear(name, n, WIDTH, WIDTH, over, v);
    attend(q, k, v, rows, n, back_only, y);
    (void)snprintf(name, sizeof(name), "%s.%s.out", stem, kind);
    linear(name, rows, WIDTH, WIDTH, y, out);
    add(x, out, rows * WIDTH);
}

static void feed_forward(const char *stem, float *x, size_t rows)
{
    char name[100];
    static float normal[ROWS * WIDTH], inner[ROWS * INNER], out[ROWS * WIDTH];
    (void)snprintf(name, sizeof(name), "%s.mlp_ln", stem);
    norm(name, rows, x, normal);
    (void)snprintf(name, sizeof(name), "%s.mlp.0", stem);
    linear(name, rows, WIDTH, INNER, normal, inner);
    reference_gelu(inner, rows * INNER);
    (void)snprintf(name, sizeof(name), "%s.mlp.2", stem);
    linear(name, rows, INNER, WIDTH, inner, out);
    add(x, out, rows * WIDTH);
}

static void run_plain(float *logits)
{
    char stem[50];
    static float first[FRAMES * WIDTH], heard[ROWS * WIDTH], x[TOKENS * WIDTH];
    convolve("encoder.conv1", mels, FRAMES, BANDS, 1, first);
    convolve("encoder.conv2", first, FRAMES, WIDTH, 2, heard);
    add(heard, get("encoder.positional_embedding", ROWS, WIDTH, 1),
        ROWS * WIDTH);
    for (int i = 0; i < LAYERS; i++) {
        (void)snprintf(stem, sizeof(stem), "encoder.blocks.%d", i);
        attention(stem, "attn", heard, ROWS, NULL, ROWS, false);
        feed_forward(stem, heard, ROWS);
    }
    norm("encoder.ln_post", ROWS, heard, heard);
    const float *words = get("decoder.token_embedding.weight", VOCAB, WIDTH, 1);
    for (size_t i = 0; i < TOKENS; i++)
        memcpy(x + i * WIDTH, words + said[i] * WIDTH, WIDTH * sizeof(*x));
    add(x, get("decoder.positional_embedding", 96, WIDTH, 1), TOKENS * WIDTH);
    for (int i = 0; i < LAYERS; i++) {
        (void)snprintf(stem, sizeof(stem), "decoder.blocks.%d", i);
        attention(stem, "attn", x, TOKENS, NULL, TOKENS, true);
        attention(stem, "cross_attn", x, TOKENS, heard, ROWS, false);
        feed_forward(stem, x, TOKENS);
    }
    norm("decoder.ln", TOKENS, x, x);
    reference_linear(TOKENS, WIDTH, VOCAB, x, words, NULL, logits);
}

/* ---- the engine
 * --------------------------------------------------------------------- */

/* Logits of all tokens, `at_once` many in a step. */
static void run_engine(const char *path, enum precision p, int threads,
                       size_t at_once, float *logits)
{
    struct err e = {0};
    struct whisper *w = NULL;
    if (whisper_load(path, p, &w, &e))
        fail_msg("%s", e.msg);
    struct whisper_session *s = whisper_session_new(threads);
    struct whisper_memory *m = whisper_memory_new(w, 2);
    float *heard = mem_new(ROWS * WIDTH, sizeof(*heard));
    whisper_encode(w, s, mels, ROWS, heard);
    whisper_memory_hear(w, s, m, heard, ROWS);
    for (size_t i = 0; i < TOKENS; i += at_once) {
        struct whisper_step steps[TOKENS];
        size_t n = TOKENS - i < at_once ? TOKENS - i : at_once;
        for (size_t k = 0; k < n; k++)
            steps[k] = (struct whisper_step){
                .token = said[i + k], .at = i + k, .line = 1, .wants = true};
        assert_int_equal(
            whisper_decode(w, s, m, steps, n, logits + i * VOCAB, NULL, &e),
            OTK_OK);
    }
    free(heard);
    whisper_memory_free(m);
    whisper_session_free(s);
    whisper_unref(w);
}

static double apart(const float *a, const float *b)
{
    double most = 0;
    for (size_t i = 0; i < (size_t)TOKENS * VOCAB; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

static void expect(const char *path, enum precision p, int threads,
                   size_t at_once, double near)
{
    float *logits = mem_new((size_t)TOKENS * VOCAB, sizeof(*logits));
    run_engine(path, p, threads, at_once, logits);
    double is = apart(logits, plain);
    if (is > near)
        fail_msg("%s: logits are %.5f apart", path, is);
    free(logits);
}

static int make(void **state)
{
    struct rand r;
    struct err e = {0};
    if (whisper_open(state))
        return -1;
    whisper_make("", "f32.bin", f32_path);
    rand_init(&r, 5);
    for (size_t i = 0; i < FRAMES * BANDS; i++)
        mels[i] = (float)(rand_real(&r) * 2 - 0.7);
    arena = arena_new();
    if (whisper_load(f32_path, PRECISION_F32, &model, &e))
        fail_msg("%s", e.msg);
    run_plain(plain);
    whisper_unref(model);
    arena_free(arena);
    return 0;
}

/* ---- cases
 * -------------------------------------------------------------------------- */

static void as_plain_loops(void **state)
{
    (void)state;
    double most = 0;
    for (size_t i = 0; i < (size_t)TOKENS * VOCAB; i++)
        most = fmax(most, fabs((double)plain[i]));
    assert_true(most > 1 && most < 100); /* numbers that say something */
    expect(f32_path, PRECISION_F32, 1, TOKENS, 1e-4);
    expect(f32_path, PRECISION_F32, 3, 1, 1e-4);
    expect(f32_path, PRECISION_F32, 2, 3, 1e-4);
}

static void other_precisions(void **state)
{
    (void)state;
    expect(f32_path, PRECISION_BF16, 1, 1, 0.1);
    expect(f32_path, PRECISION_I8, 2, TOKENS, 0.5);
}

static void from_a_folder(void **state)
{
    (void)state;
    char path[WHISPER_PATH];
    whisper_make("--form folder", "folder", path);
    expect(path, PRECISION_F32, 1, TOKENS, 1e-4);
}

static void from_other_types(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        double near;
    } types[] = {{"f16", 0.01}, {"q8_0", 0.1}, {"q5_0", 1}};
    for (size_t i = 0; i < ROWS(types); i++) {
        char options[50];
        char path[WHISPER_PATH];
        (void)snprintf(options, sizeof(options), "--type %s", types[i].type);
        whisper_make(options, types[i].type, path);
        expect(path, PRECISION_F32, 1, TOKENS, types[i].near);
    }
}

static void says_what_it_is(void **state)
{
    (void)state;
    struct err e = {0};
    struct whisper *w = NULL;
    assert_int_equal(whisper_load(f32_path, PRECISION_BF16, &w, &e), OTK_OK);
    const struct whisper_info *i = whisper_info(w);
    assert_int_equal(i->vocab, VOCAB);
    assert_int_equal(i->state, WIDTH);
    assert_int_equal(i->n_languages, 99);
    assert_true(i->is_multilingual);
    assert_string_equal(i->name, "custom");
    assert_true(i->bytes > (size_t)VOCAB * WIDTH * 2);
    whisper_unref(whisper_ref(w));
    whisper_unref(w);
}

/* ---- wrong files
 * -------------------------------------------------------------------- */

static char *read_all(size_t *n)
{
    struct buf b = BUF_INIT(FILE_MAX);
    struct err e = {0};
    assert_int_equal(file_read(f32_path, &b, &e), OTK_OK);
    return buf_take(&b, n);
}

static void expect_error(const char *bytes, size_t n, const char *what)
{
    char path[WHISPER_PATH];
    struct err e = {0};
    struct whisper *w = NULL;
    (void)snprintf(path, sizeof(path), "%s/bad.bin", whisper_top);
    assert_int_equal(file_write(path, (struct str){bytes, n}, 0600, &e), 0);
    int r = whisper_load(path, PRECISION_F32, &w, &e);
    assert_true(r == OTK_EFORMAT || r == OTK_ELIMIT);
    if (!strstr(e.msg, what) || !strstr(e.msg, "bad.bin"))
        fail_msg("'%s' is not in '%s'", what, e.msg);
}

/* One of the eleven sizes becomes another. */
static void expect_size(char *bytes, size_t n, int field, int32_t value,
                        const char *what)
{
    int32_t old;
    memcpy(&old, bytes + 4 + 4 * field, sizeof(old));
    memcpy(bytes + 4 + 4 * field, &value, sizeof(value));
    expect_error(bytes, n, what);
    memcpy(bytes + 4 + 4 * field, &old, sizeof(old));
}

static void wrong_files(void **state)
{
    (void)state;
    size_t n;
    char *bytes = read_all(&n);
    expect_error(bytes, n - 1, "is cut short");
    expect_error(bytes, n / 2, "is cut short");
    expect_size(bytes, n, 0, 50000, "n_tokens is 50257, with n_vocab 50000");
    expect_size(bytes, n, 0, 60000, "n_vocab is 60000");
    expect_size(bytes, n, 1, INT32_MAX, "n_audio_ctx is 2147483647");
    expect_size(bytes, n, 1, 101, "tensor 'encoder.positional_embedding' is");
    expect_size(bytes, n, 2, 64, "n_text_state is 32 and n_audio_state 64");
    expect_size(bytes, n, 3, 3, "n_audio_head is 3, which does not divide");
    expect_size(bytes, n, 4, 3, "no tensor 'encoder.blocks.2.attn");
    expect_size(bytes, n, 8, -1, "n_text_layer is 0");
    expect_size(bytes, n, 9, 81, "filters are 80 by 201");
    free(bytes);
}

static void not_a_number(void **state)
{
    (void)state;
    static const char name[] = "decoder.blocks.1.mlp.2.weight";
    size_t n;
    char *bytes = read_all(&n);
    char *at = memmem(bytes, n, name, sizeof(name) - 1);
    assert_non_null(at);
    memset(at + sizeof(name) - 1 + 8, 0xff, 4); /* its third value */
    expect_error(bytes, n,
                 "tensor 'decoder.blocks.1.mlp.2.weight': value 2 is not a "
                 "finite number");
    free(bytes);
}

static int clean(void **state)
{
    return whisper_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_plain_loops),  cmocka_unit_test(other_precisions),
        cmocka_unit_test(from_a_folder),   cmocka_unit_test(from_other_types),
        cmocka_unit_test(says_what_it_is), cmocka_unit_test(wrong_files),
        cmocka_unit_test(not_a_number),
    };
    return cmocka_run_group_tests(tests, make, clean);
}

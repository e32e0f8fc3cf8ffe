/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each kernel beside the plain loops of reference.c, on numbers that reach its
 * corners: tiles with and without a tail, full range of 8 bits.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "tensor/kernels.h"
#include "tensor/reference.h"

enum { K = 68, LONG = 77, SIDE = 37 };

struct trial {
    const struct kernels *k;
    struct rand rand;
    float x[TILE_ROWS * K] __attribute__((aligned(ALIGNMENT)));
    float weights[PANEL * K];
    float bias[PANEL];
    float expected[TILE_ROWS * PANEL], got[TILE_ROWS * PANEL];
    float shrink; /* of a row's range, before it goes into 8 bits */
    union {
        float f32[PANEL * K];
        uint16_t bf16[PANEL * K];
        int8_t i8[PANEL * K];
    } packed __attribute__((aligned(ALIGNMENT)));
};

static void fill(struct rand *r, float *x, size_t n, float range)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(rand_real(r) * 2 - 1) * range;
}

/* As near as sums in another order may be. */
static bool near(const float *a, const float *b, size_t n, float by)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fabsf(a[i] - b[i]) <= by * (1 + fabsf(b[i]))))
            return false;
    }
    return true;
}

static bool check_f32(struct trial *t, size_t rows)
{
    for (size_t c = 0; c < PANEL; c++) {
        for (size_t i = 0; i < K; i++)
            t->packed.f32[i * PANEL + c] = t->weights[c * K + i];
    }
    reference_linear(rows, K, PANEL, t->x, t->weights, t->bias, t->expected);
    t->k->tile_f32(rows, K, t->x, K, t->packed.f32, t->bias, t->got, PANEL);
    return near(t->got, t->expected, rows * PANEL, 1e-5F);
}

static bool check_bf16(struct trial *t, size_t rows)
{
    uint16_t x[TILE_ROWS * K];
    uint16_t plain[TILE_ROWS * K] = {0};
    float rounded[TILE_ROWS * K];
    float w[PANEL * K];
    t->k->to_bf16(t->x, rows * K, x);
    for (size_t i = 0; i < rows * K; i++) {
        plain[i] = reference_bf16(t->x[i]);
        rounded[i] = reference_of_bf16(plain[i]);
    }
    if (memcmp(x, plain, rows * K * sizeof(*x)) != 0)
        return false;
    for (size_t c = 0; c < PANEL; c++) {
        for (size_t i = 0; i < K; i++) {
            uint16_t b = reference_bf16(t->weights[c * K + i]);
            w[c * K + i] = reference_of_bf16(b);
            t->packed.bf16[i / 2 * 2 * PANEL + 2 * c + i % 2] = b;
        }
    }
    reference_linear(rows, K, PANEL, rounded, w, t->bias, t->expected);
    t->k->tile_bf16(rows, K, x, K, t->packed.bf16, t->bias, t->got, PANEL);
    return near(t->got, t->expected, rows * PANEL, 1e-5F);
}

static bool check_i8(struct trial *t, size_t rows)
{
    uint8_t x[TILE_ROWS * K];
    uint8_t plain[K];
    struct quantized_row row[TILE_ROWS];
    struct quantized_row same;
    struct row_range range;
    float scale[PANEL];
    int32_t sum[PANEL] = {0};
    float real[TILE_ROWS * K];
    float w[PANEL * K];
    for (size_t r = 0; r < rows; r++) {
        reference_range(t->x + r * K, K, &range);
        range.most *= t->shrink; /* what is above becomes the end */
        t->k->to_u8(t->x + r * K, K, &range, x + r * K, &row[r]);
        reference_quantize_row(t->x + r * K, K, &range, t->k->levels, plain,
                               &same);
        if (row[r].zero != same.zero || memcmp(plain, x + r * K, K) != 0)
            return false;
        for (size_t i = 0; i < K; i++)
            real[r * K + i] = (float)(plain[i] - same.zero) * same.scale;
    }
    for (size_t c = 0; c < PANEL; c++) {
        int8_t q[K];
        scale[c] = reference_quantize_weights(t->weights + c * K, K, q);
        for (size_t i = 0; i < K; i++) {
            sum[c] += q[i];
            w[c * K + i] = (float)q[i] * scale[c];
            t->packed.i8[i / 4 * 4 * PANEL + 4 * c + i % 4] = q[i];
        }
    }
    const struct panel_scales scales = {scale, sum};
    reference_linear(rows, K, PANEL, real, w, t->bias, t->expected);
    t->k->tile_i8(rows, K, x, K, row, t->packed.i8, &scales, t->bias, t->got,
                  PANEL);
    return near(t->got, t->expected, rows * PANEL, 1e-4F);
}

/* All outputs at the ends of their range, where narrow sums overflow. */
static bool check_i8_full(struct trial *t)
{
    for (size_t i = 0; i < TILE_ROWS * K; i++)
        t->x[i] = i % K == 0 ? 0 : 1;
    for (size_t i = 0; i < PANEL * K; i++)
        t->weights[i] = i / K % 2 ? 1 : -1;
    return check_i8(t, TILE_ROWS);
}

static bool check_i8_cut(struct trial *t)
{
    t->shrink = 0.5F;
    bool good = check_i8(t, TILE_ROWS);
    t->shrink = 1;
    return good;
}

/* Rows of each length: tails, too. */
static bool check_range(struct trial *t)
{
    for (size_t n = 1; n <= LONG; n++) {
        struct row_range a;
        struct row_range b;
        t->k->range(t->x + n, n, &a);
        reference_range(t->x + n, n, &b);
        if (a.least != b.least || a.most != b.most ||
            !near(&a.squares, &b.squares, 1, 1e-6F))
            return false;
    }
    return true;
}

static bool check_far_out(struct trial *t)
{
    enum { ROOM = 3 };
    const float cut = 1.9F; /* of numbers up to 2 */
    for (size_t n = 1; n <= LONG; n++) {
        const float *x = t->x + n;
        uint32_t at[ROOM];
        float most = 0;
        float rest;
        size_t found = 0;
        size_t got = t->k->far_out(x, n, cut, at, ROOM, &rest);
        for (size_t i = 0; i < n; i++) {
            bool far = fabsf(x[i]) > cut;
            if (far && found < ROOM && found < got && at[found] != i)
                return false;
            found += far;
            most = far ? most : fmaxf(most, fabsf(x[i]));
        }
        if (got != found || rest != most)
            return false;
    }
    return true;
}

static bool check_column(struct trial *t)
{
    for (size_t i = 0; i < GROUP_MAX * PANEL; i++)
        t->packed.i8[i] = (int8_t)(i * 37);
    for (size_t which = 0; which < GROUP_MAX; which++) {
        memcpy(t->got, t->x, sizeof(t->got));
        for (size_t c = 0; c < PANEL; c++)
            t->expected[c] =
                t->x[c] + 3 * t->bias[c] * t->packed.i8[GROUP_MAX * c + which];
        t->k->column_i8(t->packed.i8, which, 3, t->bias, t->got);
        if (!near(t->got, t->expected, PANEL, 1e-6F) ||
            t->got[PANEL] != t->x[PANEL])
            return false;
    }
    return true;
}

static bool check_strip(struct trial *t, size_t rows)
{
    float w[STRIP * K];
    for (size_t c = 0; c < STRIP; c++) {
        for (size_t i = 0; i < K; i++)
            w[c * K + i] = t->weights[i * PANEL + c];
    }
    reference_linear(rows, K, STRIP, t->x, w, NULL, t->expected);
    t->k->strip_f32(rows, K, t->x, K, t->weights, PANEL, t->got, STRIP);
    return near(t->got, t->expected, rows * STRIP, 1e-5F);
}

static bool check_strip_bf16(struct trial *t, size_t rows)
{
    float w[STRIP * K];
    for (size_t i = 0; i < PANEL * K; i++)
        t->packed.bf16[i] = reference_bf16(t->weights[i]);
    for (size_t c = 0; c < STRIP; c++) {
        for (size_t i = 0; i < K; i++)
            w[c * K + i] = reference_of_bf16(t->packed.bf16[i * PANEL + c]);
    }
    reference_linear(rows, K, STRIP, t->x, w, NULL, t->expected);
    t->k->strip_bf16(rows, K, t->x, K, t->packed.bf16, PANEL, t->got, STRIP);
    return near(t->got, t->expected, rows * STRIP, 1e-5F);
}

/* Two tiles of the same rows: from the bias, then onto what that gave. */
static bool check_block(struct trial *t)
{
    enum { ROWS = 2 * TILE_ROWS };
    size_t wide = t->k->sliver;
    float x[ROWS * K];
    float want[ROWS * PANEL];
    float got[ROWS * PANEL];
    for (size_t i = 0; i < ROWS * K; i++) {
        size_t r = i % TILE_ROWS;
        x[i] = t->x[r * K + i / TILE_ROWS % K];
    }
    for (size_t i = 0; i < K * wide; i++)
        t->packed.f32[i] = t->weights[i % wide * K + i / wide];
    reference_linear(TILE_ROWS, K, wide, t->x, t->weights, t->bias, want);
    memcpy(want + TILE_ROWS * wide, want, TILE_ROWS * wide * sizeof(*want));
    t->k->block_f32(ROWS, K, x, t->packed.f32, t->bias, 0, got, wide);
    if (!near(got, want, ROWS * wide, 1e-5F))
        return false;
    for (size_t i = 0; i < ROWS * wide; i++)
        want[i] += want[i] - t->bias[i % wide];
    t->k->block_f32(ROWS, K, x, t->packed.f32, got, wide, got, wide);
    return near(got, want, ROWS * wide, 2e-5F);
}

static bool check_transpose(struct trial *t)
{
    t->k->transpose(SIDE, SIDE + 1, t->weights, SIDE + 1, t->packed.f32, SIDE);
    for (size_t r = 0; r < SIDE; r++) {
        for (size_t c = 0; c < SIDE + 1; c++) {
            if (t->packed.f32[c * SIDE + r] != t->weights[r * (SIDE + 1) + c])
                return false;
        }
    }
    return true;
}

static bool check_curve(struct trial *t, void (*got)(float *x, size_t n),
                        void (*expected)(float *x, size_t n))
{
    float a[LONG];
    float b[LONG];
    fill(&t->rand, a, LONG, 6);
    a[0] = 0;
    a[1] = 40;
    a[2] = -40;
    memcpy(b, a, sizeof(a));
    got(a, LONG);
    expected(b, LONG);
    return near(a, b, LONG, 1e-6F);
}

static bool check_gelu(struct trial *t)
{
    return check_curve(t, t->k->gelu, reference_gelu);
}

static bool check_gelu_new(struct trial *t)
{
    return check_curve(t, t->k->gelu_new, reference_gelu_new);
}

static bool check_gelu_back(struct trial *t)
{
    float x[LONG];
    float a[LONG];
    float b[LONG];
    fill(&t->rand, x, LONG, 6);
    fill(&t->rand, a, LONG, 1);
    x[0] = 0;
    x[1] = 40;
    x[2] = -40;
    memcpy(b, a, sizeof(a));
    t->k->gelu_back(x, a, LONG);
    reference_gelu_back(x, b, LONG);
    return near(a, b, LONG, 1e-6F);
}

static bool check_softmax(struct trial *t, size_t n, float range)
{
    float a[LONG];
    float b[LONG];
    fill(&t->rand, a, n, range);
    memcpy(b, a, sizeof(a));
    t->k->softmax(a, n, 0.7F);
    reference_softmax(b, n, 0.7F);
    return near(a, b, n, 1e-6F);
}

static bool check_layer_norm(struct trial *t)
{
    float a[LONG];
    float b[LONG];
    fill(&t->rand, a, LONG, 3);
    t->k->add(a, t->bias, PANEL);
    reference_layer_norm(a, LONG, t->weights, t->weights + LONG, 1e-12F, b);
    t->k->layer_norm(a, LONG, t->weights, t->weights + LONG, 1e-12F, a);
    return near(a, b, LONG, 2e-6F);
}

static bool check_adam(struct trial *t)
{
    const struct adam_pace pace = {.rate = 0.1F,
                                   .keep = 0.9F,
                                   .beta1 = 0.9F,
                                   .beta2 = 0.99F,
                                   .eps = 1e-8F,
                                   .by = 0.5F,
                                   .undo_second = 3};
    float a[4][LONG]; /* value, slope, first, second */
    float b[4][LONG];
    for (int i = 0; i < 4; i++)
        fill(&t->rand, a[i], LONG, 1);
    for (size_t i = 0; i < LONG; i++)
        a[3][i] *= a[3][i];
    memcpy(b, a, sizeof(a));
    t->k->adam(&pace, LONG, a[0], a[1], a[2], a[3]);
    reference_adam(&pace, LONG, b[0], b[1], b[2], b[3]);
    return near(a[0], b[0], 4UL * LONG, 1e-6F);
}

static bool check_add(struct trial *t)
{
    float a[LONG];
    memcpy(a, t->x, sizeof(a));
    t->k->add(a, t->weights, LONG);
    for (size_t i = 0; i < LONG; i++) {
        if (a[i] != t->x[i] + t->weights[i])
            return false;
    }
    return true;
}

const char *kernels_check(const struct kernels *k)
{
    static const struct {
        const char *name;
        bool (*tile)(struct trial *t, size_t rows);
    } tiles[] = {{"tile_f32", check_f32},
                 {"tile_bf16", check_bf16},
                 {"tile_i8", check_i8},
                 {"strip_f32", check_strip},
                 {"strip_bf16", check_strip_bf16}};
    static const struct {
        const char *name;
        bool (*row)(struct trial *t);
    } others[] = {{"block_f32", check_block},
                  {"transpose", check_transpose},
                  {"gelu", check_gelu},
                  {"gelu_new", check_gelu_new},
                  {"gelu_back", check_gelu_back},
                  {"add", check_add},
                  {"layer_norm", check_layer_norm},
                  {"adam", check_adam},
                  {"range", check_range},
                  {"far_out", check_far_out},
                  {"column_i8", check_column},
                  {"tile_i8", check_i8_cut},
                  {"tile_i8", check_i8_full}};
    const char *wrong = NULL;
    struct trial *t = aligned_alloc(ALIGNMENT, sizeof(*t));
    if (!t)
        return "memory";
    memset(t, 0, sizeof(*t));
    t->k = k;
    t->shrink = 1;
    rand_init(&t->rand, 1);
    fill(&t->rand, t->x, TILE_ROWS * K, 2);
    fill(&t->rand, t->weights, PANEL * K, 1);
    fill(&t->rand, t->bias, PANEL, 1);
    for (size_t i = 0; !wrong && i < sizeof(tiles) / sizeof(*tiles); i++) {
        for (size_t rows = 1; !wrong && rows <= TILE_ROWS; rows++)
            wrong = tiles[i].tile(t, rows) ? NULL : tiles[i].name;
    }
    for (size_t n = 1; !wrong && n <= LONG; n++)
        wrong = check_softmax(t, n, n % 2 ? 1 : 60) ? NULL : "softmax";
    for (size_t i = 0; !wrong && i < sizeof(others) / sizeof(*others); i++)
        wrong = others[i].row(t) ? NULL : others[i].name;
    free(t);
    return wrong;
}

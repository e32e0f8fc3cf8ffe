/* SPDX-License-Identifier: Apache-2.0 */
#include "model/weight.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "model/blocks.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "values are used as they lie in the file");

static const struct {
    const char *name;
    size_t size;
} types[WEIGHT_TYPES] = {
    [WEIGHT_F32] = {"F32", 4},         [WEIGHT_F16] = {"F16", 2},
    [WEIGHT_BF16] = {"BF16", 2},       [WEIGHT_F64] = {"F64", 8},
    [WEIGHT_I64] = {"I64", 8},         [WEIGHT_I32] = {"I32", 4},
    [WEIGHT_I16] = {"I16", 2},         [WEIGHT_I8] = {"I8", 1},
    [WEIGHT_U64] = {"U64", 8},         [WEIGHT_U32] = {"U32", 4},
    [WEIGHT_U16] = {"U16", 2},         [WEIGHT_U8] = {"U8", 1},
    [WEIGHT_BOOL] = {"BOOL", 1},       [WEIGHT_F8_E4M3] = {"F8_E4M3", 1},
    [WEIGHT_F8_E5M2] = {"F8_E5M2", 1}, [WEIGHT_Q4_0] = {"Q4_0", 18},
    [WEIGHT_Q4_1] = {"Q4_1", 20},      [WEIGHT_Q5_0] = {"Q5_0", 22},
    [WEIGHT_Q5_1] = {"Q5_1", 24},      [WEIGHT_Q8_0] = {"Q8_0", 34},
};

/* Values that lie together, in types[].size bytes. */
static size_t block_of(enum weight_type t)
{
    return t >= WEIGHT_PLAIN_TYPES ? BLOCK_VALUES : 1;
}

const char *weight_type_name(enum weight_type t)
{
    return types[t].name;
}

size_t weight_type_size(enum weight_type t)
{
    return types[t].size;
}

bool weight_type_find(struct str name, enum weight_type *ret)
{
    for (int t = 0; t < WEIGHT_PLAIN_TYPES; t++) {
        if (str_is(name, types[t].name)) {
            *ret = (enum weight_type)t;
            return true;
        }
    }
    return false;
}

bool weight_size(enum weight_type t, const size_t *dims, int n_dims,
                 size_t *ret)
{
    size_t block = block_of(t);
    size_t bytes = types[t].size;
    if (block > 1 && (n_dims == 0 || dims[n_dims - 1] % block))
        return false;
    for (int i = 0; i < n_dims; i++) {
        size_t n = i + 1 < n_dims ? dims[i] : dims[i] / block;
        if (__builtin_mul_overflow(bytes, n, &bytes))
            return false;
    }
    *ret = bytes;
    return true;
}

size_t weight_count(const struct weight *x)
{
    return x->bytes / types[x->type].size * block_of(x->type);
}

void weight_print_shape(const size_t *dims, int n_dims,
                        char ret[WEIGHT_SHAPE_TEXT])
{
    /* eight dimensions of twenty digits fit */
    int at = snprintf(ret, WEIGHT_SHAPE_TEXT, "[");
    for (int i = 0; i < n_dims; i++)
        at += snprintf(ret + at, WEIGHT_SHAPE_TEXT - (size_t)at, "%s%zu",
                       i ? ", " : "", dims[i]);
    (void)snprintf(ret + at, WEIGHT_SHAPE_TEXT - (size_t)at, "]");
}

/* ---- values
 * ------------------------------------------------------------------------
 *
 * Plain loops without a branch, which compilers turn into vectors. Each
 * returns whether all values are finite.
 */

enum { EXPONENT = 0x7f800000, HALF_EXPONENT = 0x7c00, BRAIN_EXPONENT = 0x7f80 };

static bool read_f32(const char *p, size_t n, float *ret)
{
    memcpy(ret, p, n * sizeof(*ret));
    unsigned bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, p + i * sizeof(bits), sizeof(bits));
        bad |= (bits & EXPONENT) == EXPONENT;
    }
    return !bad;
}

static bool read_bf16(const char *p, size_t n, float *ret)
{
    unsigned bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, p + i * sizeof(half), sizeof(half));
        uint32_t bits = (uint32_t)half << 16;
        memcpy(&ret[i], &bits, sizeof(bits));
        bad |= (half & BRAIN_EXPONENT) == BRAIN_EXPONENT;
    }
    return !bad;
}

/* IEEE 754 binary16: 1 bit sign, 5 exponent (bias 15), 10 fraction. */
static bool read_f16(const char *p, size_t n, float *ret)
{
    enum { FRACTION = 13, BIAS = (127 - 15) << 23, SIGN = 0x8000 };
    enum { SMALLEST_NORMAL = 0x400 };
    const float denormal_unit = 0x1p-24F;
    unsigned bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, p + i * sizeof(half), sizeof(half));
        uint32_t magnitude = half & (SIGN - 1U);
        uint32_t normal = (magnitude << FRACTION) + BIAS;
        float small = (float)(int32_t)magnitude * denormal_unit;
        uint32_t denormal;
        memcpy(&denormal, &small, sizeof(small));
        uint32_t is_small = 0U - (magnitude < SMALLEST_NORMAL); /* a mask */
        uint32_t bits = (denormal & is_small) | (normal & ~is_small);
        bits |= (uint32_t)(half & SIGN) << 16;
        memcpy(&ret[i], &bits, sizeof(bits));
        bad |= magnitude >= HALF_EXPONENT;
    }
    return !bad;
}

typedef bool (*reader)(const char *p, size_t n, float *ret);
static const reader readers[WEIGHT_TYPES] = {
    [WEIGHT_F32] = read_f32,     [WEIGHT_F16] = read_f16,
    [WEIGHT_BF16] = read_bf16,   [WEIGHT_Q4_0] = blocks_q4_0,
    [WEIGHT_Q4_1] = blocks_q4_1, [WEIGHT_Q5_0] = blocks_q5_0,
    [WEIGHT_Q5_1] = blocks_q5_1, [WEIGHT_Q8_0] = blocks_q8_0};

static const char *place(const struct weight *x)
{
    return x->file ? x->file : "model";
}

static int no_float(const struct weight *x, struct err *e)
{
    return err_set(e, OTK_EFORMAT,
                   "%s: tensor '" STR_FMT "' is of type %s, which cannot be "
                   "read as numbers; save the model as F32, F16 or BF16",
                   place(x), STR_ARG(x->name), types[x->type].name);
}

static int not_finite(const struct weight *x, size_t at, struct err *e)
{
    return err_set(e, OTK_EFORMAT,
                   "%s: tensor '" STR_FMT "': value %zu is not a finite "
                   "number; the file is damaged or its training failed",
                   place(x), STR_ARG(x->name), at);
}

/* In pieces that stay in the cache, so that a bad value is soon found. */
enum { PIECE = 1024 };

static int read_some(const struct weight *x, size_t from, size_t n, float *ret,
                     struct err *e)
{
    reader read = readers[x->type];
    size_t size = types[x->type].size;
    size_t block = block_of(x->type);
    if (!read)
        return no_float(x, e);
    for (size_t done = 0; done < n; done += PIECE) {
        const char *p = (const char *)x->data + (from + done) / block * size;
        size_t piece = n - done < PIECE ? n - done : PIECE;
        if (read(p, piece, ret + done))
            continue;
        size_t bad = 0;
        while (read(p + bad / block * size, block, ret + done))
            bad += block;
        return not_finite(x, from + done + bad, e);
    }
    return OTK_OK;
}

int weight_read(const struct weight *x, float *ret, struct err *e)
{
    return read_some(x, 0, weight_count(x), ret, e);
}

int weight_check(const struct weight *x, struct err *e)
{
    float piece[PIECE];
    size_t n = weight_count(x);
    int r = OTK_OK;
    for (size_t done = 0; !r && done < n; done += PIECE)
        r = read_some(x, done, n - done < PIECE ? n - done : PIECE, piece, e);
    return r;
}

int weight_read_rows(const struct weight *x, size_t from, size_t n, float *ret,
                     struct err *e)
{
    size_t rows = x->n_dims ? x->dims[0] : 0;
    if (from > rows || n > rows - from)
        return err_set(e, OTK_EINVAL,
                       "%s: tensor '" STR_FMT "' has %zu rows, rows %zu to "
                       "%zu are asked for",
                       place(x), STR_ARG(x->name), rows, from, from + n);
    size_t row = rows ? weight_count(x) / rows : 0;
    return read_some(x, from * row, n * row, ret, e);
}

/*
 * model/weight.h - one tensor of a model: its name, shape and values
 *
 * A weight shows values that lie elsewhere, mostly in a mapped file, in the
 * type that the file has them in. Reading makes floats of them.
 *
 * Ownership: borrowed throughout; from struct weights (model/weights.h) or
 * from whoever made one to be written.
 */
#ifndef OTK_MODEL_WEIGHT_H
#define OTK_MODEL_WEIGHT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct err;

enum weight_type {
    WEIGHT_F32,
    WEIGHT_F16,
    WEIGHT_BF16,
    WEIGHT_F64, /* this and those below are listed, but not read as floats */
    WEIGHT_I64,
    WEIGHT_I32,
    WEIGHT_I16,
    WEIGHT_I8,
    WEIGHT_U64,
    WEIGHT_U32,
    WEIGHT_U16,
    WEIGHT_U8,
    WEIGHT_BOOL,
    WEIGHT_F8_E4M3,
    WEIGHT_F8_E5M2,
    WEIGHT_Q4_0, /* blocks of a few bits (model/blocks.h), read as floats; files
                    of GGML have them, safetensors do not */
    WEIGHT_Q4_1,
    WEIGHT_Q5_0,
    WEIGHT_Q5_1,
    WEIGHT_Q8_0,
    WEIGHT_TYPES,
    WEIGHT_PLAIN_TYPES = WEIGHT_Q4_0, /* of values that stand alone */
};

enum {
    WEIGHT_DIMS_MAX = 8,
    WEIGHT_NAME_MAX = 200,   /* bytes */
    WEIGHT_SHAPE_TEXT = 200, /* for weight_print_shape() */
};

struct weight {
    struct str name; /* UTF-8 without control characters */
    enum weight_type type;
    int n_dims; /* 0: one single value */
    size_t dims[WEIGHT_DIMS_MAX];
    const void *data; /* little-endian, row by row; not aligned */
    size_t bytes;
    const char *file; /* where it lies, for errors; NULL: in memory */
};

const char *weight_type_name(enum weight_type t); /* "BF16" */
/* Bytes of one value, or of one block of BLOCK_VALUES. */
size_t weight_type_size(enum weight_type t);

/* The type that safetensors call `name`; false: there is none. */
bool weight_type_find(struct str name, enum weight_type *ret);

/* Bytes of a tensor; false: more than a size_t holds, or rows that are no whole
 * blocks. */
bool weight_size(enum weight_type t, const size_t *dims, int n_dims,
                 size_t *ret);

size_t weight_count(const struct weight *x); /* of values */

/* "[512, 64]" */
void weight_print_shape(const size_t *dims, int n_dims,
                        char ret[WEIGHT_SHAPE_TEXT]);

/*
 * All values, or `n` rows of the first dimension from row `from`, as floats.
 * OTK_EFORMAT: of a type that is no float, or a value is NaN or infinite; what
 * was written to `ret` then has no meaning. OTK_EINVAL: there are no such rows.
 */
int weight_read(const struct weight *x, float *ret, struct err *e);
int weight_read_rows(const struct weight *x, size_t from, size_t n, float *ret,
                     struct err *e);

/* weight_read() without keeping the values. */
int weight_check(const struct weight *x, struct err *e);

#endif

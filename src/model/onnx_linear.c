/* SPDX-License-Identifier: Apache-2.0 */
/* Products and tables, in float and in int8. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/config.h"
#include "model/onnx_graph.h"
#include "model/onnx_private.h"
#include "model/weight.h"

enum {
    INT8_TOP = 127,
    PRODUCT_TOP = 64, /* of a weight that is multiplied by bytes */
    ROWS_AT_A_TIME = 256,
};

static int no_memory(const char *name, struct err *e)
{
    return err_set(e, OTK_ELIMIT, "no memory for the tensor %s", name);
}

/* ---- int8
 * ------------------------------------------------------------------------ */

/* A row becomes whole numbers that lie `stride` apart; its scale. */
static float quantize(const float *x, size_t n, int most, int8_t *ret,
                      size_t stride)
{
    float top = 0;
    for (size_t i = 0; i < n; i++)
        top = fmaxf(top, fabsf(x[i]));
    float scale = top > 0 ? top / (float)most : 1;
    for (size_t i = 0; i < n; i++)
        ret[i * stride] = (int8_t)lrintf(x[i] / scale);
    return scale;
}

int onnx_gather_int8(const struct onnx_plan *p, const struct weight *w,
                     const char *ids, const char *name, struct err *e)
{
    struct graph *g = p->g;
    size_t rows = w->dims[0];
    size_t width = w->dims[1];
    const size_t dims[] = {rows, width};
    int8_t *values = graph_room(g, rows, width);
    float *scales = graph_room(g, rows, sizeof(*scales));
    float *some = graph_room(g, ROWS_AT_A_TIME * width, sizeof(*some));
    if (!values || !scales || !some)
        return no_memory(name, e);
    for (size_t i = 0; i < rows; i += ROWS_AT_A_TIME) {
        size_t n = rows - i < ROWS_AT_A_TIME ? rows - i : ROWS_AT_A_TIME;
        int r = weight_read_rows(w, i, n, some, e);
        if (r)
            return r;
        for (size_t k = 0; k < n; k++)
            scales[i + k] = quantize(some + k * width, width, INT8_TOP,
                                     values + (i + k) * width, 1);
    }
    const char *table = graph_tensor(g, graph_name(g, "%s.weight_int8", name),
                                     GRAPH_INT8, dims, 2, values);
    const char *by =
        graph_tensor(g, graph_name(g, "%s.weight_scale", name), GRAPH_FLOAT,
                     (const size_t[]){rows, 1}, 2, scales);
    const char *row =
        GRAPH_NODE(g, "Gather", graph_name(g, "%s.row_int8", name), table, ids);
    const char *scale =
        GRAPH_NODE(g, "Gather", graph_name(g, "%s.row_scale", name), by, ids);
    row = GRAPH_NODE(g, "Cast", graph_name(g, "%s.row", name), row);
    graph_set(g, "to", GRAPH_FLOAT);
    (void)GRAPH_NODE(g, "Mul", name, row, scale);
    return OTK_OK;
}

/* The input of a product, measured and brought to bytes and back. */
static const char *quantized_input(struct graph *g, const char *x,
                                   const char *name)
{
    const char *bytes = GRAPH_NODE(g, "DynamicQuantizeLinear",
                                   graph_name(g, "%s.x_uint8", name), x);
    const char *scale = graph_also(g, graph_name(g, "%s.x_scale", name));
    const char *zero = graph_also(g, graph_name(g, "%s.x_zero", name));
    return GRAPH_NODE(g, "DequantizeLinear", graph_name(g, "%s.x", name), bytes,
                      scale, zero);
}

/* ---- products
 * ------------------------------------------------------------------------ */

/* What becomes of the weights: [in, n * outs], as MatMul wants them. */
struct turned {
    float *floats; /* or */
    int8_t *bytes;
    int8_t *zeros;
    float *scales; /* one an output */
};

static int turn(const struct onnx_linear *l, float *rows,
                const struct turned *to, struct err *e)
{
    size_t all = l->n * l->outs;
    int most = l->kind == ONNX_INT8 ? PRODUCT_TOP : INT8_TOP;
    for (size_t i = 0; i < l->n; i++) {
        for (size_t o = 0; o < l->outs; o += ROWS_AT_A_TIME) {
            size_t n =
                l->outs - o < ROWS_AT_A_TIME ? l->outs - o : ROWS_AT_A_TIME;
            int r = weight_read_rows(l->weights[i], o, n, rows, e);
            if (r)
                return r;
            for (size_t k = 0; k < n; k++) {
                size_t column = i * l->outs + o + k;
                const float *row = rows + k * l->in;
                if (l->kind != ONNX_FLOAT)
                    to->scales[column] =
                        quantize(row, l->in, most, to->bytes + column, all);
                for (size_t c = 0; l->kind == ONNX_FLOAT && c < l->in; c++)
                    to->floats[c * all + column] = row[c];
            }
        }
    }
    return OTK_OK;
}

static const char *put_weights(struct graph *g, const struct onnx_linear *l,
                               const struct turned *x, const char *name)
{
    const size_t dims[] = {l->in, l->n * l->outs};
    if (l->kind == ONNX_FLOAT)
        return graph_tensor(g, graph_name(g, "%s.weight", name), GRAPH_FLOAT,
                            dims, 2, x->floats);
    const char *bytes = graph_tensor(g, graph_name(g, "%s.weight_int8", name),
                                     GRAPH_INT8, dims, 2, x->bytes);
    const char *scales = graph_tensor(g, graph_name(g, "%s.weight_scale", name),
                                      GRAPH_FLOAT, &dims[1], 1, x->scales);
    /* all zero, said because some runtimes fuse nothing without it */
    const char *zeros = graph_tensor(g, graph_name(g, "%s.weight_zero", name),
                                     GRAPH_INT8, &dims[1], 1, x->zeros);
    const char *w =
        GRAPH_NODE(g, "DequantizeLinear", graph_name(g, "%s.weight", name),
                   bytes, scales, zeros);
    graph_set(g, "axis", 1);
    return w;
}

int onnx_linear(const struct onnx_plan *p, const struct onnx_linear *l,
                const char *x, const char *name, struct err *e)
{
    struct graph *g = p->g;
    size_t all = l->n * l->outs;
    struct turned to = {0};
    float *rows = mem_try(ROWS_AT_A_TIME * l->in, sizeof(*rows));
    float *bias = graph_room(g, all, sizeof(*bias));
    if (l->kind != ONNX_FLOAT) {
        to.bytes = graph_room(g, l->in, all);
        to.zeros = graph_room(g, all, 1);
        to.scales = graph_room(g, all, sizeof(*to.scales));
    } else {
        to.floats = graph_room(g, l->in * all, sizeof(*to.floats));
    }
    bool got = rows && bias &&
               (l->kind != ONNX_FLOAT ? to.bytes && to.zeros && to.scales
                                      : to.floats != NULL);
    int r = got ? turn(l, rows, &to, e) : no_memory(name, e);
    free(rows);
    for (size_t i = 0; !r && i < l->n; i++)
        r = weight_read(l->biases[i], bias + i * l->outs, e);
    if (r)
        return r;
    if (l->kind == ONNX_INT8)
        x = quantized_input(g, x, name);
    const char *w = put_weights(g, l, &to, name);
    const char *b = graph_tensor(g, graph_name(g, "%s.bias", name), GRAPH_FLOAT,
                                 &all, 1, bias);
    const char *y =
        GRAPH_NODE(g, "MatMul", graph_name(g, "%s.product", name), x, w);
    (void)GRAPH_NODE(g, "Add", name, y, b);
    return OTK_OK;
}

int onnx_linear_role(const struct onnx_plan *p, enum weight_role role, size_t n,
                     size_t layer, enum onnx_kind kind, struct onnx_linear *ret,
                     struct err *e)
{
    *ret = (struct onnx_linear){.n = n, .kind = kind};
    for (size_t i = 0; i < n; i++) {
        enum weight_role own = role + (enum weight_role)(2 * i);
        int r = names_find(&p->names, own, layer, &ret->weights[i], e);
        if (!r)
            r = names_find(&p->names, own + 1, layer, &ret->biases[i], e);
        if (r)
            return r;
    }
    ret->outs = ret->weights[0]->dims[0];
    ret->in = ret->weights[0]->dims[1];
    return OTK_OK;
}

/* ---- tensors as they are
 * ------------------------------------------------------------------------ */

int onnx_floats(const struct onnx_plan *p, const struct weight *w, size_t from,
                size_t rows, const char *name, struct err *e)
{
    size_t dims[WEIGHT_DIMS_MAX];
    memcpy(dims, w->dims, sizeof(dims));
    if (w->type == WEIGHT_F32 && from == 0 && rows == w->dims[0]) {
        int r = weight_check(w, e);
        if (!r)
            (void)graph_tensor(p->g, name, GRAPH_FLOAT, dims, w->n_dims,
                               w->data);
        return r;
    }
    size_t n = weight_count(w) / w->dims[0] * rows;
    float *room = graph_room(p->g, n, sizeof(*room));
    if (!room)
        return no_memory(name, e);
    int r = weight_read_rows(w, from, rows, room, e);
    dims[0] = rows;
    if (!r)
        (void)graph_tensor(p->g, name, GRAPH_FLOAT, dims, w->n_dims, room);
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/onnx_graph.h"

#include <onnx.pb-c.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "values go to the file as they lie in memory");

enum { IR_VERSION = 8, NAME_BYTES = 1 << 16 };

struct graph {
    struct arena *arena; /* messages and names */
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset, *opsets[1];
    size_t cap_nodes, cap_tensors, cap_inputs, cap_outputs, cap_notes;
    void **rooms;
    size_t n_rooms, cap_rooms;
};

/* ---- making
 * ------------------------------------------------------------------------ */

static char *copy(struct graph *g, const char *text)
{
    return arena_copy(g->arena, str_from(text));
}

struct graph *graph_new(const char *name)
{
    struct graph *g = MEM_NEW(struct graph);
    g->arena = arena_new();
    onnx__model_proto__init(&g->model);
    onnx__graph_proto__init(&g->graph);
    onnx__operator_set_id_proto__init(&g->opset);
    g->graph.name = copy(g, name);
    g->opset.domain = copy(g, ""); /* that of ONNX itself */
    g->opset.has_version = 1;
    g->opset.version = GRAPH_OPSET;
    g->opsets[0] = &g->opset;
    g->model.has_ir_version = 1;
    g->model.ir_version = IR_VERSION; /* which came with opset 15 */
    g->model.opset_import = g->opsets;
    g->model.n_opset_import = 1;
    g->model.producer_name = copy(g, "otklik");
    g->model.producer_version = copy(g, OTK_VERSION);
    g->model.graph = &g->graph;
    return g;
}

void graph_free(struct graph *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->n_rooms; i++)
        free(g->rooms[i]);
    free(g->rooms);
    free(g->graph.node);
    free(g->graph.initializer);
    free(g->graph.input);
    free(g->graph.output);
    free(g->model.metadata_props);
    arena_free(g->arena);
    free(g);
}

const char *graph_name(struct graph *g, const char *fmt, ...)
{
    struct buf b = BUF_INIT(NAME_BYTES);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n > 0 && buf_reserve(&b, (size_t)n)) {
        va_start(ap, fmt);
        (void)vsnprintf(b.ptr, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    const char *ret = copy(g, b.ptr);
    buf_free(&b);
    return ret;
}

void *graph_room(struct graph *g, size_t n, size_t size)
{
    g->rooms = mem_grow(g->rooms, g->n_rooms, &g->cap_rooms, sizeof(void *));
    void *room = mem_try(n, size);
    if (room)
        g->rooms[g->n_rooms++] = room;
    return room;
}

/* ---- constants
 * ------------------------------------------------------------------------ */

static size_t size_of(enum graph_type t)
{
    return t == GRAPH_FLOAT   ? sizeof(float)
           : t == GRAPH_INT64 ? sizeof(int64_t)
                              : 1;
}

const char *graph_tensor(struct graph *g, const char *name, enum graph_type t,
                         const size_t *dims, int n_dims, const void *data)
{
    Onnx__TensorProto *x = ARENA_NEW(g->arena, Onnx__TensorProto);
    size_t n = 1;
    onnx__tensor_proto__init(x);
    x->name = copy(g, name);
    x->has_data_type = 1;
    x->data_type = (int32_t)t;
    x->n_dims = (size_t)n_dims;
    x->dims = ARENA_ARRAY(g->arena, int64_t, x->n_dims + 1);
    for (int i = 0; i < n_dims; i++) {
        x->dims[i] = (int64_t)dims[i];
        n *= dims[i];
    }
    x->has_raw_data = 1;
    x->raw_data.len = n * size_of(t);
    /* protobuf-c knows no const; packing only reads */
    memcpy(&x->raw_data.data, &data, sizeof(data));
    g->graph.initializer =
        mem_grow(g->graph.initializer, g->graph.n_initializer, &g->cap_tensors,
                 sizeof(Onnx__TensorProto *));
    g->graph.initializer[g->graph.n_initializer++] = x;
    return x->name;
}

const char *graph_real(struct graph *g, const char *name, float x)
{
    float *own = ARENA_NEW(g->arena, float);
    *own = x;
    return graph_tensor(g, name, GRAPH_FLOAT, NULL, 0, own);
}

const char *graph_whole(struct graph *g, const char *name, int64_t x)
{
    int64_t *own = ARENA_NEW(g->arena, int64_t);
    *own = x;
    return graph_tensor(g, name, GRAPH_INT64, NULL, 0, own);
}

const char *graph_wholes(struct graph *g, const char *name, const int64_t *x,
                         size_t n)
{
    int64_t *own = ARENA_ARRAY(g->arena, int64_t, n);
    memcpy(own, x, n * sizeof(*own));
    return graph_tensor(g, name, GRAPH_INT64, &n, 1, own);
}

/* ---- nodes
 * ------------------------------------------------------------------------ */

enum { OUTPUTS_MAX = 4, ATTRIBUTES_MAX = 4 };

const char *graph_node(struct graph *g, const char *op, const char *out,
                       const char *const *inputs)
{
    Onnx__NodeProto *x = ARENA_NEW(g->arena, Onnx__NodeProto);
    onnx__node_proto__init(x);
    while (inputs[x->n_input])
        x->n_input++;
    x->input = ARENA_ARRAY(g->arena, char *, x->n_input + 1);
    for (size_t i = 0; i < x->n_input; i++)
        x->input[i] = copy(g, inputs[i]);
    x->op_type = copy(g, op);
    x->name = copy(g, out);
    x->output = ARENA_ARRAY(g->arena, char *, OUTPUTS_MAX);
    x->attribute =
        ARENA_ARRAY(g->arena, Onnx__AttributeProto *, ATTRIBUTES_MAX);
    g->graph.node = mem_grow(g->graph.node, g->graph.n_node, &g->cap_nodes,
                             sizeof(Onnx__NodeProto *));
    g->graph.node[g->graph.n_node++] = x;
    return graph_also(g, out);
}

static Onnx__NodeProto *last_node(const struct graph *g)
{
    return g->graph.node[g->graph.n_node - 1];
}

const char *graph_also(struct graph *g, const char *out)
{
    Onnx__NodeProto *x = last_node(g);
    if (x->n_output == OUTPUTS_MAX)
        bug("node %s has too many outputs", x->name);
    return x->output[x->n_output++] = copy(g, out);
}

static Onnx__AttributeProto *
add_attribute(struct graph *g, const char *name,
              Onnx__AttributeProto__AttributeType type)
{
    Onnx__NodeProto *x = last_node(g);
    Onnx__AttributeProto *a = ARENA_NEW(g->arena, Onnx__AttributeProto);
    if (x->n_attribute == ATTRIBUTES_MAX)
        bug("node %s has too many attributes", x->name);
    onnx__attribute_proto__init(a);
    a->name = copy(g, name);
    a->has_type = 1;
    a->type = type;
    x->attribute[x->n_attribute++] = a;
    return a;
}

void graph_set(struct graph *g, const char *attribute, int64_t x)
{
    Onnx__AttributeProto *a =
        add_attribute(g, attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    a->has_i = 1;
    a->i = x;
}

void graph_set_real(struct graph *g, const char *attribute, float x)
{
    Onnx__AttributeProto *a = add_attribute(
        g, attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    a->has_f = 1;
    a->f = x;
}

void graph_set_list(struct graph *g, const char *attribute, const int64_t *x,
                    size_t n)
{
    Onnx__AttributeProto *a = add_attribute(
        g, attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    a->n_ints = n;
    a->ints = ARENA_ARRAY(g->arena, int64_t, n);
    memcpy(a->ints, x, n * sizeof(*x));
}

/* ---- the ends
 * ------------------------------------------------------------------------ */

static Onnx__TensorShapeProto *make_shape(struct graph *g,
                                          const struct graph_dim *dims, int n)
{
    Onnx__TensorShapeProto *s = ARENA_NEW(g->arena, Onnx__TensorShapeProto);
    onnx__tensor_shape_proto__init(s);
    s->n_dim = (size_t)n;
    s->dim = ARENA_ARRAY(g->arena, Onnx__TensorShapeProto__Dimension *,
                         s->n_dim + 1);
    for (int i = 0; i < n; i++) {
        Onnx__TensorShapeProto__Dimension *d =
            ARENA_NEW(g->arena, Onnx__TensorShapeProto__Dimension);
        onnx__tensor_shape_proto__dimension__init(d);
        if (dims[i].symbol) {
            d->value_case =
                ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            d->dim_param = copy(g, dims[i].symbol);
        } else {
            d->value_case =
                ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            d->dim_value = (int64_t)dims[i].n;
        }
        s->dim[i] = d;
    }
    return s;
}

static Onnx__ValueInfoProto *make_value(struct graph *g, const char *name,
                                        enum graph_type t,
                                        const struct graph_dim *dims, int n)
{
    Onnx__ValueInfoProto *v = ARENA_NEW(g->arena, Onnx__ValueInfoProto);
    Onnx__TypeProto *type = ARENA_NEW(g->arena, Onnx__TypeProto);
    Onnx__TypeProto__Tensor *x = ARENA_NEW(g->arena, Onnx__TypeProto__Tensor);
    onnx__value_info_proto__init(v);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(x);
    x->has_elem_type = 1;
    x->elem_type = (int32_t)t;
    x->shape = make_shape(g, dims, n);
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = x;
    v->name = copy(g, name);
    v->type = type;
    return v;
}

void graph_input(struct graph *g, const char *name, enum graph_type t,
                 const struct graph_dim *dims, int n_dims)
{
    g->graph.input = mem_grow(g->graph.input, g->graph.n_input, &g->cap_inputs,
                              sizeof(Onnx__ValueInfoProto *));
    g->graph.input[g->graph.n_input++] = make_value(g, name, t, dims, n_dims);
}

void graph_output(struct graph *g, const char *name, enum graph_type t,
                  const struct graph_dim *dims, int n_dims)
{
    g->graph.output = mem_grow(g->graph.output, g->graph.n_output,
                               &g->cap_outputs, sizeof(Onnx__ValueInfoProto *));
    g->graph.output[g->graph.n_output++] = make_value(g, name, t, dims, n_dims);
}

void graph_note(struct graph *g, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *x =
        ARENA_NEW(g->arena, Onnx__StringStringEntryProto);
    onnx__string_string_entry_proto__init(x);
    x->key = copy(g, key);
    x->value = copy(g, value);
    g->model.metadata_props =
        mem_grow(g->model.metadata_props, g->model.n_metadata_props,
                 &g->cap_notes, sizeof(Onnx__StringStringEntryProto *));
    g->model.metadata_props[g->model.n_metadata_props++] = x;
}

size_t graph_nodes(const struct graph *g)
{
    return g->graph.n_node;
}

size_t graph_outputs(const struct graph *g)
{
    return g->graph.n_output;
}

const char *graph_output_name(const struct graph *g, size_t i)
{
    return g->graph.output[i]->name;
}

/* ---- writing
 * ------------------------------------------------------------------------ */

/* What protobuf-c packs, straight into a stream; its errors show at the end. */
struct stream {
    ProtobufCBuffer base;
    FILE *to;
    size_t bytes;
};

static void append(ProtobufCBuffer *buffer, size_t n, const uint8_t *bytes)
{
    struct stream *s = (struct stream *)buffer;
    s->bytes += fwrite(bytes, 1, n, s->to);
}

struct writing {
    const struct graph *g;
    size_t bytes;
};

static int put(void *ctx, FILE *to, struct err *e)
{
    struct writing *w = ctx;
    struct stream s = {.base = {append}, .to = to};
    (void)onnx__model_proto__pack_to_buffer(&w->g->model, &s.base);
    w->bytes = s.bytes;
    return ferror(to) ? err_errno(e, OTK_EIO, "write the model") : OTK_OK;
}

int graph_write(const struct graph *g, const char *path, size_t *ret_bytes,
                struct err *e)
{
    enum { MODE = 0644 };
    struct writing w = {.g = g};
    int r = file_write_stream(path, put, &w, MODE, e);
    *ret_bytes = w.bytes;
    return r;
}

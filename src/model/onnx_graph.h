/*
 * model/onnx_graph.h - a graph of ONNX, put together node by node
 *
 * ONNX (github.com/onnx/onnx, docs/IR.md) is protobuf: a model holds a graph,
 * a graph holds nodes that name their inputs and outputs, and tensors of
 * constants. Here a graph of opset 17 is built and written; names are given by
 * the caller, and each node is called as its first output.
 *
 * Ownership: the graph copies names and small values; what graph_tensor() is
 * given stays the caller's until graph_free(). One thread.
 */
#ifndef OTK_MODEL_ONNX_GRAPH_H
#define OTK_MODEL_ONNX_GRAPH_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct graph;

enum { GRAPH_OPSET = 17, GRAPH_DIMS_MAX = 4 };

/* TensorProto.DataType of onnx.proto. */
enum graph_type {
    GRAPH_FLOAT = 1,
    GRAPH_INT8 = 3,
    GRAPH_INT64 = 7,
    GRAPH_BOOL = 9,
};

struct graph *graph_new(const char *name);
void graph_free(struct graph *g); /* NULL is fine */

/* A text that lives as long as the graph. */
const char *graph_name(struct graph *g, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Memory that lives as long; NULL: there is none. */
void *graph_room(struct graph *g, size_t n, size_t size);

/* ---- constants; each returns its name ---- */

/* `data`: little-endian values, row by row, not copied. */
const char *graph_tensor(struct graph *g, const char *name, enum graph_type t,
                         const size_t *dims, int n_dims, const void *data);
const char *graph_real(struct graph *g, const char *name, float x);
const char *graph_whole(struct graph *g, const char *name, int64_t x);
/* The same as a list of `n`. */
const char *graph_wholes(struct graph *g, const char *name, const int64_t *x,
                         size_t n);

/* ---- nodes ---- */

/* `inputs` ends with NULL; returns the output's name. */
const char *graph_node(struct graph *g, const char *op, const char *out,
                       const char *const *inputs);
#define GRAPH_NODE(g, op, out, ...)                                            \
    graph_node((g), (op), (out), (const char *const[]){__VA_ARGS__, NULL})
/* Of the node that came last: one more output, attributes. */
const char *graph_also(struct graph *g, const char *out);
void graph_set(struct graph *g, const char *attribute, int64_t x);
void graph_set_real(struct graph *g, const char *attribute, float x);
void graph_set_list(struct graph *g, const char *attribute, const int64_t *x,
                    size_t n);

/* ---- the ends, and what is said about the whole ---- */

struct graph_dim {
    const char *symbol; /* "batch"; NULL: the number */
    size_t n;
};
void graph_input(struct graph *g, const char *name, enum graph_type t,
                 const struct graph_dim *dims, int n_dims);
void graph_output(struct graph *g, const char *name, enum graph_type t,
                  const struct graph_dim *dims, int n_dims);
void graph_note(struct graph *g, const char *key, const char *value);

size_t graph_nodes(const struct graph *g);
size_t graph_outputs(const struct graph *g);
const char *graph_output_name(const struct graph *g, size_t i);

/*
 * Write it by a temporary file; large tensors go from where they lie to the
 * disk. `ret_bytes`: how large the file is. OTK_EIO.
 */
int graph_write(const struct graph *g, const char *path, size_t *ret_bytes,
                struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of an encoder, as model/encoder.c computes them. */
#include <math.h>
#include <stdint.h>

#include "base/err.h"
#include "model/config.h"
#include "model/onnx_graph.h"
#include "model/onnx_private.h"
#include "model/weight.h"

/* Added to the score of a place that is padding; exp() of it is zero. */
static const float UNSEEN = -1e9F;

size_t onnx_encoder_bytes(const struct model_config *c, bool int8)
{
    size_t cell = int8 ? 1 : sizeof(float);
    size_t products = 4 * c->hidden * c->hidden + 2 * c->hidden * c->inner;
    size_t rows = (9 * c->hidden + c->inner) * sizeof(float);
    if (int8) /* scales and zeros */
        rows += (5 * c->hidden + c->inner) * (sizeof(float) + 1);
    return c->vocab * c->hidden * cell + (int8 ? c->vocab * sizeof(float) : 0) +
           (c->max_tokens + 2) * c->hidden * sizeof(float) +
           c->layers * (products * cell + rows);
}

/* ---- norms and bends
 * ------------------------------------------------------------------------ */

static int put_norm(const struct onnx_plan *p, enum weight_role role,
                    size_t layer, const char *x, const char *name,
                    struct err *e)
{
    const struct weight *w, *b;
    const char *gain = graph_name(p->g, "%s.weight", name);
    const char *bias = graph_name(p->g, "%s.bias", name);
    int r = names_find(&p->names, role, layer, &w, e);
    if (!r)
        r = names_find(&p->names, role + 1, layer, &b, e);
    if (!r)
        r = onnx_floats(p, w, 0, w->dims[0], gain, e);
    if (!r)
        r = onnx_floats(p, b, 0, b->dims[0], bias, e);
    if (r)
        return r;
    (void)GRAPH_NODE(p->g, "LayerNormalization", name, x, gain, bias);
    graph_set(p->g, "axis", -1);
    graph_set_real(p->g, "epsilon", (float)p->config->layer_norm_eps);
    return OTK_OK;
}

/* Of constants that all layers share. */
static void put_constants(const struct onnx_plan *p)
{
    struct graph *g = p->g;
    size_t width = p->config->hidden / p->config->heads;
    const int64_t apart[] = {0, 0, (int64_t)p->config->heads, (int64_t)width};
    const int64_t together[] = {0, 0, (int64_t)p->config->hidden};
    (void)graph_wholes(g, "heads_apart", apart, 4);
    (void)graph_wholes(g, "heads_together", together, 3);
    (void)graph_real(g, "attention_scale", (float)(1 / sqrt((double)width)));
    if (p->config->activation == ACTIVATION_RELU)
        return;
    (void)graph_real(g, "one", 1);
    (void)graph_real(g, "half", 0.5F);
    if (p->config->activation == ACTIVATION_GELU) {
        (void)graph_real(g, "sqrt_2", (float)M_SQRT2);
    } else {
        (void)graph_real(g, "sqrt_2_by_pi", (float)sqrt(M_2_PI));
        (void)graph_real(g, "gelu_cubic", 0.044715F);
        (void)graph_real(g, "three", 3);
    }
}

/* Hendrycks and Gimpel 2016, by the error function or by tanh. */
static const char *put_activation(const struct onnx_plan *p, const char *x,
                                  const char *name)
{
    struct graph *g = p->g;
    if (p->config->activation == ACTIVATION_RELU)
        return GRAPH_NODE(g, "Relu", name, x);
    const char *y;
    if (p->config->activation == ACTIVATION_GELU) {
        y = GRAPH_NODE(g, "Div", graph_name(g, "%s.div", name), x, "sqrt_2");
        y = GRAPH_NODE(g, "Erf", graph_name(g, "%s.erf", name), y);
    } else {
        y = GRAPH_NODE(g, "Pow", graph_name(g, "%s.pow", name), x, "three");
        y = GRAPH_NODE(g, "Mul", graph_name(g, "%s.cubic", name), y,
                       "gelu_cubic");
        y = GRAPH_NODE(g, "Add", graph_name(g, "%s.sum", name), x, y);
        y = GRAPH_NODE(g, "Mul", graph_name(g, "%s.arg", name), y,
                       "sqrt_2_by_pi");
        y = GRAPH_NODE(g, "Tanh", graph_name(g, "%s.tanh", name), y);
    }
    y = GRAPH_NODE(g, "Add", graph_name(g, "%s.plus", name), y, "one");
    y = GRAPH_NODE(g, "Mul", graph_name(g, "%s.mul", name), x, y);
    return GRAPH_NODE(g, "Mul", name, y, "half");
}

/* ---- embeddings
 * ------------------------------------------------------------------------ */

/* Positions from the family's first one on, with the vector of type 0 added:
 * every token is of it. */
static int put_places(const struct onnx_plan *p, const char *name,
                      struct err *e)
{
    const struct model_config *c = p->config;
    const struct weight *w, *types;
    const size_t dims[] = {c->max_tokens, c->hidden};
    int r = names_find(&p->names, ROLE_POSITIONS, 0, &w, e);
    if (r || c->type_vocab == 0)
        return r ? r
                 : onnx_floats(p, w, c->position_offset, c->max_tokens, name,
                               e);
    float *rows =
        graph_room(p->g, (c->max_tokens + 1) * c->hidden, sizeof(*rows));
    if (!rows)
        return err_set(e, OTK_ELIMIT, "no memory for %zu positions",
                       c->max_tokens);
    float *type = rows + c->max_tokens * c->hidden;
    r = weight_read_rows(w, c->position_offset, c->max_tokens, rows, e);
    if (!r)
        r = names_find(&p->names, ROLE_TYPES, 0, &types, e);
    if (!r)
        r = weight_read_rows(types, 0, 1, type, e);
    for (size_t i = 0; !r && i < c->max_tokens * c->hidden; i++)
        rows[i] += type[i % c->hidden];
    if (!r)
        (void)graph_tensor(p->g, name, GRAPH_FLOAT, dims, 2, rows);
    return r;
}

/* A token's place: how many tokens there are before it. Padding in front of
 * the first takes place 0, and nobody sees it. */
static const char *put_position_ids(struct graph *g)
{
    const char *axis = graph_whole(g, "axis_length", 1);
    const char *one = graph_whole(g, "one_token", 1);
    const char *x =
        GRAPH_NODE(g, "CumSum", "tokens_so_far", "attention_mask", axis);
    x = GRAPH_NODE(g, "Max", "tokens_at_least", x, one);
    return GRAPH_NODE(g, "Sub", "position_ids", x, one);
}

static int put_embeddings(const struct onnx_plan *p, struct err *e)
{
    struct graph *g = p->g;
    const struct weight *words;
    const char *table = "embeddings.words.weight";
    const char *places = "embeddings.positions.weight";
    const char *x = "embeddings.words";
    int r = names_find(&p->names, ROLE_WORDS, 0, &words, e);
    if (!r && p->int8)
        r = onnx_gather_int8(p, words, "input_ids", x, e);
    else if (!r && !(r = onnx_floats(p, words, 0, words->dims[0], table, e)))
        x = GRAPH_NODE(g, "Gather", x, table, "input_ids");
    if (!r)
        r = put_places(p, places, e);
    if (r)
        return r;
    const char *at = put_position_ids(g);
    at = GRAPH_NODE(g, "Gather", "embeddings.positions", places, at);
    x = GRAPH_NODE(g, "Add", "embeddings.sum", x, at);
    return put_norm(p, ROLE_EMBEDDING_NORM, 0, x, "embeddings", e);
}

/* [batch, 1, 1, length]: 0 for tokens, UNSEEN for padding. */
static void put_mask(struct graph *g)
{
    static const int64_t middle[] = {1, 2};
    const char *axes = graph_wholes(g, "mask_axes", middle, 2);
    const char *seen = graph_real(g, "seen", 0);
    const char *unseen = graph_real(g, "unseen", UNSEEN);
    const char *x = GRAPH_NODE(g, "Cast", "mask_bool", "attention_mask");
    graph_set(g, "to", GRAPH_BOOL);
    x = GRAPH_NODE(g, "Unsqueeze", "mask_wide", x, axes);
    (void)GRAPH_NODE(g, "Where", "attention_bias", x, seen, unseen);
}

/* ---- a layer
 * ------------------------------------------------------------------------ */

static const char *part_heads(struct graph *g, const char *x, const char *name,
                              bool turned)
{
    static const int64_t rows[] = {0, 2, 1, 3};
    static const int64_t columns[] = {0, 2, 3, 1};
    x = GRAPH_NODE(g, "Reshape", graph_name(g, "%s.apart", name), x,
                   "heads_apart");
    x = GRAPH_NODE(g, "Transpose", graph_name(g, "%s.heads", name), x);
    graph_set_list(g, "perm", turned ? columns : rows, 4);
    return x;
}

/* Vaswani et al. 2017, from query, key and value side by side. */
static const char *put_attention(const struct onnx_plan *p, const char *qkv,
                                 const char *at)
{
    static const int64_t back[] = {0, 2, 1, 3};
    struct graph *g = p->g;
    const char *q = GRAPH_NODE(g, "Split", graph_name(g, "%s.query", at), qkv);
    const char *k = graph_also(g, graph_name(g, "%s.key", at));
    const char *v = graph_also(g, graph_name(g, "%s.value", at));
    graph_set(g, "axis", 2);
    q = part_heads(g, q, q, false);
    k = part_heads(g, k, k, true);
    v = part_heads(g, v, v, false);
    const char *x =
        GRAPH_NODE(g, "MatMul", graph_name(g, "%s.product", at), q, k);
    x = GRAPH_NODE(g, "Mul", graph_name(g, "%s.scaled", at), x,
                   "attention_scale");
    x = GRAPH_NODE(g, "Add", graph_name(g, "%s.masked", at), x,
                   "attention_bias");
    x = GRAPH_NODE(g, "Softmax", graph_name(g, "%s.share", at), x);
    graph_set(g, "axis", -1);
    x = GRAPH_NODE(g, "MatMul", graph_name(g, "%s.seen", at), x, v);
    x = GRAPH_NODE(g, "Transpose", graph_name(g, "%s.back", at), x);
    graph_set_list(g, "perm", back, 4);
    return GRAPH_NODE(g, "Reshape", graph_name(g, "%s.together", at), x,
                      "heads_together");
}

/* `n` products side by side, the first of which has `role`. */
static int put_linear(const struct onnx_plan *p, enum weight_role role,
                      size_t n, size_t layer, const char *x, const char *name,
                      struct err *e)
{
    struct onnx_linear l;
    enum onnx_kind kind = !p->int8             ? ONNX_FLOAT
                          : role == ROLE_OUTER ? ONNX_INT8_WEIGHTS
                                               : ONNX_INT8;
    int r = onnx_linear_role(p, role, n, layer, kind, &l, e);
    return r ? r : onnx_linear(p, &l, x, name, e);
}

static int put_layer(const struct onnx_plan *p, size_t i, const char *x,
                     const char *out, struct err *e)
{
    struct graph *g = p->g;
    const char *at = graph_name(g, "layer.%zu.attention", i);
    const char *qkv = graph_name(g, "layer.%zu.qkv", i);
    const char *mixed = graph_name(g, "layer.%zu.attention.out", i);
    const char *middle = graph_name(g, "layer.%zu.attention.norm", i);
    const char *inner = graph_name(g, "layer.%zu.inner", i);
    const char *outer = graph_name(g, "layer.%zu.outer", i);
    const char *y;
    int r = put_linear(p, ROLE_QUERY, 3, i, x, qkv, e);
    if (!r)
        r = put_linear(p, ROLE_ATTENTION_OUT, 1, i, put_attention(p, qkv, at),
                       mixed, e);
    if (r)
        return r;
    y = GRAPH_NODE(g, "Add", graph_name(g, "%s.sum", mixed), mixed, x);
    r = put_norm(p, ROLE_ATTENTION_NORM, i, y, middle, e);
    if (!r)
        r = put_linear(p, ROLE_INNER, 1, i, middle, inner, e);
    if (r)
        return r;
    y = put_activation(p, inner, graph_name(g, "%s.bent", inner));
    r = put_linear(p, ROLE_OUTER, 1, i, y, outer, e);
    if (r)
        return r;
    y = GRAPH_NODE(g, "Add", graph_name(g, "%s.sum", outer), outer, middle);
    return put_norm(p, ROLE_LAYER_NORM, i, y, out, e);
}

int onnx_encoder(const struct onnx_plan *p, struct err *e)
{
    struct graph *g = p->g;
    const char *x = "embeddings";
    put_constants(p);
    int r = put_embeddings(p, e);
    put_mask(g);
    for (size_t i = 0; !r && i < p->config->layers; i++) {
        const char *out = i + 1 == p->config->layers
                              ? "last_hidden_state"
                              : graph_name(g, "layer.%zu", i);
        r = put_layer(p, i, x, out, e);
        x = out;
    }
    return r;
}

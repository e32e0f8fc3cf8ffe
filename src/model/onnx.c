/* SPDX-License-Identifier: Apache-2.0 */
#include "model/onnx.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "model/adapter.h"
#include "model/config.h"
#include "model/onnx_graph.h"
#include "model/onnx_private.h"
#include "model/parameters.h"
#include "model/pooling.h"
#include "model/weight.h"
#include "model/weights.h"

enum { PATH_BYTES = 4096, LABELS_BYTES = 16 << 20 };

struct export
{
    struct onnx_plan plan;
    struct model_config config;
    struct pooling pooling;
    struct weights *weights;
    struct arena *arena;
    struct onnx_head heads[HEADS_MAX];
    size_t n_heads;
    size_t classes[HEADS_MAX];
    bool labels;
};

static const struct graph_dim batch = {"batch", 0}, length = {"length", 0};

static void put_output(struct export *x, const char *name, size_t columns)
{
    const struct graph_dim dims[] = {batch, {NULL, columns}};
    graph_output(x->plan.g, name, GRAPH_FLOAT, dims, 2);
}

/* ---- the heads of a fine-tuned model
 * ------------------------------------------------------------------------ */

static const struct weight *head_weight(const struct export *x,
                                        const char *task, bool bias)
{
    char name[WEIGHT_NAME_MAX + 1];
    (void)snprintf(name, sizeof(name), "heads.%s.%s", task,
                   bias ? "bias" : "weight");
    return weights_find(x->weights, str_from(name));
}

/* Those that the files hold, when nobody says which. */
static int find_heads(struct export *x, struct err *e)
{
    for (size_t i = 0; i < weights_len(x->weights); i++) {
        const struct weight *w = weights_at(x->weights, i);
        const size_t front = sizeof("heads.") - 1;
        const size_t ends = front + sizeof(".weight") - 1;
        if (!str_starts(w->name, "heads.") || !str_ends(w->name, ".weight") ||
            w->name.n <= ends)
            continue;
        if (x->n_heads == HEADS_MAX)
            return err_set(e, OTK_ELIMIT, "%s: more than %d heads", w->file,
                           HEADS_MAX);
        x->heads[x->n_heads++] = (struct onnx_head){
            .name =
                arena_copy(x->arena, str_sub(w->name, front, w->name.n - ends)),
            .temperature = 1,
        };
    }
    return OTK_OK;
}

static int check_head(struct export *x, size_t i, struct err *e)
{
    const struct onnx_head *h = &x->heads[i];
    const struct weight *w = head_weight(x, h->name, false);
    const struct weight *b = head_weight(x, h->name, true);
    size_t hidden = x->config.hidden;
    if (!w || !b)
        return err_set(e, OTK_EFORMAT, "%s: tensor 'heads.%s.%s' is missing",
                       weights_folder(x->weights), h->name,
                       w ? "bias" : "weight");
    size_t want = h->labels ? h->n_labels + h->has_none : w->dims[0];
    if (w->n_dims != 2 || b->n_dims != 1 || w->dims[0] != want ||
        w->dims[1] != hidden || b->dims[0] != want)
        return err_set(e, OTK_EFORMAT,
                       "%s: the head '%s' must be of %zu classes × %zu",
                       weights_folder(x->weights), h->name, want, hidden);
    x->classes[i] = want;
    return OTK_OK;
}

static int take_heads(struct export *x, const struct onnx_options *o,
                      struct err *e)
{
    int r = OTK_OK;
    if (o->n_heads > HEADS_MAX)
        return err_set(e, OTK_EINVAL, "%zu heads; %d are possible", o->n_heads,
                       HEADS_MAX);
    if (!o->heads)
        r = find_heads(x, e);
    for (size_t i = 0; o->heads && i < o->n_heads; i++)
        x->heads[x->n_heads++] = o->heads[i];
    for (size_t i = 0; !r && i < x->n_heads; i++)
        r = check_head(x, i, e);
    return r;
}

static int put_head(struct export *x, size_t i, const char *pooled,
                    struct err *e)
{
    struct graph *g = x->plan.g;
    const struct onnx_head *h = &x->heads[i];
    const struct onnx_linear l = {
        .weights = {head_weight(x, h->name, false)},
        .biases = {head_weight(x, h->name, true)},
        .n = 1,
        .outs = x->classes[i],
        .in = x->config.hidden,
    };
    const char *scores = graph_name(g, "scores_%s", h->name);
    int r = onnx_linear(&x->plan, &l, pooled, scores, e);
    if (r)
        return r;
    const char *by = graph_real(g, graph_name(g, "temperature_%s", h->name),
                                (float)h->temperature);
    const char *y =
        GRAPH_NODE(g, "Mul", graph_name(g, "surer_%s", h->name), scores, by);
    y = GRAPH_NODE(g, "Softmax", graph_name(g, "probabilities_%s", h->name), y);
    graph_set(g, "axis", -1);
    put_output(x, scores, l.outs);
    put_output(x, y, l.outs);
    return OTK_OK;
}

/* ---- what stands on the encoder
 * ------------------------------------------------------------------------ */

static const char *put_first(struct graph *g, const char *name)
{
    const char *at = graph_whole(g, graph_name(g, "%s.at", name), 0);
    const char *y = GRAPH_NODE(g, "Gather", name, "last_hidden_state", at);
    graph_set(g, "axis", 1);
    return y;
}

static const char *put_mean(struct graph *g, const char *name)
{
    static const int64_t along = 1;
    static const int64_t behind = 2;
    const char *over = graph_wholes(g, "mean_axes", &along, 1);
    const char *wide = graph_wholes(g, "mask_columns", &behind, 1);
    const char *least = graph_real(g, "mean_of_none", 1);
    const char *mask = GRAPH_NODE(g, "Cast", "mask_float", "attention_mask");
    graph_set(g, "to", GRAPH_FLOAT);
    const char *rows = GRAPH_NODE(g, "Unsqueeze", "mask_rows", mask, wide);
    rows = GRAPH_NODE(g, "Mul", "tokens", "last_hidden_state", rows);
    const char *sum = GRAPH_NODE(g, "ReduceSum", "tokens_sum", rows, over);
    graph_set(g, "keepdims", 0);
    const char *n = GRAPH_NODE(g, "ReduceSum", "tokens_number", mask, over);
    graph_set(g, "keepdims", 1);
    n = GRAPH_NODE(g, "Max", "tokens_divisor", n, least);
    return GRAPH_NODE(g, "Div", name, sum, n);
}

/* The vector that heads see; it is the embedding too, or one with a length of
 * one is made of it. */
static const char *put_embedding(const struct export *x)
{
    static const int64_t columns = 1;
    struct graph *g = x->plan.g;
    bool normalize = x->pooling.normalize;
    const char *name = normalize ? "pooled" : "embedding";
    const char *pooled = x->pooling.kind == POOLING_MEAN ? put_mean(g, name)
                                                         : put_first(g, name);
    if (normalize) {
        const char *least = graph_real(g, "least_length", 1e-12F);
        const char *by = GRAPH_NODE(g, "ReduceL2", "pooled_length", pooled);
        graph_set_list(g, "axes", &columns, 1);
        graph_set(g, "keepdims", 1);
        by = GRAPH_NODE(g, "Max", "pooled_divisor", by, least);
        (void)GRAPH_NODE(g, "Div", "embedding", pooled, by);
    }
    return pooled;
}

static int put_logits(struct export *x, struct err *e)
{
    struct graph *g = x->plan.g;
    bool relu = x->config.family == MODEL_DISTILBERT;
    struct onnx_linear head, labels;
    int r = onnx_linear_role(&x->plan, ROLE_HEAD, 1, 0, ONNX_FLOAT, &head, e);
    if (!r)
        r = onnx_linear_role(&x->plan, ROLE_LABELS, 1, 0, ONNX_FLOAT, &labels,
                             e);
    if (!r)
        r = onnx_linear(&x->plan, &head, put_first(g, "first_token"), "head",
                        e);
    if (r)
        return r;
    const char *y = GRAPH_NODE(g, relu ? "Relu" : "Tanh", "head.bent", "head");
    r = onnx_linear(&x->plan, &labels, y, "logits", e);
    if (!r)
        put_output(x, "logits", labels.outs);
    return r;
}

/* ---- what the file says of itself
 * ------------------------------------------------------------------------ */

static void note_labels(struct export *x, const char *key,
                        const char *const *labels, size_t n, bool none)
{
    struct buf b = BUF_INIT(LABELS_BYTES);
    buf_putc(&b, '[');
    for (size_t i = 0; i < n; i++) {
        buf_puts(&b, i ? "," : "");
        json_put_text(&b, str_from(labels[i]));
    }
    buf_puts(&b, none ? ",null]" : "]");
    graph_note(x->plan.g, key, b.ptr);
    buf_free(&b);
}

static void put_notes(struct export *x, const char *folder,
                      const struct onnx_options *o)
{
    static const char *const tokenizers[] = {"tokenizer.json", "vocab.txt"};
    struct graph *g = x->plan.g;
    char path[PATH_BYTES];
    graph_note(g, "otklik.family", model_family_name(x->config.family));
    graph_note(g, "otklik.precision", o->int8 ? "int8" : "f32");
    graph_note(g, "otklik.max_tokens",
               graph_name(g, "%zu", x->pooling.max_tokens));
    graph_note(g, "otklik.pad_id", graph_name(g, "%zu", x->config.pad_id));
    graph_note(g, "otklik.pooling",
               x->pooling.kind == POOLING_MEAN ? "mean" : "cls");
    graph_note(g, "otklik.normalized", x->pooling.normalize ? "true" : "false");
    for (size_t i = 0; i < sizeof(tokenizers) / sizeof(*tokenizers); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, tokenizers[i]);
        if (file_exists(path)) {
            graph_note(g, "otklik.tokenizer", tokenizers[i]);
            break;
        }
    }
    if (o->version)
        graph_note(g, "otklik.version", o->version);
    if (x->labels)
        note_labels(x, "otklik.labels", x->config.labels, x->config.n_labels,
                    false);
    for (size_t i = 0; i < x->n_heads; i++) {
        const struct onnx_head *h = &x->heads[i];
        if (h->labels)
            note_labels(x, graph_name(g, "otklik.labels.%s", h->name),
                        h->labels, h->n_labels, h->has_none);
    }
}

/* ---- the whole
 * ------------------------------------------------------------------------ */

static int read_folder(struct export *x, const char *folder,
                       const struct onnx_options *o, struct err *e)
{
    int r = model_config_read(folder, x->arena, &x->config, e);
    if (r)
        return r;
    size_t bytes = onnx_encoder_bytes(&x->config, o->int8);
    if (bytes > ONNX_BYTES_MAX)
        return err_set(
            e, OTK_ELIMIT, "%s: the file would have %.1f GB, %.1f at most%s",
            folder, (double)bytes / 1e9, (double)ONNX_BYTES_MAX / 1e9,
            o->int8 ? "" : ": with --int8 it has a quarter");
    r = weights_open(folder, &x->weights, e);
    if (!r)
        r = names_init(&x->plan.names, x->weights, &x->config, e);
    if (!r) {
        x->labels = names_has_labels(&x->plan.names);
        r = names_check(&x->plan.names, x->labels, e);
    }
    if (!r && adapter_is_in(folder))
        r = adapter_merge(folder, &x->plan.names, x->weights, e);
    if (!r)
        r = pooling_read(folder, &x->config, &x->pooling, e);
    return r ? r : take_heads(x, o, e);
}

static int build(struct export *x, struct err *e)
{
    struct graph *g = x->plan.g;
    const struct graph_dim tokens[] = {batch, length};
    const struct graph_dim states[] = {batch, length, {NULL, x->config.hidden}};
    graph_input(g, "input_ids", GRAPH_INT64, tokens, 2);
    graph_input(g, "attention_mask", GRAPH_INT64, tokens, 2);
    int r = onnx_encoder(&x->plan, e);
    if (r)
        return r;
    const char *pooled = put_embedding(x);
    graph_output(g, "last_hidden_state", GRAPH_FLOAT, states, 3);
    put_output(x, "embedding", x->config.hidden);
    if (x->labels)
        r = put_logits(x, e);
    for (size_t i = 0; !r && i < x->n_heads; i++)
        r = put_head(x, i, pooled, e);
    return r;
}

static void fill_report(const struct export *x, struct onnx_report *ret)
{
    const struct graph *g = x->plan.g;
    ret->nodes = graph_nodes(g);
    ret->max_tokens = x->pooling.max_tokens;
    ret->n_outputs = graph_outputs(g);
    for (size_t i = 0; i < ret->n_outputs; i++)
        (void)snprintf(ret->outputs[i], ONNX_NAME_MAX, "%s",
                       graph_output_name(g, i));
}

int onnx_export(const char *folder, const struct onnx_options *o,
                const char *path, struct onnx_report *ret, struct err *e)
{
    struct export x = {.arena = arena_new()};
    *ret = (struct onnx_report){0};
    x.plan.config = &x.config;
    x.plan.int8 = o->int8;
    x.plan.g = graph_new("otklik");
    int r = read_folder(&x, folder, o, e);
    if (!r)
        r = build(&x, e);
    if (!r) {
        put_notes(&x, folder, o);
        r = graph_write(x.plan.g, path, &ret->bytes, e);
    }
    if (!r)
        fill_report(&x, ret);
    graph_free(x.plan.g);
    weights_close(x.weights);
    arena_free(x.arena);
    return r;
}

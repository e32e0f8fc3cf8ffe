/* SPDX-License-Identifier: Apache-2.0 */
/* What is written as ONNX, read again by protobuf-c. That the numbers are
 * right is for tests/interop/export.py, beside onnxruntime. */
#include <onnx.pb-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "model/onnx.h"
#include "model/onnx_graph.h"
#include "models.h"

enum { PATH_BYTES = 300, FILE_BYTES = 64 << 20 };

static void make(const char *family, const char *options,
                 char folder[PATH_BYTES])
{
    static int n;
    char name[16];
    (void)snprintf(name, sizeof(name), "%d", n++);
    models_make(family, options, name, folder);
}

static Onnx__ModelProto *read_model(const char *path)
{
    struct buf b = BUF_INIT(FILE_BYTES);
    struct err e = {0};
    if (file_read(path, &b, &e))
        fail_msg("%s", e.msg);
    Onnx__ModelProto *m =
        onnx__model_proto__unpack(NULL, b.len, (const uint8_t *)b.ptr);
    buf_free(&b);
    assert_non_null(m);
    return m;
}

static const Onnx__TensorProto *tensor(const Onnx__ModelProto *m,
                                       const char *name)
{
    for (size_t i = 0; i < m->graph->n_initializer; i++) {
        if (strcmp(m->graph->initializer[i]->name, name) == 0)
            return m->graph->initializer[i];
    }
    fail_msg("no tensor %s", name);
    return NULL;
}

static const char *note(const Onnx__ModelProto *m, const char *key)
{
    for (size_t i = 0; i < m->n_metadata_props; i++) {
        if (strcmp(m->metadata_props[i]->key, key) == 0)
            return m->metadata_props[i]->value;
    }
    return "";
}

static void is_shape(const Onnx__TensorProto *x, int type, int64_t rows,
                     int64_t columns)
{
    assert_int_equal(x->data_type, type);
    assert_int_equal(x->n_dims, columns ? 2 : 1);
    assert_int_equal(x->dims[0], rows);
    if (columns)
        assert_int_equal(x->dims[1], columns);
    size_t n = (size_t)(rows * (columns ? columns : 1));
    assert_int_equal(x->raw_data.len, n * (type == GRAPH_FLOAT ? 4 : 1));
}

static bool is_known(const Onnx__ModelProto *m, size_t nodes, const char *name)
{
    const Onnx__GraphProto *g = m->graph;
    for (size_t i = 0; i < g->n_input; i++) {
        if (strcmp(g->input[i]->name, name) == 0)
            return true;
    }
    for (size_t i = 0; i < g->n_initializer; i++) {
        if (strcmp(g->initializer[i]->name, name) == 0)
            return true;
    }
    for (size_t i = 0; i < nodes; i++) {
        for (size_t k = 0; k < g->node[i]->n_output; k++) {
            if (strcmp(g->node[i]->output[k], name) == 0)
                return true;
        }
    }
    return false;
}

/* Each node's inputs were made before it, and each output by some node. */
static void check_order(const Onnx__ModelProto *m)
{
    const Onnx__GraphProto *g = m->graph;
    for (size_t i = 0; i < g->n_node; i++) {
        for (size_t k = 0; k < g->node[i]->n_input; k++) {
            if (!is_known(m, i, g->node[i]->input[k]))
                fail_msg("node %s: no input %s", g->node[i]->name,
                         g->node[i]->input[k]);
        }
    }
    for (size_t i = 0; i < g->n_output; i++)
        assert_true(is_known(m, g->n_node, g->output[i]->name));
}

static void export(const char *folder, const struct onnx_options *o,
                   char path[PATH_BYTES], struct onnx_report *report)
{
    struct err e = {0};
    (void)snprintf(path, PATH_BYTES, "%s/model.onnx", models_top);
    if (onnx_export(folder, o, path, report, &e))
        fail_msg("%s %s", e.field, e.msg);
}

static void test_families(void **state)
{
    (void)state;
    static const struct {
        const char *name, *family;
        bool labels;
    } rows[] = {{"bert", "bert", true},
                {"distilbert", "distilbert", true},
                {"roberta", "roberta", true},
                {"xlm-roberta", "xlm-roberta", true},
                {"minilm", "bert", false}};
    for (size_t i = 0; i < 2 * ROWS(rows); i++) {
        bool int8 = i >= ROWS(rows);
        size_t at = i % ROWS(rows);
        char folder[PATH_BYTES], path[PATH_BYTES];
        struct onnx_report report;
        make(rows[at].name, "--hidden 32 --heads 4 --layers 2", folder);
        export(folder, &(struct onnx_options){.int8 = int8}, path, &report);
        Onnx__ModelProto *m = read_model(path);
        assert_int_equal(m->opset_import[0]->version, GRAPH_OPSET);
        assert_string_equal(m->producer_name, "otklik");
        assert_string_equal(note(m, "otklik.family"), rows[at].family);
        assert_string_equal(
            note(m, "otklik.labels"),
            rows[at].labels ? "[\"access\",\"network\",\"printing\"]" : "");
        const Onnx__GraphProto *g = m->graph;
        assert_int_equal(g->n_input, 2);
        assert_string_equal(g->input[0]->name, "input_ids");
        assert_string_equal(g->input[1]->name, "attention_mask");
        assert_int_equal(g->input[1]->type->tensor_type->elem_type,
                         GRAPH_INT64);
        assert_int_equal(g->n_output, rows[at].labels ? 3 : 2);
        assert_int_equal(report.n_outputs, g->n_output);
        assert_int_equal(report.nodes, g->n_node);
        assert_string_equal(g->output[0]->name, "last_hidden_state");
        assert_string_equal(g->output[1]->name, "embedding");
        assert_int_equal(
            g->output[1]->type->tensor_type->shape->dim[1]->dim_value, 32);
        if (int8) {
            is_shape(tensor(m, "layer.1.qkv.weight_int8"), GRAPH_INT8, 32, 96);
            is_shape(tensor(m, "layer.0.outer.weight_scale"), GRAPH_FLOAT, 32,
                     0);
        } else {
            is_shape(tensor(m, "layer.1.qkv.weight"), GRAPH_FLOAT, 32, 96);
            is_shape(tensor(m, "layer.0.inner.bias"), GRAPH_FLOAT, 128, 0);
        }
        is_shape(tensor(m, "embeddings.positions.weight"), GRAPH_FLOAT, 128,
                 32);
        check_order(m);
        onnx__model_proto__free_unpacked(m, NULL);
    }
}

static void test_whole_numbers(void **state)
{
    (void)state;
    char folder[PATH_BYTES], path[PATH_BYTES];
    struct onnx_report report;
    make("bert", "--hidden 32 --heads 4", folder);
    export(folder, &(struct onnx_options){.int8 = true}, path, &report);
    Onnx__ModelProto *m = read_model(path);
    const Onnx__TensorProto *w = tensor(m, "layer.0.inner.weight_int8");
    int top_of_all = 0;
    for (size_t i = 0; i < w->raw_data.len; i++) {
        int x = abs((int8_t)w->raw_data.data[i]);
        top_of_all = x > top_of_all ? x : top_of_all;
    }
    assert_int_equal(top_of_all, 64); /* 2 * 255 * 64 fits 16 bits */
    onnx__model_proto__free_unpacked(m, NULL);
}

static void test_errors(void **state)
{
    (void)state;
    char folder[PATH_BYTES], path[PATH_BYTES];
    struct onnx_report report;
    struct err e = {0};
    static const char *const labels[] = {"a", "b"};
    const struct onnx_head head = {"topic", labels, 2, false, 1};
    const struct onnx_options none = {0};
    const struct onnx_options heads = {.heads = &head, .n_heads = 1};
    (void)snprintf(path, sizeof(path), "%s/never.onnx", models_top);
    assert_int_equal(onnx_export("/nowhere", &none, path, &report, &e),
                     OTK_ENOENT);
    make("bert", "--hidden 32 --heads 4", folder);
    assert_int_equal(onnx_export(folder, &heads, path, &report, &e),
                     OTK_EFORMAT);
    assert_non_null(strstr(e.msg, "heads.topic.weight"));
    assert_int_equal(onnx_export(folder, &none, "/nowhere/a.onnx", &report, &e),
                     OTK_EIO);
    /* the limit is found before the weights are looked for */
    char config[2 * PATH_BYTES];
    (void)snprintf(config, sizeof(config), "%s/config.json", folder);
    assert_int_equal(
        file_write(config,
                   STR("{\"model_type\":\"xlm-roberta\",\"vocab_size\":250002,"
                       "\"hidden_size\":1024,\"num_hidden_layers\":24,"
                       "\"num_attention_heads\":16,\"intermediate_size\":4096,"
                       "\"max_position_embeddings\":514}"),
                   0644, &e),
        0);
    assert_int_equal(onnx_export(folder, &none, path, &report, &e), OTK_ELIMIT);
    assert_non_null(strstr(e.msg, "--int8"));
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, models_open, models_close);
}

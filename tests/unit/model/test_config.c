/* SPDX-License-Identifier: Apache-2.0 */
/* config.json and the files of sentence-transformers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "model/config.h"
#include "model/pooling.h"
#include "test.h"

static char top[] = "/tmp/otklik-config-XXXXXX";

enum { PATH_BYTES = 300 };

static void put(const char *name, const char *text)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s", top, name);
    assert_int_equal(file_write(path, str_from(text), 0644, NULL), 0);
}

static void drop(const char *name)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s", top, name);
    (void)remove(path);
}

static struct model_config parse(struct arena *a, const char *text)
{
    struct model_config c;
    struct err e = {0};
    if (model_config_parse(str_from(text), a, &c, &e))
        fail_msg("%s: %s: %s", text, e.field, e.msg);
    return c;
}

/* What transformers' configuration classes give when nothing is said. */
static void test_defaults(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum model_family family;
        size_t vocab, layers, types, pad, offset, tokens;
    } rows[] = {
        {"{\"model_type\":\"bert\"}", MODEL_BERT, 30522, 12, 2, 0, 0, 512},
        {"{\"model_type\":\"distilbert\"}", MODEL_DISTILBERT, 30522, 6, 0, 0, 0,
         512},
        {"{\"model_type\":\"roberta\"}", MODEL_ROBERTA, 50265, 12, 2, 1, 2,
         510},
        {"{\"model_type\":\"xlm-roberta\"}", MODEL_XLM_ROBERTA, 30522, 12, 2, 1,
         2, 510},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct model_config c = parse(a, rows[i].text);
        assert_int_equal(c.family, rows[i].family);
        assert_int_equal(c.vocab, rows[i].vocab);
        assert_int_equal(c.layers, rows[i].layers);
        assert_int_equal(c.type_vocab, rows[i].types);
        assert_int_equal(c.pad_id, rows[i].pad);
        assert_int_equal(c.position_offset, rows[i].offset);
        assert_int_equal(c.max_tokens, rows[i].tokens);
        assert_int_equal(c.hidden, 768);
        assert_int_equal(c.heads, 12);
        assert_int_equal(c.inner, 3072);
        assert_int_equal(c.activation, ACTIVATION_GELU);
        assert_int_equal(c.problem, PROBLEM_UNSAID);
        assert_int_equal(c.n_labels, 0);
        assert_true(c.layer_norm_eps == 1e-12);
    }
    arena_free(a);
}

static void test_fields(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct model_config c =
        parse(a, "{\"model_type\":\"xlm-roberta\",\"vocab_size\":250002,"
                 "\"hidden_size\":384,\"num_hidden_layers\":128,"
                 "\"num_attention_heads\":12,\"intermediate_size\":1536,"
                 "\"max_position_embeddings\":514,\"type_vocab_size\":1,"
                 "\"layer_norm_eps\":1e-05,\"hidden_act\":\"gelu_new\","
                 "\"problem_type\":\"multi_label_classification\","
                 "\"is_decoder\":false,\"pruned_heads\":{},"
                 "\"position_embedding_type\":\"absolute\","
                 "\"pad_token_id\":1,\"use_cache\":true,"
                 "\"id2label\":{\"1\":\"сеть\",\"0\":\"access\"}}");
    assert_int_equal(c.vocab, 250002);
    assert_int_equal(c.layers, 128);
    assert_int_equal(c.max_tokens, 512);
    assert_int_equal(c.type_vocab, 1);
    assert_true(c.layer_norm_eps == 1e-5);
    assert_int_equal(c.activation, ACTIVATION_GELU_NEW);
    assert_int_equal(c.problem, PROBLEM_MANY_LABELS);
    assert_int_equal(c.n_labels, 2);
    assert_string_equal(c.labels[0], "access");
    assert_string_equal(c.labels[1], "сеть");
    c = parse(a,
              "{\"model_type\":\"distilbert\",\"dim\":64,\"n_heads\":4,"
              "\"hidden_dim\":7,\"activation\":\"relu\",\"n_layers\":1,"
              "\"layer_norm_eps\":0.5,\"hidden_size\":9,\"id2label\":null,"
              "\"architectures\":[\"DistilBertForSequenceClassification\"]}");
    assert_int_equal(c.hidden, 64);
    assert_int_equal(c.inner, 7);
    assert_int_equal(c.activation, ACTIVATION_RELU);
    assert_true(c.layer_norm_eps == 1e-12);
    assert_int_equal(c.n_labels, 2);
    assert_string_equal(c.labels[1], "LABEL_1");
    c = parse(a, "{\"model_type\":\"bert\",\"num_labels\":1}");
    assert_int_equal(c.n_labels, 1);
    arena_free(a);
}

#define BERT(rest) "{\"model_type\":\"bert\"," rest "}"

static void test_lies(void **state)
{
    (void)state;
    static const struct {
        const char *text, *field, *why;
    } rows[] = {
        {"", "", "JSON"},
        {"[]", "model_type", "missing"},
        {"{}", "model_type", "missing"},
        {"{\"model_type\":7}", "model_type", "must be a string"},
        {"{\"model_type\":\"llama\"}", "model_type", "'llama' is not"},
        {"{\"model_type\":\"bert\",\"model_type\":\"bert\"}", "", "duplicate"},
        {BERT("\"x\":\"\xff\""), "", "JSON"},
        {BERT("\"vocab_size\":0"), "vocab_size", "between 1 and 2000000"},
        {BERT("\"vocab_size\":2000001"), "vocab_size", "between"},
        {BERT("\"vocab_size\":-5"), "vocab_size", "between"},
        {BERT("\"vocab_size\":\"5\""), "vocab_size", "whole number"},
        {BERT("\"vocab_size\":5.5"), "vocab_size", "whole number"},
        {BERT("\"vocab_size\":99999999999999999999"), "", "too big"},
        {BERT("\"hidden_size\":16385"), "hidden_size", "between"},
        {BERT("\"hidden_size\":100"), "num_attention_heads", "12 do not"},
        {"{\"model_type\":\"distilbert\",\"dim\":100}", "n_heads", "12 do not"},
        {BERT("\"num_hidden_layers\":129"), "num_hidden_layers", "between"},
        {BERT("\"num_hidden_layers\":0"), "num_hidden_layers", "between"},
        {BERT("\"num_attention_heads\":0"), "num_attention_heads", "between"},
        {BERT("\"intermediate_size\":0"), "intermediate_size", "between"},
        {BERT("\"max_position_embeddings\":0"), "max_position_embeddings",
         "between"},
        {"{\"model_type\":\"roberta\",\"max_position_embeddings\":2}",
         "max_position_embeddings", "begin at position 2"},
        {BERT("\"type_vocab_size\":0"), "type_vocab_size", "between"},
        {BERT("\"pad_token_id\":-1"), "pad_token_id", "between"},
        {BERT("\"pad_token_id\":30522"), "pad_token_id", "30522 tokens"},
        {BERT("\"layer_norm_eps\":0"), "layer_norm_eps", "above 0"},
        {BERT("\"layer_norm_eps\":\"1e-5\""), "layer_norm_eps", "above 0"},
        {BERT("\"layer_norm_eps\":1"), "layer_norm_eps", "at most 0.1"},
        {BERT("\"hidden_act\":\"swish\""), "hidden_act", "'swish'"},
        {"{\"model_type\":\"distilbert\",\"activation\":1}", "activation",
         "string"},
        {BERT("\"problem_type\":\"x\""), "problem_type", "'x'"},
        {BERT("\"position_embedding_type\":\"relative_key\""),
         "position_embedding_type", "'relative_key'"},
        {BERT("\"is_decoder\":true"), "is_decoder", "not supported"},
        {BERT("\"pruned_heads\":{\"0\":[1]}"), "pruned_heads", "not"},
        {BERT("\"quantization_config\":{\"bits\":8}"), "quantization_config",
         "save it as"},
        {BERT("\"auto_map\":{\"AutoModel\":\"x.Y\"}"), "auto_map", "not run"},
        {BERT("\"id2label\":[]"), "id2label", "must be an object"},
        {BERT("\"id2label\":{}"), "id2label", "must be an object"},
        {BERT("\"id2label\":{\"1\":\"a\"}"), "id2label", "0 to 0"},
        {BERT("\"id2label\":{\"0\":\"a\",\"2\":\"b\"}"), "id2label", "0 to 1"},
        {BERT("\"id2label\":{\"0\":\"a\",\"00\":\"b\"}"), "id2label", "once"},
        {BERT("\"id2label\":{\"-1\":\"a\"}"), "id2label", "0 to 0"},
        {BERT("\"id2label\":{\"x\":\"a\"}"), "id2label", "0 to 0"},
        {BERT("\"id2label\":{\"0\":1}"), "id2label", "must be a text"},
        {BERT("\"id2label\":{\"0\":\"\"}"), "id2label", "must be a text"},
        {BERT("\"num_labels\":-1"), "num_labels", "between"},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct model_config c;
        struct err e = {0};
        int r = model_config_parse(str_from(rows[i].text), a, &c, &e);
        if (r != OTK_EFORMAT || strcmp(e.field, rows[i].field) != 0 ||
            !strstr(e.msg, rows[i].why))
            fail_msg("%s: %d '%s' '%s'", rows[i].text, r, e.field, e.msg);
    }
    struct buf b = BUF_INIT(1 << 20);
    struct model_config c;
    buf_puts(&b, "{\"model_type\":\"bert\",\"id2label\":{\"0\":\"a\"");
    for (int i = 1; i <= MODEL_LABELS_MAX; i++)
        buf_printf(&b, ",\"%d\":\"l\"", i);
    buf_puts(&b, "}}");
    assert_int_equal(model_config_parse(buf_str(&b), a, &c, NULL), OTK_EFORMAT);
    buf_reset(&b);
    for (int i = 0; i < 1000; i++)
        buf_putc(&b, '[');
    assert_int_equal(model_config_parse(buf_str(&b), a, &c, NULL), OTK_ELIMIT);
    buf_free(&b);
    arena_free(a);
}

static void test_file(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct model_config c;
    struct err e = {0};
    assert_int_equal(model_config_read(top, a, &c, &e), OTK_ENOENT);
    assert_non_null(strstr(e.msg, "/config.json: No such file"));
    put("config.json", BERT("\"vocab_size\":0"));
    assert_int_equal(model_config_read(top, a, &c, &e), OTK_EFORMAT);
    assert_non_null(strstr(e.msg, "/config.json: vocab_size: must be"));
    put("config.json", BERT("\"vocab_size\":9"));
    assert_int_equal(model_config_read(top, a, &c, &e), 0);
    assert_int_equal(c.vocab, 9);
    arena_free(a);
}

/* ---- sentence-transformers
 * ------------------------------------------------------------------------ */

static const struct model_config mini = {.hidden = 384, .max_tokens = 512};

static struct pooling pool(void)
{
    struct pooling p;
    struct err e = {0};
    if (pooling_read(top, &mini, &p, &e))
        fail_msg("%s", e.msg);
    return p;
}

static void refuse(const char *file, const char *why)
{
    struct pooling p;
    struct err e = {0};
    int r = pooling_read(top, &mini, &p, &e);
    if (r != OTK_EFORMAT || !strstr(e.msg, file) || !strstr(e.msg, why))
        fail_msg("%d '%s', wanted %s: %s", r, e.msg, file, why);
}

#define STEP(kind, path) "{\"type\":\"a.b." kind "\",\"path\":\"" path "\"}"
#define STEPS            "[" STEP("Transformer", "") "," STEP("Pooling", "1_Pooling")

static void test_pooling(void **state)
{
    (void)state;
    struct pooling p = pool();
    assert_int_equal(p.kind, POOLING_MEAN);
    assert_false(p.normalize || p.lower_case);
    assert_int_equal(p.max_tokens, 512);
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/1_Pooling", top);
    assert_int_equal(file_make_dir(path, NULL), 0);
    put("1_Pooling/config.json", "{\"word_embedding_dimension\":384,"
                                 "\"pooling_mode_cls_token\":true,"
                                 "\"pooling_mode_mean_tokens\":false,"
                                 "\"pooling_mode_max_tokens\":false}");
    assert_int_equal(pool().kind, POOLING_CLS);
    put("modules.json", STEPS "," STEP("Normalize", "2_Normalize") "]");
    p = pool();
    assert_true(p.kind == POOLING_CLS && p.normalize);
    put("modules.json", STEPS "]");
    assert_false(pool().normalize);
    put("1_Pooling/config.json", "{\"embedding_dimension\":384,"
                                 "\"pooling_mode\":\"mean\"}");
    assert_int_equal(pool().kind, POOLING_MEAN);
    put("1_Pooling/config.json", "{\"pooling_mode\":\"cls\"}");
    assert_int_equal(pool().kind, POOLING_CLS);
    put("1_Pooling/config.json", "{\"pooling_mode_cls_token\":true}");
    assert_int_equal(pool().kind, POOLING_CLS);
    put("1_Pooling/config.json", "{\"pooling_mode_mean_tokens\":false}");
    assert_int_equal(pool().kind, POOLING_MEAN);
    put("sentence_bert_config.json",
        "{\"max_seq_length\":128,\"do_lower_case\":true}");
    p = pool();
    assert_true(p.max_tokens == 128 && p.lower_case);
    put("sentence_bert_config.json", "{\"max_seq_length\":null}");
    assert_int_equal(pool().max_tokens, 512);
    put("sentence_bert_config.json", "{\"max_seq_length\":9999}");
    assert_int_equal(pool().max_tokens, 512);
}

static void test_pooling_lies(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text, *why;
    } rows[] = {
        {"sentence_bert_config.json", "{\"max_seq_length\":0}", "between"},
        {"sentence_bert_config.json", "{\"do_lower_case\":1}", "true or"},
        {"sentence_bert_config.json", "x", "JSON"},
        {"1_Pooling/config.json", "{\"embedding_dimension\":768}", "is 768"},
        {"1_Pooling/config.json", "{\"word_embedding_dimension\":\"\"}",
         "whole number"},
        {"1_Pooling/config.json", "{\"pooling_mode\":\"max\"}", "supported"},
        {"1_Pooling/config.json", "{\"pooling_mode_mean_tokens\":1}",
         "true or"},
        {"1_Pooling/config.json", "{\"pooling_mode_lasttoken\":true}",
         "pooling_mode_lasttoken: only"},
        {"1_Pooling/config.json",
         "{\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":true}",
         "only"},
        {"1_Pooling/config.json", "{\"pooling_mode\":[\"cls\",\"mean\"]}",
         "must be a string"},
        {"modules.json", "{}", "a list"},
        {"modules.json", "[]", "a list"},
        {"modules.json", "[1]", "step 1: type: the field is missing"},
        {"modules.json", "[" STEP("Transformer", "0_T") "]", "step 1: "},
        {"modules.json", "[" STEP("CLIPModel", "") "]", "step 1: only"},
        {"modules.json", STEPS "," STEP("Dense", "2_Dense") "]",
         "step 3: only"},
        {"modules.json",
         "[" STEP("Transformer", "") "," STEP("Pooling", "../1_Pooling") "]",
         "step 2: 'path'"},
        {"modules.json",
         "[" STEP("Transformer", "") "," STEP("Pooling", "..") "]",
         "step 2: 'path'"},
        {"modules.json",
         "[" STEP("Transformer", "") "," STEP("Pooling", "9_Gone") "]",
         "9_Gone/config.json is not there"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        drop("modules.json");
        drop("1_Pooling/config.json");
        drop("sentence_bert_config.json");
        put(rows[i].file, rows[i].text);
        refuse(rows[i].file, rows[i].why);
    }
}

static int make_top(void **state)
{
    (void)state;
    return mkdtemp(top) == NULL;
}

static int remove_top(void **state)
{
    (void)state;
    char command[PATH_BYTES];
    (void)snprintf(command, sizeof(command), "rm -rf %s", top);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_fields),
        cmocka_unit_test(test_lies),     cmocka_unit_test(test_file),
        cmocka_unit_test(test_pooling),  cmocka_unit_test(test_pooling_lies),
    };
    return cmocka_run_group_tests(tests, make_top, remove_top);
}

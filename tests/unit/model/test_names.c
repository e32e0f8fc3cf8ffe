/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole model folders, as tests/models/make.py writes them: each family in
 * each type, with a prefix and without, in one file and in shards; and what is
 * said when a tensor is missing or of another shape.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "model/config.h"
#include "model/names.h"
#include "model/pooling.h"
#include "model/weights.h"
#include "test.h"

static char top[] = "/tmp/otklik-names-XXXXXX";

enum { PATH_BYTES = 300, COMMAND_BYTES = 1000 };

/* A model folder, open. */
struct model {
    struct arena *arena;
    struct model_config config;
    struct weights *weights;
    struct names names;
};

static void make(const char *arguments, char folder[PATH_BYTES])
{
    static int n;
    char command[COMMAND_BYTES];
    const char *tests = getenv("OTKLIK_TESTS");
    if (!tests)
        fail_msg("OTKLIK_TESTS must be the folder tests/; ctest sets it");
    (void)snprintf(folder, PATH_BYTES, "%s/%d", top, n++);
    char family[PATH_BYTES];
    (void)snprintf(family, sizeof(family), "%s", arguments);
    char *rest = strchr(family, ' ');
    if (rest)
        *rest++ = '\0';
    (void)snprintf(command, sizeof(command),
                   "python3 '%s/models/make.py' %s '%s' %s", tests, family,
                   folder, rest ? rest : "");
    assert_int_equal(system(command), 0);
}

static int open_model(const char *folder, struct model *m, struct err *e)
{
    m->arena = arena_new();
    m->weights = NULL;
    int r = model_config_read(folder, m->arena, &m->config, e);
    if (!r)
        r = weights_open(folder, &m->weights, e);
    return r ? r : names_init(&m->names, m->weights, &m->config, e);
}

static void close_model(struct model *m)
{
    weights_close(m->weights);
    arena_free(m->arena);
}

static const struct weight *find(const struct model *m, enum weight_role role,
                                 size_t layer)
{
    const struct weight *x = NULL;
    struct err e = {0};
    if (names_find(&m->names, role, layer, &x, &e))
        fail_msg("%s", e.msg);
    return x;
}

static double spread(const struct weight *x)
{
    size_t n = weight_count(x);
    float *v = calloc(n, sizeof(*v));
    struct err e = {0};
    double sum = 0;
    if (!v || weight_read(x, v, &e))
        fail_msg("%s", e.msg);
    for (size_t i = 0; i < n; i++)
        sum += (double)v[i] * (double)v[i];
    free(v);
    return sqrt(sum / (double)n);
}

static void test_families(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *words, *labels;
        bool pooler;
    } rows[] = {
        {"bert", "bert.embeddings.word_embeddings.weight", "classifier.weight",
         true},
        {"bert --old-names --type bf16 --shards 3",
         "bert.embeddings.word_embeddings.weight", "classifier.weight", true},
        {"bert --base --layers 1", "embeddings.word_embeddings.weight", NULL,
         true},
        {"distilbert --type f16",
         "distilbert.embeddings.word_embeddings.weight", "classifier.weight",
         true},
        {"distilbert --base", "embeddings.word_embeddings.weight", NULL, false},
        {"roberta --shards 2", "roberta.embeddings.word_embeddings.weight",
         "classifier.out_proj.weight", true},
        {"roberta --base --type bf16", "embeddings.word_embeddings.weight",
         NULL, false},
        {"xlm-roberta --type f16 --shards 40",
         "roberta.embeddings.word_embeddings.weight",
         "classifier.out_proj.weight", true},
        {"minilm --hidden 48 --type f16", "embeddings.word_embeddings.weight",
         NULL, true},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        char folder[PATH_BYTES];
        struct model m;
        struct err e = {0};
        make(rows[i].arguments, folder);
        if (open_model(folder, &m, &e) ||
            names_check(&m.names, rows[i].labels != NULL, &e))
            fail_msg("%s: %s", rows[i].arguments, e.msg);
        assert_true(str_is(find(&m, ROLE_WORDS, 0)->name, rows[i].words));
        assert_int_equal(names_has_labels(&m.names), rows[i].labels != NULL);
        if (rows[i].labels)
            assert_true(str_is(find(&m, ROLE_LABELS, 0)->name, rows[i].labels));
        if (rows[i].pooler)
            assert_int_equal(find(&m, ROLE_HEAD, 0)->n_dims, 2);
        double hidden = (double)m.config.hidden;
        double wide = 1.25 / sqrt(hidden);
        double query = spread(find(&m, ROLE_QUERY, 0));
        assert_true(fabs(query / wide - 1) < 0.1);
        assert_true(fabs(spread(find(&m, ROLE_LAYER_NORM, 0)) - 1) < 0.1);
        assert_true(spread(find(&m, ROLE_LAYER_NORM_BIAS, 0)) < 0.1);
        close_model(&m);
    }
}

static void test_the_same_twice(void **state)
{
    (void)state;
    char one[PATH_BYTES];
    char two[PATH_BYTES];
    char other[PATH_BYTES];
    char command[COMMAND_BYTES];
    make("distilbert --seed 7", one);
    make("distilbert --seed 7", two);
    make("distilbert --seed 8", other);
    (void)snprintf(command, sizeof(command), "diff -rq %s %s", one, two);
    assert_int_equal(system(command), 0);
    (void)snprintf(command, sizeof(command), "diff -rq %s %s >/dev/null", one,
                   other);
    assert_int_not_equal(system(command), 0);
}

static void test_sentences(void **state)
{
    (void)state;
    char folder[PATH_BYTES];
    struct model m;
    struct pooling p;
    make("minilm --layers 1", folder);
    assert_int_equal(open_model(folder, &m, NULL), 0);
    assert_int_equal(m.config.hidden, 384);
    assert_int_equal(m.config.n_labels, 0);
    struct err e = {0};
    assert_int_equal(names_check(&m.names, true, &e), OTK_EFORMAT);
    assert_non_null(strstr(e.msg, "no classifier"));
    assert_int_equal(pooling_read(folder, &m.config, &p, NULL), 0);
    assert_true(p.kind == POOLING_MEAN && p.normalize && p.max_tokens == 64);
    close_model(&m);
}

/* The weights of `m` written to `folder` but for those `drop`ped; that called
 * `flat` in one dimension. */
static void rewrite(const struct model *m, const char *folder, const char *drop,
                    const char *flat)
{
    size_t n = 0;
    size_t all = weights_len(m->weights);
    struct weight *list = calloc(all, sizeof(*list));
    char path[PATH_BYTES + 20];
    struct err e = {0};
    assert_non_null(list);
    for (size_t i = 0; i < all; i++) {
        list[n] = *weights_at(m->weights, i);
        if (str_is(list[n].name, flat)) {
            list[n].n_dims = 1;
            list[n].dims[0] = weight_count(&list[n]);
        }
        struct str name = list[n].name;
        if (!str_starts(name, drop))
            n++;
    }
    (void)snprintf(path, sizeof(path), "%s/model.safetensors", folder);
    if (weights_write(path, list, n, &e))
        fail_msg("%s", e.msg);
    free(list);
}

static void test_lies(void **state)
{
    (void)state;
    static const struct {
        const char *drop, *flat, *why[2];
    } rows[] = {
        {"bert.encoder.layer.1.output.dense.bias",
         "-",
         {"1 tensor is missing: ", "bert.encoder.layer.1.output.dense.bias"}},
        {"bert.encoder.layer.1.attention",
         "-",
         {"10 tensors are missing: ", ".attention.self.query.weight, bert."}},
        {"classifier.", "-", {"2 tensors are missing", "classifier.bias"}},
        {"bert.pooler", "-", {"2 tensors", "bert.pooler.dense.weight"}},
        {"-",
         "bert.encoder.layer.0.attention.self.key.weight",
         {"layer.0.attention.self.key.weight' is of shape [4096], by "
          "config.json it must be [64, 64]",
          "/model.safetensors: tensor 'bert."}},
        {"-",
         "classifier.weight",
         {"'classifier.weight' is of shape [192]", "[3, 64]"}},
        {"bert.embeddings.word",
         "-",
         {"neither 'bert.embeddings.word_embeddings.weight'", "of bert"}},
    };
    char folder[PATH_BYTES];
    char changed[PATH_BYTES];
    struct model good;
    make("bert", folder);
    make("bert", changed);
    assert_int_equal(open_model(folder, &good, NULL), 0);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct model m;
        struct err e = {0};
        rewrite(&good, changed, rows[i].drop, rows[i].flat);
        int r = open_model(changed, &m, &e);
        if (!r)
            r = names_check(&m.names, true, &e);
        if (r != OTK_EFORMAT || !str_starts(str_from(e.msg), changed) ||
            !strstr(e.msg, rows[i].why[0]) || !strstr(e.msg, rows[i].why[1]))
            fail_msg("%zu: %d '%s'", i, r, e.msg);
        close_model(&m);
    }
    const struct weight *x = NULL;
    struct err e = {0};
    assert_int_equal(names_find(&good.names, ROLE_KEY, 2, &x, &e), OTK_EINVAL);
    assert_int_equal(names_find(&good.names, ROLES, 0, &x, &e), OTK_EINVAL);
    close_model(&good);
}

/* Each size of the config is held against the tensors. */
static void test_sizes(void **state)
{
    (void)state;
    char folder[PATH_BYTES];
    struct model m;
    make("roberta", folder);
    assert_int_equal(open_model(folder, &m, NULL), 0);
    struct {
        size_t *size;
        const char *why;
    } rows[] = {
        {&m.config.vocab, "word_embeddings.weight' is of shape [685, 64]"},
        {&m.config.max_positions, "position_embeddings.weight' is of"},
        {&m.config.type_vocab, "token_type_embeddings.weight' is of"},
        {&m.config.inner, "intermediate.dense.weight' is of shape [256, 64]"},
        {&m.config.n_labels, "classifier.out_proj.weight' is of shape [3, 64]"},
        {&m.config.layers, "16 tensors are missing"},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct err e = {0};
        ++*rows[i].size;
        assert_int_equal(names_check(&m.names, true, &e), OTK_EFORMAT);
        if (!strstr(e.msg, rows[i].why))
            fail_msg("%s", e.msg);
        --*rows[i].size;
    }
    assert_int_equal(names_check(&m.names, true, NULL), 0);
    close_model(&m);
}

static void test_distilbert_has_no_types(void **state)
{
    (void)state;
    char folder[PATH_BYTES];
    struct model m;
    const struct weight *x = NULL;
    make("distilbert", folder);
    assert_int_equal(open_model(folder, &m, NULL), 0);
    assert_int_equal(names_find(&m.names, ROLE_TYPES, 0, &x, NULL), OTK_EINVAL);
    close_model(&m);
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
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_the_same_twice),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_distilbert_has_no_types),
    };
    return cmocka_run_group_tests(tests, make_top, remove_top);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors beside plain dot products, their store, and how they are weighed. */
#include "knowledge/dense.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "knowledge/fusion.h"
#include "knowledge/index.h"
#include "knowledge/vector_store.h"
#include "knowledge/vectors.h"
#include "model/encoder.h"
#include "models.h"

#define T(lit)                                                                 \
    {                                                                          \
        "" lit, sizeof(lit) - 1                                                \
    }

enum { SIZE = 48, RECORD = 16 + 4 + SIZE + 8, HEAD = 40 };

static char folder[MODELS_PATH], labels[MODELS_PATH], file[MODELS_PATH];

static int prepare(void **state)
{
    if (models_open(state))
        return -1;
    models_make("minilm", MODELS_SMALL, "model", folder);
    models_make("bert", MODELS_SMALL, "labels", labels);
    (void)snprintf(file, sizeof(file), "%s/vectors", models_top);
    return 0;
}

/* Numbers of length one that depend on `i` only. */
static void fill(float *x, size_t n, uint32_t i)
{
    double squares = 0;
    uint32_t seed = i * 2654435761U + 1;
    for (size_t k = 0; k < n; k++) {
        seed = seed * 1664525U + 1013904223U;
        x[k] = (float)(seed >> 8) / (float)(1 << 23) - 1;
        squares += (double)(x[k] * x[k]);
    }
    for (size_t k = 0; k < n; k++)
        x[k] /= (float)sqrt(squares);
}

static void test_dots(void **state)
{
    (void)state;
    static const size_t parts[] = {1, 15, 16, 17, 300};
    static float x[300 * SIZE], all[349 * SIZE], dots[349], q[SIZE];
    struct dense *d = dense_new(SIZE);
    struct session *s = session_new(1);
    size_t n = 0;
    for (size_t i = 0; i < ROWS(parts); i++) {
        for (size_t k = 0; k < parts[i]; k++)
            fill(x + k * SIZE, SIZE, (uint32_t)(n + k));
        memcpy(all + n * SIZE, x, parts[i] * SIZE * sizeof(*x));
        assert_int_equal(dense_add(d, x, parts[i], NULL), 0);
        n += parts[i];
    }
    assert_int_equal(dense_len(d), n);
    assert_true(dense_bytes(d) >= n * SIZE);
    for (uint32_t i = 0; i < 40; i++) {
        fill(q, SIZE, 1000 + i);
        dense_dots(d, s, q, dots);
        for (size_t k = 0; k < n; k++) {
            float sum = 0;
            for (size_t j = 0; j < SIZE; j++)
                sum += q[j] * all[k * SIZE + j];
            assert_true(fabsf(sum - dots[k]) < 0.02F);
        }
    }
    session_free(s);
    dense_free(d);
}

/* ---- the store
 * ------------------------------------------------------------- */

static struct vector_store *open_store(uint8_t identity, size_t size)
{
    struct vector_store *s = NULL;
    struct err e = {0};
    uint8_t id[VECTOR_KEY] = {identity};
    if (vector_store_open(file, id, size, &s, &e))
        fail_msg("%s", e.msg);
    return s;
}

static void put(struct vector_store *s, uint8_t i)
{
    uint8_t key[VECTOR_KEY] = {i};
    float x[SIZE];
    fill(x, SIZE, i);
    assert_int_equal(vector_store_put(s, key, x, NULL), 0);
}

static bool has(struct vector_store *s, uint8_t i)
{
    uint8_t key[VECTOR_KEY] = {i};
    float x[SIZE], y[SIZE];
    fill(x, SIZE, i);
    if (!vector_store_get(s, key, y))
        return false;
    for (size_t k = 0; k < SIZE; k++)
        assert_true(fabsf(x[k] - y[k]) < 0.005F);
    return true;
}

static off_t length(void)
{
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    return st.st_size;
}

static void begin_file(uint8_t n)
{
    (void)unlink(file);
    struct vector_store *s = open_store(1, SIZE);
    for (uint8_t i = 0; i < n; i++)
        put(s, i);
    assert_int_equal(vector_store_save(s, NULL), 0);
    vector_store_free(s);
    assert_int_equal(length(), HEAD + n * RECORD);
}

static void test_store(void **state)
{
    (void)state;
    begin_file(5);
    struct vector_store *s = open_store(1, SIZE);
    struct vector_store *other = open_store(1, SIZE);
    assert_int_equal(vector_store_len(s), 5);
    assert_true(has(s, 0) && has(s, 4) && !has(s, 5));
    put(s, 4); /* again: nothing new */
    put(s, 5);
    put(other, 6); /* by another process, meanwhile */
    assert_int_equal(vector_store_save(s, NULL), 0);
    assert_int_equal(vector_store_save(other, NULL), 0);
    assert_int_equal(length(), HEAD + 7 * RECORD);
    vector_store_free(s);
    vector_store_free(other);
    s = open_store(1, SIZE);
    assert_true(has(s, 5) && has(s, 6));
    vector_store_free(s);
    s = open_store(2, SIZE); /* another model */
    assert_int_equal(vector_store_len(s), 0);
    put(s, 1);
    assert_int_equal(vector_store_save(s, NULL), 0);
    assert_int_equal(length(), HEAD + RECORD);
    vector_store_free(s);
}

static void damage(off_t at, size_t n)
{
    static const char junk[64] = "\xff\x01\xff\x01";
    int fd = open(file, O_WRONLY);
    assert_int_equal(pwrite(fd, junk, n, at), n);
    (void)close(fd);
}

static void test_damage(void **state)
{
    (void)state;
    static const struct {
        off_t at, cut; /* below 0: not */
        size_t bytes, left;
    } rows[] = {
        {HEAD + 2 * RECORD + 3, -1, 4, 2},  /* a key */
        {HEAD + 4 * RECORD + 30, -1, 4, 4}, /* a number */
        {HEAD + 5 * RECORD, -1, 13, 5},     /* half a record behind */
        {-1, HEAD + 5 * RECORD - 1, 0, 4},
        {-1, HEAD - 1, 0, 0},
        {-1, 0, 0, 0},
        {0, -1, 4, 0},
        {20, -1, 4, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        begin_file(5);
        if (rows[i].cut >= 0)
            assert_int_equal(truncate(file, rows[i].cut), 0);
        if (rows[i].at >= 0)
            damage(rows[i].at, rows[i].bytes);
        struct vector_store *s = open_store(1, SIZE);
        assert_int_equal(vector_store_len(s), rows[i].left);
        put(s, 50);
        assert_int_equal(vector_store_save(s, NULL), 0);
        vector_store_free(s);
        assert_int_equal(length(), HEAD + (rows[i].left + 1) * RECORD);
        s = open_store(1, SIZE);
        assert_true(has(s, 50));
        assert_int_equal(vector_store_len(s), rows[i].left + 1);
        vector_store_free(s);
    }
}

/* What two rounds did not want is forgotten when it is most of the store. */
static void test_forgetting(void **state)
{
    (void)state;
    (void)unlink(file);
    struct vector_store *s = open_store(1, SIZE);
    float x[SIZE];
    vector_store_begin(s);
    for (uint32_t i = 0; i < 3000; i++) {
        uint8_t key[VECTOR_KEY] = {200};
        memcpy(key + 4, &i, sizeof(i));
        fill(x, SIZE, i);
        assert_int_equal(vector_store_put(s, key, x, NULL), 0);
    }
    put(s, 1);
    assert_int_equal(vector_store_end(s, NULL), 0);
    assert_int_equal(vector_store_len(s), 3001);
    vector_store_begin(s);
    assert_true(has(s, 1));
    put(s, 2);
    assert_int_equal(vector_store_end(s, NULL), 0);
    assert_int_equal(vector_store_len(s), 2);
    assert_true(has(s, 1) && has(s, 2));
    assert_int_equal(length(), HEAD + 2 * RECORD);
    vector_store_free(s);
}

/* ---- a model
 * --------------------------------------------------------------- */

static struct vectors *open_vectors(void)
{
    struct vectors *v = NULL;
    struct err e = {0};
    if (vectors_open(folder, PRECISION_F32, file, &v, &e))
        fail_msg("%s", e.msg);
    return v;
}

static void test_vectors(void **state)
{
    (void)state;
    enum { LONG = 100000 };
    static char big[LONG];
    (void)unlink(file);
    memset(big, 'a', LONG);
    const struct str texts[] = {
        STR("my printer"), STR("пароль"), STR(""), {big, LONG}};
    static float x[4 * 64], y[4 * 64], q[64];
    struct vectors *v = open_vectors();
    struct session *s = session_new(1);
    size_t size = vectors_size(v);
    assert_int_equal(size, 32);
    struct err e = {0};
    if (vectors_of(v, texts, 4, x, &e))
        fail_msg("%s", e.msg);
    off_t bytes = length();
    vectors_unref(v);
    v = open_vectors(); /* asks nothing twice */
    assert_int_equal(vectors_of(v, texts, 4, y, NULL), 0);
    assert_int_equal(length(), bytes);
    assert_memory_equal(x, y, 4 * size * sizeof(*x));
    for (size_t i = 0; i < 4; i++) {
        float squares = 0;
        float dot = 0;
        assert_int_equal(vectors_ask(v, s, texts[i], q, NULL), 0);
        for (size_t k = 0; k < size; k++) {
            squares += q[k] * q[k];
            dot += q[k] * x[i * size + k];
        }
        assert_true(fabsf(squares - 1) < 1e-4F);
        assert_true(dot > 0.99F);
    }
    session_free(s);
    vectors_unref(v);
}

static void test_wrong_models(void **state)
{
    (void)state;
    struct vectors *v = NULL;
    struct err e = {0};
    assert_int_equal(vectors_open(labels, PRECISION_F32, NULL, &v, &e),
                     OTK_EINVAL);
    assert_non_null(strstr(e.msg, "classifier"));
    assert_int_equal(vectors_open(models_top, PRECISION_F32, NULL, &v, &e),
                     OTK_ENOENT);
    /* a file that cannot be read is no reason to do without */
    assert_int_equal(vectors_open(folder, PRECISION_I8, models_top, &v, &e), 0);
    vectors_unref(v);
}

/* Articles whose words say all: a model of chance cannot help. */
enum { ARTICLES = 24 };
static struct knowledge_article articles[ARTICLES];

static void make_articles(void)
{
    static char texts[ARTICLES][5][120];
    for (uint32_t i = 0; i < ARTICLES; i++) {
        uint32_t a = i * 7919 + 1000;
        uint32_t b = i * 104729 + 5000;
        (void)snprintf(texts[i][0], 120, "key%u", i);
        (void)snprintf(texts[i][1], 120, "How to work with the thing no%u", a);
        (void)snprintf(texts[i][2], 120,
                       "what is the no%u for\nthe no%u does not work with me\n"
                       "please help me with no%u of b%u",
                       a, a, a, b);
        (void)snprintf(texts[i][3], 120, "It is b%u and no%u.", b, a);
        articles[i] =
            (struct knowledge_article){.id = i + 1,
                                       .key = str_from(texts[i][0]),
                                       .language = i == 5 ? STR("") : STR("en"),
                                       .title = str_from(texts[i][1]),
                                       .questions = str_from(texts[i][2]),
                                       .answer = str_from(texts[i][3])};
    }
}

static struct knowledge_index *make_index(struct vectors *v, double weight)
{
    struct knowledge_dense dense = {v, weight};
    struct knowledge_index *x = NULL;
    struct err e = {0};
    if (knowledge_index_new(articles, ARTICLES, v ? &dense : NULL, &x, &e))
        fail_msg("%s", e.msg);
    return x;
}

static void test_senseless_model(void **state)
{
    (void)state;
    make_articles();
    struct vectors *v = open_vectors();
    struct knowledge_index *both = make_index(v, -1);
    struct knowledge_index *plain = make_index(NULL, -1);
    struct knowledge_scratch *s = knowledge_scratch_new();
    static const char *const asked[] = {"the no1000 is broken", "пароль",
                                        "help", "no8919 of b109729", ""};
    for (int i = 0; i < 3; i++)
        assert_true(knowledge_index_weight(both, str_from(i == 0   ? "ru"
                                                          : i == 1 ? "en"
                                                                   : "")) == 0);
    for (size_t i = 0; i < ROWS(asked); i++) {
        struct knowledge_hit a[5], b[5];
        struct knowledge_query q = {.text = str_from(asked[i])};
        size_t n = knowledge_search(both, s, &q, a, 5);
        assert_int_equal(n, knowledge_search(plain, s, &q, b, 5));
        for (size_t k = 0; k < n; k++) {
            assert_true(a[k].score == b[k].score);
            assert_true(a[k].confidence == b[k].confidence);
            assert_int_equal(a[k].article->id, b[k].article->id);
        }
    }
    knowledge_scratch_free(s);
    knowledge_index_unref(both);
    knowledge_index_unref(plain);
    vectors_unref(v);
}

/* A weight that is asked for counts, with every language and few articles. */
static void test_given_weight(void **state)
{
    (void)state;
    make_articles();
    struct vectors *v = open_vectors();
    struct knowledge_scratch *s = knowledge_scratch_new();
    struct knowledge_index *x = make_index(v, 1);
    struct knowledge_index *plain = make_index(NULL, 0);
    struct knowledge_hit hits[3], words;
    size_t differ = 0;
    for (size_t i = 0; i < ARTICLES; i++) {
        struct knowledge_query q = {.text = articles[i].title};
        size_t n = knowledge_search(x, s, &q, hits, 3);
        differ += n && knowledge_search(plain, s, &q, &words, 1) &&
                  fabs(hits[0].score - words.score) > 0.01;
        assert_true(n > 0);
        assert_true(hits[0].confidence >= 0 && hits[0].confidence <= 1);
    }
    assert_true(differ > ARTICLES / 2);
    knowledge_index_unref(plain);
    assert_true(knowledge_index_weight(x, STR("ru")) == 1);
    knowledge_index_unref(x);
    struct knowledge_dense dense = {v, 0.5};
    for (size_t n = 0; n < 3; n++) {
        assert_int_equal(knowledge_index_new(articles, n, &dense, &x, NULL), 0);
        struct knowledge_query q = {.text = STR("no1000")};
        assert_int_equal(knowledge_search(x, s, &q, hits, 3), n);
        knowledge_index_unref(x);
    }
    knowledge_scratch_free(s);
    vectors_unref(v);
}

/* Cosines of the model; without one there are none. */
static void test_near(void **state)
{
    (void)state;
    const struct str texts[] = {STR("the printer is broken"), STR("a password"),
                                STR("The printer is broken")};
    float near[ROWS(texts)];
    make_articles();
    struct vectors *v = open_vectors();
    struct knowledge_index *x = make_index(v, 1);
    struct knowledge_index *plain = make_index(NULL, -1);
    struct knowledge_scratch *s = knowledge_scratch_new();
    assert_true(knowledge_near(x, s, texts[0], texts, ROWS(texts), near));
    assert_true(fabsf(near[0] - 1) < 1e-4F && near[1] < 0.999F);
    assert_true(fabsf(near[2] - 1) < 1e-4F); /* small letters */
    assert_false(knowledge_near(plain, s, texts[0], texts, 1, near));
    knowledge_scratch_free(s);
    knowledge_index_unref(x);
    knowledge_index_unref(plain);
    vectors_unref(v);
}

static void test_floor(void **state)
{
    (void)state;
    assert_true(fusion_above(0.2F, 0.2F) == 0);
    assert_true(fusion_above(-1, 0) == 0);
    assert_true(fabsf(fusion_above(0.6F, 0.2F) - 0.5F) < 1e-6F);
    assert_true(fusion_above(1, 0.9F) > 0.999F);
    assert_true(fusion_above(1, 1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dots),
        cmocka_unit_test(test_store),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_forgetting),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_wrong_models),
        cmocka_unit_test(test_senseless_model),
        cmocka_unit_test(test_given_weight),
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_floor),
    };
    return cmocka_run_group_tests(tests, prepare, models_close);
}

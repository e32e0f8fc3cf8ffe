/* SPDX-License-Identifier: Apache-2.0 */
/* A vocabulary learnt from texts, and the model that is made with it. */
#include "model/new.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "model/config.h"
#include "model/finetune.h"
#include "model/model.h"
#include "model/wordpiece_train.h"
#include "test.h"
#include "text/tokenizer.h"

enum { TEXTS = 120, FILE_MAX = 1 << 26 };

static char top[] = "/tmp/otklik-new-XXXXXX";
static char bytes[TEXTS][100];
static struct str texts[TEXTS];
static int topic[TEXTS];

static int prepare(void **state)
{
    (void)state;
    static const char *const topics[] = {
        "Принтер не печатает, ёлка зажевала бумагу",
        "Password of my Account is expired", "Мой интернет и WiFi медленный"};
    for (int i = 0; i < TEXTS; i++) {
        (void)snprintf(bytes[i], sizeof(bytes[i]), "%s №%d!", topics[i % 3], i);
        texts[i] = str_from(bytes[i]);
        topic[i] = i % 3;
    }
    return mkdtemp(top) ? 0 : -1;
}

static int clean(void **state)
{
    (void)state;
    char command[100];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", top);
    return system(command);
}

static bool has(const struct wordpiece_vocabulary *v, const char *token)
{
    bool found = false;
    for (size_t i = 0; i < v->n; i++)
        found |= str_is(v->tokens[i], token);
    return found;
}

/* ---- the vocabulary
 * --------------------------------------------------------------------- */

static void test_vocabulary(void **state)
{
    (void)state;
    struct err e = {0};
    struct wordpiece_vocabulary v, again;
    struct arena *a = arena_new();
    if (wordpiece_train(texts, TEXTS, 400, a, &v, &e))
        fail_msg("%s", e.msg);
    assert_true(v.n <= 400);
    static const char *const specials[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]",
                                           "[MASK]"};
    for (size_t i = 0; i < 5; i++)
        assert_true(str_is(v.tokens[i], specials[i]));
    /* what is there all the time is one token; letters stay what they are */
    assert_true(has(&v, "password") && has(&v, "принтер") && has(&v, "ёлка"));
    assert_true(has(&v, "й") && has(&v, "##й") && has(&v, "№") && has(&v, ","));
    assert_false(has(&v, "Password") || has(&v, "##!") || has(&v, "елка"));
    for (size_t i = 0; i < v.n; i++) {
        for (size_t k = 0; k < i; k++)
            assert_false(str_eq(v.tokens[i], v.tokens[k]));
    }
    assert_int_equal(wordpiece_train(texts, TEXTS, 400, a, &again, &e), 0);
    assert_int_equal(again.n, v.n);
    for (size_t i = 0; i < v.n; i++)
        assert_true(str_eq(v.tokens[i], again.tokens[i]));
    /* fewer tokens are the first of more */
    assert_int_equal(wordpiece_train(texts, TEXTS, 120, a, &again, &e), 0);
    assert_int_equal(again.n, 120);
    for (size_t i = 0; i < again.n; i++)
        assert_true(str_eq(v.tokens[i], again.tokens[i]));
    arena_free(a);
}

/*
 * By hand: "ab" six times, "cb" twice. As tokens a, ##b, c: 6, 8, 2 of 16.
 * a ##b is worth 6 log(6·16 / 6·8) = 6 log 2, c ##b 2 log(2·16 / 2·8).
 */
static void test_by_hand(void **state)
{
    (void)state;
    struct err e = {0};
    struct wordpiece_vocabulary v;
    struct arena *a = arena_new();
    const struct str words[] = {STR("ab ab cb ab"), STR("ab cb ab AB")};
    assert_int_equal(wordpiece_train(words, 2, 12, a, &v, &e), 0);
    assert_int_equal(v.n, 12); /* 5, a b c, ##a ##b ##c, and one */
    assert_true(str_is(v.tokens[11], "ab"));
    assert_int_equal(wordpiece_train(words, 2, 100, a, &v, &e), 0);
    assert_int_equal(v.n, 13);
    assert_true(str_is(v.tokens[12], "cb"));
    arena_free(a);
}

static void test_bad_texts(void **state)
{
    (void)state;
    struct err e = {0};
    struct wordpiece_vocabulary v;
    struct arena *a = arena_new();
    const struct str none[] = {STR("  \n\t"), STR("\xff\xfe"), {NULL, 0}};
    assert_int_equal(wordpiece_train(none, 3, 100, a, &v, &e), OTK_EFORMAT);
    assert_int_equal(wordpiece_train(texts, TEXTS, 20, a, &v, &e), OTK_EINVAL);
    assert_non_null(strstr(e.msg, "characters"));
    assert_int_equal(wordpiece_train(texts, TEXTS, 1000000, a, &v, &e),
                     OTK_EINVAL);
    /* a word that no tokenizer takes is passed over */
    char *word = malloc(3000);
    memset(word, 'x', 2999);
    memcpy(word + 2900, " ab ab", 6);
    const struct str long_one[] = {{word, 2906}};
    assert_int_equal(wordpiece_train(long_one, 1, 100, a, &v, &e), 0);
    assert_true(has(&v, "ab"));
    assert_false(has(&v, "x"));
    free(word);
    arena_free(a);
}

/* ---- the model
 * ------------------------------------------------------------------------ */

static void read_weights(const char *name, struct buf *ret)
{
    char path[200];
    struct err e = {0};
    (void)snprintf(path, sizeof(path), "%s/%s/model.safetensors", top, name);
    *ret = (struct buf)BUF_INIT(FILE_MAX);
    assert_int_equal(file_read(path, ret, &e), 0);
}

static const struct new_options tiny = {
    .layers = 2, .hidden = 32, .heads = 2, .vocab = 300, .positions = 64};

static int new_one(const char *name, const struct new_options *o,
                   struct new_report *ret, struct err *e)
{
    char folder[100];
    (void)snprintf(folder, sizeof(folder), "%s/%s", top, name);
    return model_new(folder, texts, TEXTS, o, ret, e);
}

static void test_model(void **state)
{
    (void)state;
    struct err e = {0};
    struct new_report made;
    struct model *m = NULL;
    struct tokenizer *t = NULL;
    struct tokens x;
    uint32_t unk;
    size_t n = 0;
    size_t unknown = 0;
    char folder[100];
    (void)snprintf(folder, sizeof(folder), "%s/model", top);
    if (new_one("model", &tiny, &made, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(new_one("model", &tiny, &made, &e), OTK_ECONFLICT);
    assert_int_equal(model_load(folder, PRECISION_F32, &m, &e), 0);
    const struct model_config *c = model_info(m)->config;
    assert_int_equal(c->vocab, made.vocab);
    assert_int_equal(c->layers, 2);
    assert_int_equal(c->max_tokens, 64);
    model_unref(m);
    assert_int_equal(made.parameters, (made.vocab + 64 + 2 + 2) * 32 +
                                          2 * (4 * (32 * 32 + 32) + 4 * 32 +
                                               2 * 4 * 32 * 32 + 5 * 32));
    assert_int_equal(tokenizer_load(folder, &t, &e), 0);
    assert_int_equal(tokenizer_size(t), made.vocab);
    assert_int_equal(tokenizer_special(t, TOKENIZER_UNK, &unk), 0);
    struct tokenizer_scratch *s = tokenizer_scratch_new();
    for (size_t i = 0; i < TEXTS; i++) {
        assert_int_equal(tokenizer_encode(t, s, texts[i], 0, &x, &e), 0);
        for (size_t k = 0; k < x.n; k++)
            unknown += x.ids[k] == unk;
        n += x.n;
    }
    assert_int_equal(unknown, 0);
    assert_true(n < TEXTS * 16); /* whole words, but for the number */
    tokenizer_scratch_free(s);
    tokenizer_free(t);
}

static void test_same_seed(void **state)
{
    (void)state;
    struct err e = {0};
    struct new_report made;
    struct new_options other = tiny;
    struct buf b[3];
    other.seed = 2;
    assert_int_equal(new_one("seed1", &tiny, &made, &e), 0);
    assert_int_equal(new_one("seed1b", &tiny, &made, &e), 0);
    assert_int_equal(new_one("seed2", &other, &made, &e), 0);
    read_weights("seed1", &b[0]);
    read_weights("seed1b", &b[1]);
    read_weights("seed2", &b[2]);
    assert_int_equal(b[0].len, b[1].len);
    assert_memory_equal(b[0].ptr, b[1].ptr, b[0].len);
    assert_int_equal(b[0].len, b[2].len);
    assert_memory_not_equal(b[0].ptr, b[2].ptr, b[0].len);
    for (int i = 0; i < 3; i++)
        buf_free(&b[i]);
}

/* What is new can be taught. */
static void test_learns(void **state)
{
    (void)state;
    static const struct head_shape heads[] = {{"topic", 3}};
    struct err e = {0};
    struct new_report made;
    struct finetuned done;
    char base[100], to[100];
    char held_out[TEXTS];
    const int *truth[] = {topic};
    (void)snprintf(base, sizeof(base), "%s/base", top);
    (void)snprintf(to, sizeof(to), "%s/taught", top);
    assert_int_equal(mkdir(to, 0755), 0);
    assert_int_equal(new_one("base", &tiny, &made, &e), 0);
    for (int i = 0; i < TEXTS; i++)
        held_out[i] = i % 4 == 3;
    const struct finetune_data d = {texts, truth, held_out, TEXTS};
    const struct finetune_options o = {
        .epochs = 10, .batch = 8, .rate = 3e-3, .threads = 1};
    if (finetune(base, to, heads, 1, &d, &o, &done, &e))
        fail_msg("%s", e.msg);
    assert_true(done.accuracy > 0.95);
}

static void test_bad_options(void **state)
{
    (void)state;
    struct err e = {0};
    struct new_report made;
    char path[100];
    const struct new_options bad[] = {
        {.hidden = 30, .heads = 4},  {.layers = 1000},
        {.hidden = 1 << 20},         {.positions = 2},
        {.vocab = 10, .hidden = 32}, {.vocab = 10000000}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(new_one("bad", &bad[i], &made, &e), OTK_EINVAL);
    (void)snprintf(path, sizeof(path), "%s/bad", top);
    assert_false(file_exists(path));
    /* a width that 64 does not fit */
    const struct new_options odd = {
        .layers = 1, .hidden = 200, .vocab = 300, .positions = 16};
    assert_int_equal(new_one("odd", &odd, &made, &e), 0);
    assert_int_equal(made.heads, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vocabulary),  cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_bad_texts),   cmocka_unit_test(test_model),
        cmocka_unit_test(test_same_seed),   cmocka_unit_test(test_learns),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}

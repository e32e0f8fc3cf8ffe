/* SPDX-License-Identifier: Apache-2.0 */
/* Whole folders of each family: what they give, and what is refused. */
#include "model/model.h"

#include <math.h>
#include <unistd.h>

#include "base/arena.h"
#include "model/encoder.h"
#include "model/names.h"
#include "model/weights.h"
#include "text/tokenizer.h"
#include "unit/model/folders.h"

enum { TEXTS = 9 };

static char top[] = "/tmp/otklik-model-XXXXXX";
static const char *const families[] = {"bert", "distilbert", "roberta",
                                       "xlm-roberta", "minilm"};
static const char *const texts[TEXTS] = {
    "the printer is out of toner",
    "vpn",
    "помогите, не работает почта!",
    "help help help help help help help help help help help help help help",
    "a",
    "Wi-Fi 42",
    "сбросьте пароль",
    "please open the file on my disk and reset the network",
    "…",
};

static const char *place(const char *name)
{
    static char path[FOLDER_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s", top, name);
    return path;
}

static int make(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(top));
    for (size_t i = 0; i < ROWS(families); i++)
        folder_make(families[i], place(families[i]),
                    i == 4 ? "--hidden 48 --heads 4" : "");
    return 0;
}

static int clean(void **state)
{
    (void)state;
    folder_remove(top);
    return 0;
}

static struct model *load(const char *name, enum precision p)
{
    struct err e = {0};
    struct model *m = NULL;
    if (model_load(place(name), p, &m, &e))
        fail_msg("%s: %s", name, e.msg);
    return m;
}

static void encode_all(const struct model *m, struct encoded list[TEXTS])
{
    struct tokenizer_scratch *s = tokenizer_scratch_new();
    struct err e = {0};
    for (size_t i = 0; i < TEXTS; i++) {
        list[i] = (struct encoded){0};
        assert_int_equal(model_encode(m, s, str_from(texts[i]), &list[i], &e),
                         0);
        assert_true(list[i].n > 2 && list[i].n <= model_info(m)->max_tokens);
    }
    tokenizer_scratch_free(s);
}

static void free_all(struct encoded list[TEXTS])
{
    for (size_t i = 0; i < TEXTS; i++)
        free(list[i].ids);
}

/* A batch, by several threads, gives what each text gives by itself. */
static void check_alone(const struct model *m, struct session *s,
                        const struct encoded list[TEXTS], const float *rows,
                        size_t n)
{
    struct err e = {0};
    float *own = calloc(n, sizeof(*own));
    bool labels = model_info(m)->has_labels;
    for (size_t i = 0; i < TEXTS; i++) {
        assert_int_equal(
            (labels ? model_classify : model_embed)(m, s, &list[i], 1, own, &e),
            0);
        for (size_t k = 0; k < n; k++)
            assert_true(fabsf(own[k] - rows[i * n + k]) < 1e-5F);
    }
    free(own);
}

static void test_labels(void **state)
{
    (void)state;
    for (size_t f = 0; f < 4; f++) {
        struct err e = {0};
        struct model *m = load(families[f], PRECISION_F32);
        struct session *s = session_new(2);
        struct encoded list[TEXTS];
        float rows[TEXTS * 3];
        const struct model_info *i = model_info(m);
        assert_true(i->has_labels);
        assert_false(i->packed);
        assert_null(i->note);
        assert_int_equal(i->config->n_labels, 3);
        assert_string_equal(i->config->labels[1], "network");
        assert_true(i->parameters > 100000 && i->bytes > 400000);
        assert_true(i->tokens > 100 && i->tokens <= i->config->vocab);
        encode_all(m, list);
        assert_int_equal(model_classify(m, s, list, TEXTS, rows, &e), 0);
        check_alone(m, s, list, rows, 3);
        /* texts are told apart */
        assert_true(fabsf(rows[0] - rows[3]) > 1e-3F);
        free_all(list);
        session_free(s);
        model_unref(m);
    }
}

/* The vector is the mean of the encoder's rows, made one long. */
static void check_mean(const struct encoded *t, const float *vector)
{
    struct err e = {0};
    struct arena *a = arena_new();
    struct model_config c;
    struct weights *w = NULL;
    struct names n;
    struct encoder *x = NULL;
    const char *folder = place("minilm");
    const size_t offsets[] = {0, t->n};
    assert_int_equal(model_config_read(folder, a, &c, &e), 0);
    assert_int_equal(weights_open(folder, &w, &e), 0);
    assert_int_equal(names_init(&n, w, &c, &e), 0);
    assert_int_equal(encoder_new(&n, PRECISION_F32, &x, &e), 0);
    struct session *s = session_new(1);
    float *rows = calloc(t->n * c.hidden, sizeof(*rows));
    double *mean = calloc(c.hidden, sizeof(*mean));
    const struct batch b = {t->ids, offsets, 1};
    assert_int_equal(encoder_run(x, s, &b, WANT_TOKENS, rows, &e), 0);
    double squares = 0;
    for (size_t k = 0; k < c.hidden; k++) {
        for (size_t i = 0; i < t->n; i++)
            mean[k] += (double)rows[i * c.hidden + k] / (double)t->n;
        squares += mean[k] * mean[k];
    }
    for (size_t k = 0; k < c.hidden; k++)
        assert_true(fabs(mean[k] / sqrt(squares) - (double)vector[k]) < 1e-5);
    free(rows);
    free(mean);
    session_free(s);
    encoder_free(x);
    weights_close(w);
    arena_free(a);
}

static void test_vectors(void **state)
{
    (void)state;
    struct err e = {0};
    struct model *m = load("minilm", PRECISION_F32);
    struct model *again = model_ref(m);
    struct session *s = session_new(2);
    struct encoded list[TEXTS];
    const struct model_info *i = model_info(m);
    size_t n = i->config->hidden;
    float *rows = calloc(TEXTS * n, sizeof(*rows));
    assert_false(i->has_labels);
    assert_true(i->mean && i->normalized);
    assert_int_equal(i->max_tokens, 64); /* as sentence_bert_config.json says */
    assert_string_equal(i->tokenizer, "WordPiece");
    encode_all(m, list);
    assert_int_equal(model_embed(m, s, list, TEXTS, rows, &e), 0);
    check_alone(m, s, list, rows, n);
    for (size_t t = 0; t < TEXTS; t++) {
        double squares = 0;
        for (size_t k = 0; k < n; k++)
            squares += pow((double)rows[t * n + k], 2);
        assert_true(fabs(squares - 1) < 1e-5);
        check_mean(&list[t], rows + t * n);
    }
    assert_int_equal(model_classify(m, s, list, 1, rows, &e), OTK_EINVAL);
    assert_non_null(strstr(e.msg, "no labels"));
    free_all(list);
    free(rows);
    session_free(s);
    model_unref(m);
    model_unref(again);
    model_unref(NULL);
}

static void test_texts(void **state)
{
    (void)state;
    struct err e = {0};
    struct model *m = load("roberta", PRECISION_BF16);
    struct session *s = session_new(1);
    float rows[3 * 64];
    char *large = malloc(TOKENIZER_TEXT_MAX + 1);
    memset(large, 'a', TOKENIZER_TEXT_MAX + 1);
    struct str list[3] = {
        STR("vpn"), {large, TOKENIZER_TEXT_MAX}, STR("toner")};
    /* the largest is cut to what the model reads */
    assert_int_equal(model_embed_texts(m, s, list, 3, rows, &e), 0);
    list[1].n++;
    assert_int_equal(model_embed_texts(m, s, list, 3, rows, &e), OTK_ELIMIT);
    assert_non_null(strstr(e.msg, "text 2"));
    list[2] = STR(" \n");
    list[1].n = 3;
    assert_int_equal(model_embed_texts(m, s, list, 3, rows, &e), OTK_EINVAL);
    assert_non_null(strstr(e.msg, "text 3: the text is empty"));
    assert_int_equal(
        model_embed_texts(m, s, list, MODEL_TEXTS_MAX + 1, rows, &e),
        OTK_ELIMIT);
    assert_non_null(strstr(e.msg, "100001"));
    assert_int_equal(model_embed_texts(m, s, list, 0, rows, &e), 0);
    free(large);
    session_free(s);
    model_unref(m);
}

static void copy_folder(const char *family)
{
    char command[3 * FOLDER_BYTES];
    folder_remove(place("bad"));
    (void)snprintf(command, sizeof(command), "cp -r '%s/%s' '%s/bad'", top,
                   family, top);
    assert_int_equal(system(command), 0);
}

/* do_lower_case of sentence_bert_config.json, before the tokenizer. */
static void test_lower_case(void **state)
{
    (void)state;
    static const char sentence[] =
        "{\"max_seq_length\": 64, \"do_lower_case\": true}";
    static const char tokenizer[] =
        "{\"do_lower_case\": false, \"tokenizer_class\": \"BertTokenizer\"}";
    struct tokenizer_scratch *s = tokenizer_scratch_new();
    copy_folder("minilm");
    folder_write(place("bad"), "tokenizer_config.json", tokenizer,
                 sizeof(tokenizer) - 1);
    for (int lower = 0; lower < 2; lower++) {
        struct err e = {0};
        struct encoded x, y;
        if (lower)
            folder_write(place("bad"), "sentence_bert_config.json", sentence,
                         sizeof(sentence) - 1);
        struct model *m = load("bad", PRECISION_F32);
        assert_int_equal(model_encode(m, s, STR("VPN Пароль"), &x, &e), 0);
        assert_int_equal(model_encode(m, s, STR("vpn пароль"), &y, &e), 0);
        bool same = x.n == y.n && !memcmp(x.ids, y.ids, x.n * sizeof(*x.ids));
        assert_int_equal(same, lower);
        free(x.ids);
        free(y.ids);
        model_unref(m);
    }
    tokenizer_scratch_free(s);
}

/* ---- what is refused
 * ------------------------------------------------------------------------ */

static void refused(int code, const char *holds, const char *also)
{
    struct err e = {0};
    struct model *m = NULL;
    int r = model_load(place("bad"), PRECISION_I8, &m, &e);
    if (r != code || !strstr(e.msg, holds) || !strstr(e.msg, also))
        fail_msg("%d %s, expected %d %s … %s", r, e.msg, code, holds, also);
}

static void remove_file(const char *name)
{
    char path[2 * FOLDER_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s", place("bad"), name);
    assert_int_equal(remove(path), 0);
}

static void take_from(const char *family, const char *name)
{
    size_t n;
    char *p = folder_read(place(family), name, &n);
    folder_write(place("bad"), name, p, n);
    free(p);
}

/* Change the first `from` in config.json to `to`. */
static void change(const char *from, const char *to)
{
    size_t n;
    char *p = folder_read(place("bad"), "config.json", &n);
    char *at = strstr(p, from);
    assert_non_null(at);
    struct buf b = BUF_INIT(100000);
    buf_put(&b, p, (size_t)(at - p));
    buf_puts(&b, to);
    buf_puts(&b, at + strlen(from));
    folder_write(place("bad"), "config.json", b.ptr, b.len);
    buf_free(&b);
    free(p);
}

static void test_strangers(void **state)
{
    (void)state;
    copy_folder("bert"); /* 270 tokens; roberta has more */
    take_from("roberta", "vocab.json");
    take_from("roberta", "merges.txt");
    take_from("roberta", "tokenizer_config.json");
    (void)remove(
        strcat(strcpy((char[FOLDER_BYTES]){0}, place("bad")), "/vocab.txt"));
    refused(OTK_EFORMAT, "different models", "vocab_size 270");
    copy_folder("bert");
    (void)remove(
        strcat(strcpy((char[FOLDER_BYTES]){0}, place("bad")), "/vocab.txt"));
    refused(OTK_ENOENT, "tokenizer", "bad");
    copy_folder("bert");
    change("\"2\": \"printing\"", "\"2\": \"printing\", \"3\": \"other\"");
    change("\"printing\": 2", "\"printing\": 2, \"other\": 3");
    refused(OTK_EFORMAT, "classifier", "[4, 64]");
    copy_folder("bert");
    change("\"printing\": 2", "\"printing\": 1");
    refused(OTK_EFORMAT, "config.json", "label2id");
    copy_folder("bert");
    change("\"hidden_size\": 64", "\"hidden_size\": 128");
    refused(OTK_EFORMAT, "embeddings", "[270, 128]");
    copy_folder("bert");
    change("\"vocab_size\": 270", "\"vocab_size\": 2000000");
    refused(OTK_EFORMAT, "embeddings", "[2000000, 64]");
}

static void test_weights(void **state)
{
    (void)state;
    static const char name[] = "model.safetensors";
    static const unsigned char nan[] = {0, 0, 0xc0, 0x7f};
    size_t n;
    copy_folder("distilbert");
    char *p = folder_read(place("bad"), name, &n);
    for (size_t i = 0; i < 16; i++) {
        folder_write(place("bad"), name, p, n * i / 16);
        refused(OTK_EFORMAT, i ? name : "empty", "");
    }
    char *more = calloc(1, n + 8);
    memcpy(more, p, n);
    folder_write(place("bad"), name, more, n + 8);
    refused(OTK_EFORMAT, name, "8 bytes after");
    free(more);
    /* a header that promises more than any memory */
    char first[8];
    memcpy(first, p, 8);
    memset(p, 0xff, 8);
    folder_write(place("bad"), name, p, n);
    refused(OTK_EFORMAT, name, "header");
    memcpy(p, first, 8);
    memcpy(p + n - 4, nan, sizeof(nan));
    folder_write(place("bad"), name, p, n);
    refused(OTK_EFORMAT, name, "not a finite number");
    free(p);
    remove_file("model.safetensors");
    refused(OTK_ENOENT, "model.safetensors", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels),  cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_texts),   cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_weights), cmocka_unit_test(test_lower_case),
    };
    return cmocka_run_group_tests(tests, make, clean);
}

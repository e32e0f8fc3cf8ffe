/* SPDX-License-Identifier: Apache-2.0 */
#include "model/config.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"

enum { PATH_BYTES = 4096, FILE_BYTES = 8 << 20, NAME_BYTES = 100, DEPTH = 32 };
enum { VALUES = 4 * MODEL_LABELS_MAX + 10000, HEADS_MAX = 1024 };

static const char *const families[MODEL_FAMILIES] = {
    [MODEL_BERT] = "bert",
    [MODEL_DISTILBERT] = "distilbert",
    [MODEL_ROBERTA] = "roberta",
    [MODEL_XLM_ROBERTA] = "xlm-roberta",
};

const char *model_family_name(enum model_family f)
{
    return families[f];
}

/* ---- words with a fixed meaning
 * ------------------------------------------------------------------------ */

struct word {
    const char *name;
    int value;
};

/* The value of a field that is one of `words`; absent: *ret stays. */
static int read_word(const json_t *o, const char *field,
                     const struct word *words, size_t n, int *ret,
                     struct err *e)
{
    struct str s = {0};
    const struct json_want want = {field, false, 1, NAME_BYTES};
    int r = json_text(o, &want, &s, e);
    if (r)
        return r == OTK_ENOENT ? OTK_OK : r;
    for (size_t i = 0; i < n; i++) {
        if (str_is(s, words[i].name)) {
            *ret = words[i].value;
            return OTK_OK;
        }
    }
    return err_field(e, OTK_EFORMAT, field, "'" STR_FMT "' is not known here",
                     STR_ARG(s));
}
#define READ_WORD(o, field, words, ret, e)                                     \
    read_word(o, field, words, sizeof(words) / sizeof((words)[0]), ret, e)

static int read_family(const json_t *o, enum model_family *ret, struct err *e)
{
    struct str s;
    const struct json_want want = {"model_type", true, 1, NAME_BYTES};
    int r = json_text(o, &want, &s, e);
    if (r)
        return r;
    for (int f = 0; f < MODEL_FAMILIES; f++) {
        if (str_is(s, families[f])) {
            *ret = (enum model_family)f;
            return OTK_OK;
        }
    }
    return err_field(e, OTK_EFORMAT, "model_type",
                     "'" STR_FMT "' is not supported; bert, distilbert, "
                     "roberta and xlm-roberta are",
                     STR_ARG(s));
}

static int read_activation(const json_t *o, struct model_config *c,
                           struct err *e)
{
    /* those of the third to fifth name are the same function, summed in
     * another order */
    static const struct word words[] = {
        {"gelu", ACTIVATION_GELU},
        {"gelu_python", ACTIVATION_GELU},
        {"gelu_new", ACTIVATION_GELU_NEW},
        {"gelu_fast", ACTIVATION_GELU_NEW},
        {"gelu_pytorch_tanh", ACTIVATION_GELU_NEW},
        {"relu", ACTIVATION_RELU},
    };
    const char *field =
        c->family == MODEL_DISTILBERT ? "activation" : "hidden_act";
    int x = ACTIVATION_GELU;
    int r = READ_WORD(o, field, words, &x, e);
    c->activation = (enum model_activation)x;
    return r;
}

static int read_problem(const json_t *o, struct model_config *c, struct err *e)
{
    static const struct word words[] = {
        {"single_label_classification", PROBLEM_ONE_LABEL},
        {"multi_label_classification", PROBLEM_MANY_LABELS},
        {"regression", PROBLEM_REGRESSION},
    };
    int x = PROBLEM_UNSAID;
    int r = READ_WORD(o, "problem_type", words, &x, e);
    c->problem = (enum model_problem)x;
    return r;
}

/* ---- numbers
 * ------------------------------------------------------------------------ */

static int read_size(const json_t *o, const char *field, int64_t preset,
                     int64_t min, int64_t max, size_t *ret, struct err *e)
{
    const struct json_want want = {field, false, min, max};
    int64_t x = preset;
    int r = json_whole(o, &want, &x, e);
    *ret = (size_t)x;
    return r == OTK_ENOENT ? OTK_OK : r;
}

struct size_field {
    const char *name, *distilbert; /* as the families call it */
    int64_t min, max;
    int64_t preset[MODEL_FAMILIES];
    size_t at; /* in struct model_config */
};
#define AT(member) offsetof(struct model_config, member)

static const struct size_field sizes[] = {
    {"vocab_size",
     "vocab_size",
     1,
     MODEL_VOCAB_MAX,
     {30522, 30522, 50265, 30522},
     AT(vocab)},
    {"hidden_size",
     "dim",
     1,
     MODEL_HIDDEN_MAX,
     {768, 768, 768, 768},
     AT(hidden)},
    {"num_hidden_layers",
     "n_layers",
     1,
     MODEL_LAYERS_MAX,
     {12, 6, 12, 12},
     AT(layers)},
    {"num_attention_heads",
     "n_heads",
     1,
     HEADS_MAX,
     {12, 12, 12, 12},
     AT(heads)},
    {"intermediate_size",
     "hidden_dim",
     1,
     MODEL_INNER_MAX,
     {3072, 3072, 3072, 3072},
     AT(inner)},
    {"max_position_embeddings",
     "max_position_embeddings",
     1,
     MODEL_POSITIONS_MAX,
     {512, 512, 512, 512},
     AT(max_positions)},
    {"type_vocab_size", NULL, 1, MODEL_VOCAB_MAX, {2, 0, 2, 2}, AT(type_vocab)},
    {"pad_token_id",
     "pad_token_id",
     0,
     MODEL_VOCAB_MAX,
     {0, 0, 1, 1},
     AT(pad_id)},
};

static int read_sizes(const json_t *o, struct model_config *c, struct err *e)
{
    int r = OTK_OK;
    for (size_t i = 0; !r && i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const struct size_field *f = &sizes[i];
        bool distil = c->family == MODEL_DISTILBERT;
        const char *name = distil ? f->distilbert : f->name;
        if (name)
            r = read_size(o, name, f->preset[c->family], f->min, f->max,
                          (size_t *)(void *)((char *)c + f->at), e);
    }
    return r;
}

static int read_eps(const json_t *o, struct model_config *c, struct err *e)
{
    const double preset = 1e-12;
    const double max = 0.1;
    const json_t *v = json_object_get(o, "layer_norm_eps");
    c->layer_norm_eps = preset;
    /* DistilBERT's is written into its program */
    if (!v || json_is_null(v) || c->family == MODEL_DISTILBERT)
        return OTK_OK;
    double x = json_number_value(v);
    if (!json_is_number(v) || !(x > 0) || x > max)
        return err_field(e, OTK_EFORMAT, "layer_norm_eps",
                         "must be a number above 0, at most 0.1");
    c->layer_norm_eps = x;
    return OTK_OK;
}

/* What must hold between the fields. */
static int check(struct model_config *c, struct err *e)
{
    bool roberta = c->family == MODEL_ROBERTA || c->family == MODEL_XLM_ROBERTA;
    bool distil = c->family == MODEL_DISTILBERT;
    if (c->hidden % c->heads)
        return err_field(
            e, OTK_EFORMAT, distil ? "n_heads" : "num_attention_heads",
            "%zu do not divide a width of %zu", c->heads, c->hidden);
    if (c->pad_id >= c->vocab)
        return err_field(e, OTK_EFORMAT, "pad_token_id",
                         "is %zu, but there are %zu tokens", c->pad_id,
                         c->vocab);
    c->position_offset = roberta ? c->pad_id + 1 : 0;
    if (c->position_offset >= c->max_positions)
        return err_field(e, OTK_EFORMAT, "max_position_embeddings",
                         "is %zu, but tokens begin at position %zu",
                         c->max_positions, c->position_offset);
    c->max_tokens = c->max_positions - c->position_offset;
    return OTK_OK;
}

/* ---- what would be another network
 * ------------------------------------------------------------------------ */

static bool is_empty(const json_t *v)
{
    return !v || json_is_null(v) || json_is_false(v) ||
           (json_is_object(v) && json_object_size(v) == 0) ||
           (json_is_array(v) && json_array_size(v) == 0);
}

static int refuse_unknown(const json_t *o, struct err *e)
{
    static const struct word positions[] = {{"absolute", 0}};
    static const struct {
        const char *field, *why;
    } rows[] = {
        {"is_decoder", "decoders are not supported"},
        {"is_encoder_decoder", "decoders are not supported"},
        {"add_cross_attention", "decoders are not supported"},
        {"pruned_heads", "pruned heads are not supported"},
        {"quantization_config",
         "quantized models are not supported; save it as F32, F16 or BF16"},
        {"auto_map", "a program of its own is not run"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!is_empty(json_object_get(o, rows[i].field)))
            return err_field(e, OTK_EFORMAT, rows[i].field, "%s", rows[i].why);
    }
    int unused = 0;
    return READ_WORD(o, "position_embedding_type", positions, &unused, e);
}

/* ---- labels
 * ------------------------------------------------------------------------ */

static int read_labels(json_t *map, struct arena *a, struct model_config *c,
                       struct err *e)
{
    static const char field[] = "id2label";
    size_t n = json_object_size(map);
    if (!json_is_object(map) || n < 1 || n > MODEL_LABELS_MAX)
        return err_field(e, OTK_EFORMAT, field,
                         "must be an object of 1 to %d labels",
                         MODEL_LABELS_MAX);
    c->n_labels = n;
    c->labels = ARENA_ARRAY(a, const char *, n);
    void *i = json_object_iter(map);
    for (; i; i = json_object_iter_next(map, i)) {
        const char *key = json_object_iter_key(i);
        const json_t *v = json_object_iter_value(i);
        struct str label = {json_string_value(v), json_string_length(v)};
        int64_t id;
        if (str_to_int(str_from(key), &id) || id < 0 || id >= (int64_t)n ||
            c->labels[id])
            return err_field(e, OTK_EFORMAT, field,
                             "'%.40s': %zu labels have the numbers 0 to %zu, "
                             "each once",
                             key, n, n - 1);
        if (!json_is_string(v) || !label.n || label.n > MODEL_LABEL_BYTES)
            return err_field(e, OTK_EFORMAT, field,
                             "label %" PRId64 " must be a text of 1 to %d "
                             "bytes",
                             id, MODEL_LABEL_BYTES);
        c->labels[id] = arena_copy(a, label);
    }
    return OTK_OK;
}

/*
 * label2id is not needed, and often keeps names that nobody uses. But where it
 * has a label under another number than id2label, one of them lies, and nobody
 * can say which answer is meant.
 */
static int check_numbers(const json_t *o, const struct model_config *c,
                         struct err *e)
{
    const json_t *map = json_object_get(o, "label2id");
    for (size_t i = 0; i < c->n_labels; i++) {
        const json_t *v = json_object_get(map, c->labels[i]);
        if (v && (!json_is_integer(v) || json_integer_value(v) != (int64_t)i))
            return err_field(e, OTK_EFORMAT, "label2id",
                             "'%.60s' has another number than in id2label, "
                             "where it is %zu",
                             c->labels[i], i);
    }
    return OTK_OK;
}

static bool is_classifier(const json_t *o)
{
    const json_t *list = json_object_get(o, "architectures");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (name && str_ends(str_from(name), "ForSequenceClassification"))
            return true;
    }
    return false;
}

/* transformers does not write the labels of a classifier of two classes that
 * nobody named. */
static int name_labels(const json_t *o, struct arena *a, struct model_config *c,
                       struct err *e)
{
    enum { UNNAMED = 2 };
    size_t n = 0;
    int r = read_size(o, "num_labels", is_classifier(o) ? UNNAMED : 0, 0,
                      MODEL_LABELS_MAX, &n, e);
    if (r)
        return r;
    c->n_labels = n;
    c->labels = ARENA_ARRAY(a, const char *, n);
    for (size_t i = 0; i < n; i++)
        c->labels[i] = arena_printf(a, "LABEL_%zu", i);
    return OTK_OK;
}

/* ---- the file
 * ------------------------------------------------------------------------ */

static int read_config(const json_t *o, struct arena *a, struct model_config *c,
                       struct err *e)
{
    int r = read_family(o, &c->family, e);
    if (!r)
        r = refuse_unknown(o, e);
    if (!r)
        r = read_sizes(o, c, e);
    if (!r)
        r = read_eps(o, c, e);
    if (!r)
        r = read_activation(o, c, e);
    if (!r)
        r = read_problem(o, c, e);
    if (!r)
        r = check(c, e);
    if (r)
        return r;
    json_t *labels = json_object_get(o, "id2label");
    if (!labels || json_is_null(labels))
        return name_labels(o, a, c, e);
    r = read_labels(labels, a, c, e);
    return r ? r : check_numbers(o, c, e);
}

int model_config_parse(struct str text, struct arena *a,
                       struct model_config *ret, struct err *e)
{
    SCOPED(scope_json) json_t *o = NULL;
    struct model_config c = {0};
    int r = json_measure(text, DEPTH, VALUES, e);
    if (!r)
        r = json_read(text, FILE_BYTES, &o, e);
    if (!r)
        r = read_config(o, a, &c, e);
    if (!r)
        *ret = c;
    return r;
}

int model_config_read(const char *folder, struct arena *a,
                      struct model_config *ret, struct err *e)
{
    char path[PATH_BYTES];
    struct buf text = BUF_INIT(FILE_BYTES);
    (void)snprintf(path, sizeof(path), "%s/config.json", folder);
    int r = file_read(path, &text, e);
    if (!r && (r = model_config_parse(buf_str(&text), a, ret, e)))
        (void)err_place(e, r, "%s", path);
    buf_free(&text);
    return r;
}

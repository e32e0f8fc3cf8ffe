/* SPDX-License-Identifier: Apache-2.0 */
#include "model/new.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rand.h"
#include "model/config.h"
#include "model/names.h"
#include "model/weight.h"
#include "model/weights.h"
#include "model/wordpiece_train.h"

enum {
    HIDDEN_MAX = 4096,
    LAYERS_MAX = 48,
    POSITIONS_MAX = 8192,
    HEAD_WIDTH = 64,
    INNER = 4, /* times the width */
    FILE_BYTES = 64 << 20,
    FILE_MODE = 0644,
    TENSORS_MAX = ROLE_HEAD * (LAYERS_MAX + 1),
};
#define PARAMETERS_MAX ((size_t)2000000000)
static const double WIDTH = 0.02; /* of the weights, as BERT's */

static const char *const files[] = {"vocab.txt", "tokenizer_config.json",
                                    "config.json", "model.safetensors"};

/* ---- options
 * ------------------------------------------------------------------------ */

static size_t or_usual(size_t x, size_t usual)
{
    return x ? x : usual;
}

static int settle(struct new_options *o, struct err *e)
{
    o->layers = or_usual(o->layers, 4);
    o->hidden = or_usual(o->hidden, 256);
    o->vocab = or_usual(o->vocab, 8000);
    o->positions = or_usual(o->positions, 512);
    o->seed = o->seed ? o->seed : 1;
    if (o->layers > LAYERS_MAX || o->hidden > HIDDEN_MAX || o->positions < 8 ||
        o->positions > POSITIONS_MAX)
        return err_set(e, OTK_EINVAL,
                       "%zu layers, %zu wide, %zu tokens of a text; at most "
                       "%d, %d and 8 to %d",
                       o->layers, o->hidden, o->positions, LAYERS_MAX,
                       HIDDEN_MAX, POSITIONS_MAX);
    if (o->heads == 0) {
        o->heads = or_usual(o->hidden / HEAD_WIDTH, 1);
        while (o->hidden % o->heads)
            o->heads--;
    }
    if (o->hidden % o->heads)
        return err_set(e, OTK_EINVAL, "%zu heads do not divide a width of %zu",
                       o->heads, o->hidden);
    return OTK_OK;
}

/* ---- the files
 * ----------------------------------------------------------------------- */

static int write_file(const char *folder, const char *name, struct buf *b,
                      struct err *e)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    int r = buf_check(b) ? err_set(e, OTK_ELIMIT, "%s: more than %d bytes",
                                   path, FILE_BYTES)
                         : file_write(path, buf_str(b), FILE_MODE, e);
    buf_free(b);
    return r;
}

static int write_vocabulary(const char *folder,
                            const struct wordpiece_vocabulary *v, struct err *e)
{
    struct buf b = BUF_INIT(FILE_BYTES);
    for (size_t i = 0; i < v->n; i++) {
        buf_put_str(&b, v->tokens[i]);
        buf_putc(&b, '\n');
    }
    return write_file(folder, files[0], &b, e);
}

/* й and ё keep their marks: "strip_accents" is not said by do_lower_case. */
static int write_tokenizer(const char *folder, const struct new_options *o,
                           struct err *e)
{
    struct buf b = BUF_INIT(FILE_BYTES);
    buf_printf(&b,
               "{\n  \"tokenizer_class\": \"BertTokenizer\",\n"
               "  \"do_lower_case\": true,\n  \"strip_accents\": false,\n"
               "  \"tokenize_chinese_chars\": true,\n"
               "  \"cls_token\": \"[CLS]\",\n  \"mask_token\": \"[MASK]\",\n"
               "  \"pad_token\": \"[PAD]\",\n  \"sep_token\": \"[SEP]\",\n"
               "  \"unk_token\": \"[UNK]\",\n  \"model_max_length\": %zu\n}\n",
               o->positions);
    return write_file(folder, files[1], &b, e);
}

static int write_config(const char *folder, const struct model_config *c,
                        struct err *e)
{
    struct buf b = BUF_INIT(FILE_BYTES);
    buf_printf(&b,
               "{\n  \"architectures\": [\"BertModel\"],\n"
               "  \"model_type\": \"bert\",\n  \"vocab_size\": %zu,\n"
               "  \"hidden_size\": %zu,\n  \"num_hidden_layers\": %zu,\n"
               "  \"num_attention_heads\": %zu,\n"
               "  \"intermediate_size\": %zu,\n  \"hidden_act\": \"gelu\",\n"
               "  \"max_position_embeddings\": %zu,\n"
               "  \"type_vocab_size\": %zu,\n  \"layer_norm_eps\": 1e-12,\n"
               "  \"pad_token_id\": 0\n}\n",
               c->vocab, c->hidden, c->layers, c->heads, c->inner,
               c->max_positions, c->type_vocab);
    return write_file(folder, files[2], &b, e);
}

/* ---- weights
 * ------------------------------------------------------------------------ */

/* Names and shapes of all tensors, without the head that labels have. */
static size_t list_tensors(const struct model_config *c, struct arena *a,
                           struct weight *ret, size_t *ret_n)
{
    const struct names names = {.config = c, .prefix = ""};
    size_t sum = 0;
    *ret_n = 0;
    for (size_t layer = 0; layer < c->layers; layer++) {
        for (int role = 0; role < (int)ROLE_HEAD; role++) {
            char name[NAMES_BYTES];
            struct weight *x = &ret[*ret_n];
            *x = (struct weight){.type = WEIGHT_F32};
            x->n_dims = names_about(&names, (enum weight_role)role, layer, name,
                                    x->dims);
            if (x->n_dims == 0)
                continue;
            x->name = str_from(arena_copy(a, str_from(name)));
            /* settle() keeps what is multiplied far below a size_t's end */
            (void)weight_size(x->type, x->dims, x->n_dims, &x->bytes);
            sum += weight_count(x);
            (*ret_n)++;
        }
    }
    return sum;
}

/* Matrices by chance, norms one, biases zero. */
static void fill(struct weight *x, float *values, struct rand *chance)
{
    size_t n = weight_count(x);
    if (x->n_dims > 1)
        rand_normal(chance, WIDTH, values, n);
    else if (str_ends(x->name, ".weight"))
        for (size_t i = 0; i < n; i++)
            values[i] = 1;
    x->data = values;
}

static int write_weights(const char *folder, const struct model_config *c,
                         uint64_t seed, struct arena *a, size_t *ret,
                         struct err *e)
{
    char path[PATH_MAX];
    size_t n;
    size_t at = 0;
    struct rand chance;
    struct weight *list = ARENA_ARRAY(a, struct weight, TENSORS_MAX);
    *ret = list_tensors(c, a, list, &n);
    float *values =
        *ret <= PARAMETERS_MAX ? mem_try(*ret, sizeof(*values)) : NULL;
    if (!values)
        return err_set(e, OTK_ELIMIT, "no memory for %zu parameters", *ret);
    rand_init(&chance, seed);
    for (size_t i = 0; i < n; i++) {
        fill(&list[i], values + at, &chance);
        at += weight_count(&list[i]);
    }
    (void)snprintf(path, sizeof(path), "%s/%s", folder, files[3]);
    int r = weights_write(path, list, n, e);
    free(values);
    return r;
}

/* ---- the whole
 * -------------------------------------------------------------------------- */

static void give_up(const char *folder)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

static int taken(const char *folder, struct err *e)
{
    return err_set(e, OTK_ECONFLICT,
                   "%s is there already; remove it or take another name",
                   folder);
}

static int make(const char *folder, const struct new_options *o,
                const struct wordpiece_vocabulary *v, struct arena *a,
                struct new_report *ret, struct err *e)
{
    const struct model_config c = {
        .family = MODEL_BERT,
        .vocab = v->n,
        .hidden = o->hidden,
        .layers = o->layers,
        .heads = o->heads,
        .inner = INNER * o->hidden,
        .max_positions = o->positions,
        .type_vocab = 2,
    };
    int r = file_make_dir(folder, e);
    if (!r)
        r = write_vocabulary(folder, v, e);
    if (!r)
        r = write_tokenizer(folder, o, e);
    if (!r)
        r = write_config(folder, &c, e);
    if (!r)
        r = write_weights(folder, &c, o->seed, a, &ret->parameters, e);
    ret->vocab = v->n;
    ret->heads = o->heads;
    return r;
}

int model_new(const char *folder, const struct str *texts, size_t n,
              const struct new_options *o, struct new_report *ret,
              struct err *e)
{
    char made[PATH_MAX - 64]; /* the names of its files fit behind it */
    struct wordpiece_vocabulary v;
    struct new_options settled = *o;
    int r = settle(&settled, e);
    if (r)
        return r;
    int len = snprintf(made, sizeof(made), "%s.new-%d", folder, (int)getpid());
    if (len < 0 || (size_t)len >= sizeof(made))
        return err_set(e, OTK_ELIMIT, "%.80s…: path too long", folder);
    if (file_exists(folder))
        return taken(folder, e);
    struct arena *a = arena_new();
    r = wordpiece_train(texts, n, settled.vocab, a, &v, e);
    if (!r) {
        r = make(made, &settled, &v, a, ret, e);
        if (!r && rename(made, folder))
            r = errno == EEXIST || errno == ENOTEMPTY
                    ? taken(folder, e)
                    : err_errno(e, OTK_EIO, "put the model into %s", folder);
        if (r)
            give_up(made);
    }
    arena_free(a);
    return r;
}

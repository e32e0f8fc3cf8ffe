/* SPDX-License-Identifier: Apache-2.0 */
#include "model/names.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/config.h"
#include "model/weights.h"

/* ---- tables
 * ------------------------------------------------------------------------
 *
 * One row a weight, which stands for its bias too. "~" is the encoder's
 * prefix, "#" the number of the layer; NULL: the family has none.
 */

enum { MODULES = 14 };

static int module_of(enum weight_role role)
{
    return role < ROLE_EMBEDDING_NORM
               ? (int)role
               : (int)ROLE_EMBEDDING_NORM +
                     ((int)role - (int)ROLE_EMBEDDING_NORM) / 2;
}

static bool is_bias(enum weight_role role)
{
    return role > ROLE_EMBEDDING_NORM && (role - ROLE_EMBEDDING_NORM) % 2;
}

#define BERT_LAYERS                                                            \
    "~embeddings.word_embeddings", "~embeddings.position_embeddings",          \
        "~embeddings.token_type_embeddings", "~embeddings.LayerNorm",          \
        "~encoder.layer.#.attention.self.query",                               \
        "~encoder.layer.#.attention.self.key",                                 \
        "~encoder.layer.#.attention.self.value",                               \
        "~encoder.layer.#.attention.output.dense",                             \
        "~encoder.layer.#.attention.output.LayerNorm",                         \
        "~encoder.layer.#.intermediate.dense",                                 \
        "~encoder.layer.#.output.dense", "~encoder.layer.#.output.LayerNorm"

static const struct family {
    const char *prefix;
    const char *modules[MODULES];
} families[MODEL_FAMILIES] = {
    [MODEL_BERT] = {"bert.", {BERT_LAYERS, "~pooler.dense", "classifier"}},
    [MODEL_DISTILBERT] =
        {"distilbert.",
         {"~embeddings.word_embeddings", "~embeddings.position_embeddings",
          NULL, "~embeddings.LayerNorm", "~transformer.layer.#.attention.q_lin",
          "~transformer.layer.#.attention.k_lin",
          "~transformer.layer.#.attention.v_lin",
          "~transformer.layer.#.attention.out_lin",
          "~transformer.layer.#.sa_layer_norm", "~transformer.layer.#.ffn.lin1",
          "~transformer.layer.#.ffn.lin2",
          "~transformer.layer.#.output_layer_norm", "pre_classifier",
          "classifier"}},
    [MODEL_ROBERTA] = {"roberta.",
                       {BERT_LAYERS, "classifier.dense",
                        "classifier.out_proj"}},
    [MODEL_XLM_ROBERTA] = {"roberta.",
                           {BERT_LAYERS, "classifier.dense",
                            "classifier.out_proj"}},
};

/* ---- names
 * ------------------------------------------------------------------------ */

static void put_name(const struct names *n, const char *module, size_t layer,
                     const char *ending, char ret[NAMES_BYTES])
{
    struct buf b = BUF_INIT(NAMES_BYTES - 1);
    for (; *module; module++) {
        if (*module == '~')
            buf_puts(&b, n->prefix);
        else if (*module == '#')
            buf_printf(&b, "%zu", layer);
        else
            buf_putc(&b, *module);
    }
    buf_puts(&b, ending);
    (void)snprintf(ret, NAMES_BYTES, "%s", b.ptr);
    buf_free(&b);
}

/* The tensor, or NULL; `name` is what it is or should be called. */
static const struct weight *look(const struct names *n, enum weight_role role,
                                 size_t layer, char name[NAMES_BYTES])
{
    static const char *const endings[2][2] = {{".weight", ".gamma"},
                                              {".bias", ".beta"}};
    const char *module = families[n->config->family].modules[module_of(role)];
    const char *const *ending = endings[is_bias(role)];
    const struct weight *x;
    put_name(n, module, layer, ending[1], name);
    x = weights_find(n->weights, str_from(name));
    if (!x) {
        put_name(n, module, layer, ending[0], name);
        x = weights_find(n->weights, str_from(name));
    }
    return x;
}

int names_init(struct names *n, const struct weights *w,
               const struct model_config *c, struct err *e)
{
    char name[NAMES_BYTES];
    *n = (struct names){w, c, families[c->family].prefix};
    if (look(n, ROLE_WORDS, 0, name))
        return OTK_OK;
    n->prefix = "";
    if (look(n, ROLE_WORDS, 0, name))
        return OTK_OK;
    return err_set(e, OTK_EFORMAT,
                   "%s: the files have neither '%s%s' nor the same without "
                   "'%s': is this a model of %s, as config.json says?",
                   weights_folder(w), families[c->family].prefix, name,
                   families[c->family].prefix, model_family_name(c->family));
}

/* ---- shapes
 * ------------------------------------------------------------------------ */

/* What the config promises; how many dimensions. */
static int shape_of(const struct model_config *c, enum weight_role role,
                    size_t ret[2])
{
    ret[0] = ret[1] = c->hidden;
    switch (role) {
    case ROLE_WORDS: ret[0] = c->vocab; return 2;
    case ROLE_POSITIONS: ret[0] = c->max_positions; return 2;
    case ROLE_TYPES: ret[0] = c->type_vocab; return 2;
    case ROLE_INNER: ret[0] = c->inner; return 2;
    case ROLE_OUTER: ret[1] = c->inner; return 2;
    case ROLE_LABELS: ret[0] = c->n_labels; return 2;
    case ROLE_QUERY:
    case ROLE_KEY:
    case ROLE_VALUE:
    case ROLE_ATTENTION_OUT:
    case ROLE_HEAD: return 2;
    case ROLE_INNER_BIAS: ret[0] = c->inner; return 1;
    case ROLE_LABELS_BIAS: ret[0] = c->n_labels; return 1;
    default: return 1;
    }
}

static int check_shape(const struct model_config *c, enum weight_role role,
                       const struct weight *x, struct err *e)
{
    size_t want[2];
    int n = shape_of(c, role, want);
    if (x->n_dims == n && memcmp(x->dims, want, (size_t)n * sizeof(*want)) == 0)
        return OTK_OK;
    char has[WEIGHT_SHAPE_TEXT];
    char wants[WEIGHT_SHAPE_TEXT];
    weight_print_shape(x->dims, x->n_dims, has);
    weight_print_shape(want, n, wants);
    return err_set(e, OTK_EFORMAT,
                   "%s: tensor '" STR_FMT "' is of shape %s, by config.json "
                   "it must be %s",
                   x->file, STR_ARG(x->name), has, wants);
}

/* ---- finding
 * ------------------------------------------------------------------------ */

static bool in_layers(enum weight_role role)
{
    return role >= ROLE_QUERY && role <= ROLE_LAYER_NORM_BIAS;
}

static bool has_role(const struct names *n, enum weight_role role)
{
    return families[n->config->family].modules[module_of(role)] != NULL;
}

int names_find(const struct names *n, enum weight_role role, size_t layer,
               const struct weight **ret, struct err *e)
{
    char name[NAMES_BYTES];
    if (role >= ROLES || !has_role(n, role) || layer >= n->config->layers)
        return err_set(e, OTK_EINVAL, "%s has no role %d in layer %zu",
                       model_family_name(n->config->family), (int)role, layer);
    const struct weight *x = look(n, role, layer, name);
    if (!x)
        return err_set(e, OTK_EFORMAT, "%s: tensor '%s' is missing",
                       weights_folder(n->weights), name);
    int r = check_shape(n->config, role, x, e);
    if (!r)
        *ret = x;
    return r;
}

int names_about(const struct names *n, enum weight_role role, size_t layer,
                char ret_name[NAMES_BYTES], size_t ret_dims[2])
{
    if (role >= ROLES || !has_role(n, role) ||
        layer >= (in_layers(role) ? n->config->layers : 1))
        return 0;
    put_name(n, families[n->config->family].modules[module_of(role)], layer,
             is_bias(role) ? ".bias" : ".weight", ret_name);
    return shape_of(n->config, role, ret_dims);
}

const struct weight *names_module(const struct names *n, struct str path)
{
    char name[NAMES_BYTES];
    const char *prefix = families[n->config->family].prefix;
    int len = snprintf(name, sizeof(name), STR_FMT ".weight", STR_ARG(path));
    if (len < 0 || (size_t)len >= sizeof(name))
        return NULL;
    const struct weight *x = weights_find(n->weights, str_from(name));
    if (x)
        return x;
    if (str_starts(path, prefix))
        path = str_sub(path, strlen(prefix), path.n);
    len = snprintf(name, sizeof(name), "%s" STR_FMT ".weight", n->prefix,
                   STR_ARG(path));
    if (len < 0 || (size_t)len >= sizeof(name))
        return NULL;
    return weights_find(n->weights, str_from(name));
}

bool names_has_labels(const struct names *n)
{
    char name[NAMES_BYTES];
    return n->config->n_labels > 0 && look(n, ROLE_HEAD, 0, name) &&
           look(n, ROLE_LABELS, 0, name);
}

/* Every tensor is there; those that are not are listed as far as they fit. */
static int check_missing(const struct names *n, enum weight_role end,
                         struct err *e)
{
    enum { LISTED = 200 };
    struct buf list = BUF_INIT(LISTED);
    char name[NAMES_BYTES];
    size_t missing = 0;
    for (int role = 0; role < (int)end; role++) {
        enum weight_role one = (enum weight_role)role;
        size_t layers = in_layers(one) ? n->config->layers : 1;
        for (size_t i = 0; has_role(n, one) && i < layers; i++) {
            if (look(n, one, i, name))
                continue;
            if (list.len + strlen(name) + 2 <= LISTED)
                buf_printf(&list, "%s%s", missing ? ", " : "", name);
            missing++;
        }
    }
    int r = OTK_OK;
    if (missing)
        r = err_set(e, OTK_EFORMAT, "%s: %zu %s missing: %s",
                    weights_folder(n->weights), missing,
                    missing == 1 ? "tensor is" : "tensors are", list.ptr);
    buf_free(&list);
    return r;
}

int names_check(const struct names *n, bool labels, struct err *e)
{
    enum weight_role end = labels ? ROLES : ROLE_HEAD;
    const struct weight *x;
    if (labels && !n->config->n_labels)
        return err_set(e, OTK_EFORMAT,
                       "%s/config.json: id2label: the field is missing: this "
                       "is no classifier",
                       weights_folder(n->weights));
    int r = check_missing(n, end, e);
    for (int role = 0; !r && role < (int)end; role++) {
        enum weight_role one = (enum weight_role)role;
        size_t layers = in_layers(one) ? n->config->layers : 1;
        for (size_t i = 0; !r && has_role(n, one) && i < layers; i++)
            r = names_find(n, one, i, &x, e);
    }
    return r;
}

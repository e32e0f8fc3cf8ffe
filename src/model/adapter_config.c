/* SPDX-License-Identifier: Apache-2.0 */
/* adapter_config.json of peft: what is known is read, what is harmless passed
 * over, and everything else must be off. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "model/adapter.h"

enum {
    FILE_BYTES = 1 << 20,
    DEPTH = 16,
    VALUES = 20000,
    TEXT_BYTES = 500,
};

/* These say how it was taught, or are read below. */
static const char *const known[] = {"peft_type",
                                    "auto_mapping",
                                    "base_model_name_or_path",
                                    "revision",
                                    "inference_mode",
                                    "task_type",
                                    "r",
                                    "lora_alpha",
                                    "lora_dropout",
                                    "target_modules",
                                    "exclude_modules",
                                    "layers_to_transform",
                                    "layers_pattern",
                                    "bias",
                                    "init_lora_weights",
                                    "use_rslora",
                                    "megatron_core",
                                    "qalora_group_size",
                                    "peft_version"};

static bool is_known(const char *name)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (strcmp(known[i], name) == 0)
            return true;
    }
    return false;
}

static bool is_off(const json_t *v)
{
    return json_is_null(v) || json_is_false(v) ||
           (json_is_array(v) && json_array_size(v) == 0) ||
           (json_is_object(v) && json_object_size(v) == 0) ||
           (json_is_string(v) && json_string_length(v) == 0);
}

static int unsupported(struct err *e, const char *field, const char *why)
{
    return err_field(e, OTK_EFORMAT, field,
                     "%s; merge the adapter with peft's merge_and_unload() and "
                     "take the whole model",
                     why);
}

/* use_dora, modules_to_save, rank_pattern, and what is yet to be invented. */
static int refuse_unknown(json_t *o, struct err *e)
{
    void *i = json_object_iter(o);
    for (; i; i = json_object_iter_next(o, i)) {
        const char *key = json_object_iter_key(i);
        if (!is_known(key) && !is_off(json_object_iter_value(i)))
            return unsupported(e, key, "the setting is not supported");
    }
    return OTK_OK;
}

static int read_kind(const json_t *o, struct err *e)
{
    static const struct json_want kind = {"peft_type", true, 1, TEXT_BYTES};
    static const struct json_want bias = {"bias", false, 0, TEXT_BYTES};
    static const char *const plain[] = {"gaussian", "orthogonal", "eva"};
    struct str s;
    struct str biases = STR("none");
    int r = json_text(o, &kind, &s, e);
    if (!r && !str_is(s, "LORA"))
        return unsupported(e, kind.name, "only LORA is supported");
    if (!r)
        r = json_text(o, &bias, &biases, e);
    if (r && r != OTK_ENOENT)
        return r;
    if (!str_is(biases, "none"))
        return unsupported(e, bias.name,
                           "biases that were taught are not "
                           "supported");
    /* other ways to begin change the model that the adapter belongs to */
    const json_t *init = json_object_get(o, "init_lora_weights");
    bool good = !init || json_is_boolean(init) || json_is_null(init);
    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
        good |= json_is_string(init) &&
                strcmp(json_string_value(init), plain[i]) == 0;
    return good ? OTK_OK
                : unsupported(e, "init_lora_weights",
                              "an adapter that changed its base model is not "
                              "supported");
}

static int read_scale(const json_t *o, struct adapter_config *c, struct err *e)
{
    static const struct json_want rank = {"r", true, 1, ADAPTER_RANK_MAX};
    static const struct json_want root = {"use_rslora", false, 0, 0};
    const json_t *alpha = json_object_get(o, "lora_alpha");
    int64_t r = 0;
    bool rooted = false;
    int rc = json_whole(o, &rank, &r, e);
    if (rc)
        return rc;
    rc = json_flag(o, &root, &rooted, e);
    if (rc && rc != OTK_ENOENT)
        return rc;
    double a = json_number_value(alpha);
    if (!json_is_number(alpha) || !isfinite(a) || fabs(a) > 1e6)
        return err_field(e, OTK_EFORMAT, "lora_alpha",
                         "must be a number of at most 1000000");
    c->rank = (size_t)r;
    c->scale = a / (rooted ? sqrt((double)r) : (double)r);
    return OTK_OK;
}

/* A list of names; a pattern as text is not asked: the file has what it has. */
static int read_targets(const json_t *o, struct arena *a,
                        struct adapter_config *c, struct err *e)
{
    static const char field[] = "target_modules";
    const json_t *list = json_object_get(o, field);
    size_t n = json_array_size(list);
    if (!list || json_is_null(list) || json_is_string(list))
        return OTK_OK;
    if (!json_is_array(list) || n > ADAPTER_TARGETS_MAX)
        return err_field(e, OTK_EFORMAT, field,
                         "must be a list of at most %d names",
                         ADAPTER_TARGETS_MAX);
    c->targets = ARENA_ARRAY(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        struct str name = {json_string_value(v), json_string_length(v)};
        if (name.n == 0 || name.n > TEXT_BYTES)
            return err_field(e, OTK_EFORMAT, field,
                             "each must be a name of 1 to %d bytes",
                             TEXT_BYTES);
        c->targets[c->n_targets++] = arena_copy(a, name);
    }
    return OTK_OK;
}

static int read_config(json_t *o, struct arena *a, struct adapter_config *c,
                       struct err *e)
{
    static const struct json_want base = {"base_model_name_or_path", false, 0,
                                          4096};
    struct str name = {0};
    int r = json_is_object(o) ? OTK_OK
                              : err_set(e, OTK_EFORMAT, "must be an object");
    if (!r)
        r = read_kind(o, e);
    if (!r)
        r = refuse_unknown(o, e);
    if (!r)
        r = read_scale(o, c, e);
    if (!r)
        r = read_targets(o, a, c, e);
    if (r)
        return r;
    r = json_text(o, &base, &name, e);
    if (name.n)
        c->base = arena_copy(a, name);
    return r == OTK_ENOENT ? OTK_OK : r;
}

int adapter_parse(struct str text, struct arena *a, struct adapter_config *ret,
                  struct err *e)
{
    SCOPED(scope_json) json_t *o = NULL;
    struct adapter_config c = {0};
    int r = json_measure(text, DEPTH, VALUES, e);
    if (!r)
        r = json_read(text, FILE_BYTES, &o, e);
    if (!r)
        r = read_config(o, a, &c, e);
    if (!r)
        *ret = c;
    return r;
}

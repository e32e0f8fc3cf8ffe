/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pooling.h"

#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "model/config.h"

enum {
    PATH_BYTES = 4096,
    FILE_BYTES = 1 << 20,
    MODULES_MAX = 10,
    MODULE_TEXT = 200,
};

/* OTK_ENOENT, without filling `e`, when the file is not there. */
static int read_file(const char *folder, const char *name,
                     char path[PATH_BYTES], json_t **ret, struct err *e)
{
    struct buf text = BUF_INIT(FILE_BYTES);
    (void)snprintf(path, PATH_BYTES, "%s/%s", folder, name);
    if (!file_exists(path))
        return OTK_ENOENT;
    int r = file_read(path, &text, e);
    if (!r && (r = json_read(buf_str(&text), FILE_BYTES, ret, e)))
        (void)err_place(e, r, "%s", path);
    buf_free(&text);
    return r;
}

/* ---- 1_Pooling/config.json
 * ------------------------------------------------------------------------ */

static int unknown_kind(const char *field, struct err *e)
{
    return err_field(e, OTK_EFORMAT, field,
                     "only the mean and the first token (cls) are supported");
}

/* Newer files have one word. */
static int read_word(struct str s, struct pooling *p, struct err *e)
{
    bool cls = str_is(s, "cls");
    if (!cls && !str_is(s, "mean"))
        return unknown_kind("pooling_mode", e);
    p->kind = cls ? POOLING_CLS : POOLING_MEAN;
    return OTK_OK;
}

/* Older ones have a flag for each kind; none that is set is the mean. Two that
 * are set would be two vectors end to end. */
static int read_flags(json_t *o, struct pooling *p, struct err *e)
{
    static const struct json_want mean = {"pooling_mode_mean_tokens", false, 0,
                                          0};
    static const struct json_want cls = {"pooling_mode_cls_token", false, 0, 0};
    bool is_mean = false;
    bool is_cls = false;
    int r = json_flag(o, &mean, &is_mean, e);
    if (!r || r == OTK_ENOENT)
        r = json_flag(o, &cls, &is_cls, e);
    if (r && r != OTK_ENOENT)
        return r;
    void *i = json_object_iter(o);
    for (; i; i = json_object_iter_next(o, i)) {
        struct str key = str_from(json_object_iter_key(i));
        bool known = str_is(key, mean.name) || str_is(key, cls.name);
        if (!known && str_starts(key, "pooling_mode_") &&
            json_is_true(json_object_iter_value(i)))
            return unknown_kind(key.p, e);
    }
    if (is_mean && is_cls)
        return unknown_kind(cls.name, e);
    p->kind = is_cls ? POOLING_CLS : POOLING_MEAN;
    return OTK_OK;
}

/* The width that the file tells, by its old or new name, is the encoder's. */
static int check_width(const json_t *o, size_t hidden, struct err *e)
{
    static const char *const names[] = {"word_embedding_dimension",
                                        "embedding_dimension"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct json_want want = {names[i], false, 1, INT32_MAX};
        int64_t width = (int64_t)hidden;
        int r = json_whole(o, &want, &width, e);
        if (r && r != OTK_ENOENT)
            return r;
        if (width != (int64_t)hidden)
            return err_field(e, OTK_EFORMAT, names[i],
                             "is %lld, the encoder's width is %zu",
                             (long long)width, hidden);
    }
    return OTK_OK;
}

static int read_kind(const char *folder, const char *step,
                     const struct model_config *c, struct pooling *p,
                     struct err *e)
{
    char name[MODULE_TEXT + sizeof("/config.json")];
    char path[PATH_BYTES];
    struct str word;
    const struct json_want want = {"pooling_mode", false, 1, MODULE_TEXT};
    SCOPED(scope_json) json_t *o = NULL;
    (void)snprintf(name, sizeof(name), "%s/config.json", step);
    int r = read_file(folder, name, path, &o, e);
    if (r)
        return r;
    r = check_width(o, c->hidden, e);
    if (!r) {
        r = json_text(o, &want, &word, e);
        r = r == OTK_ENOENT ? read_flags(o, p, e)
            : r             ? r
                            : read_word(word, p, e);
    }
    return r ? err_place(e, r, "%s", path) : OTK_OK;
}

/* ---- modules.json
 * ------------------------------------------------------------------------ */

/* "sentence_transformers.models.Pooling" gives "Pooling". */
static struct str last_part(struct str type)
{
    struct str part = {0};
    while (str_next(&type, '.', &part))
        ;
    return part;
}

static bool good_folder(struct str s)
{
    return s.n && s.p[0] != '.' && str_find(s, '/') == s.n;
}

struct step {
    struct str type, path;
};

static int read_step(const json_t *o, struct step *ret, struct err *e)
{
    const struct json_want type = {"type", true, 1, MODULE_TEXT};
    const struct json_want path = {"path", true, 0, MODULE_TEXT};
    int r = json_text(o, &type, &ret->type, e);
    if (!r)
        r = json_text(o, &path, &ret->path, e);
    ret->type = last_part(ret->type);
    return r;
}

static int wrong_step(size_t i, struct err *e, const char *why)
{
    return err_set(e, OTK_EFORMAT, "step %zu: %s", i + 1, why);
}

/* The encoder, how to pool, and a length of one or not: in this order.
 * `pooling` becomes the folder of the second. */
static int read_steps(const json_t *list, char pooling[MODULE_TEXT + 1],
                      struct pooling *p, struct err *e)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n < 1 || n > MODULES_MAX)
        return err_set(e, OTK_EFORMAT, "must be a list of 1 to %d steps",
                       MODULES_MAX);
    for (size_t i = 0; i < n; i++) {
        struct step s = {0};
        int r = read_step(json_array_get(list, i), &s, e);
        if (r)
            return err_place(e, r, "step %zu", i + 1);
        if (i == 0 && str_is(s.type, "Transformer")) {
            if (s.path.n)
                return wrong_step(i, e,
                                  "the encoder is in a folder of its own; move "
                                  "its files here and make 'path' empty");
        } else if (i == 1 && str_is(s.type, "Pooling")) {
            if (!good_folder(s.path))
                return wrong_step(i, e, "'path' must be a folder in this one");
            (void)snprintf(pooling, MODULE_TEXT + 1, STR_FMT, STR_ARG(s.path));
        } else if (i == 2 && str_is(s.type, "Normalize")) {
            p->normalize = true;
        } else {
            return wrong_step(i, e,
                              "only Transformer, Pooling and Normalize, in "
                              "this order, are supported");
        }
    }
    return OTK_OK;
}

/* Also without modules.json there may be a folder of the usual name. */
static int read_modules(const char *folder, const struct model_config *c,
                        struct pooling *p, struct err *e)
{
    char path[PATH_BYTES];
    char pooling[MODULE_TEXT + 1] = "";
    SCOPED(scope_json) json_t *list = NULL;
    int r = read_file(folder, "modules.json", path, &list, e);
    bool listed = r != OTK_ENOENT;
    if (listed && !r && (r = read_steps(list, pooling, p, e)))
        (void)err_place(e, r, "%s", path);
    if (listed && (r || !pooling[0]))
        return r;
    r = read_kind(folder, listed ? pooling : "1_Pooling", c, p, e);
    if (r != OTK_ENOENT)
        return r;
    return listed ? err_set(e, OTK_EFORMAT,
                            "%s: step 2: %s/config.json is not there", path,
                            pooling)
                  : OTK_OK;
}

/* ---- sentence_bert_config.json
 * ------------------------------------------------------------------------ */

static int read_length(const char *folder, struct pooling *p, struct err *e)
{
    const struct json_want length = {"max_seq_length", false, 1, INT32_MAX};
    const struct json_want fold = {"do_lower_case", false, 0, 0};
    char path[PATH_BYTES];
    SCOPED(scope_json) json_t *o = NULL;
    int64_t max = INT32_MAX;
    int r = read_file(folder, "sentence_bert_config.json", path, &o, e);
    if (r)
        return r == OTK_ENOENT ? OTK_OK : r;
    r = json_whole(o, &length, &max, e);
    if (!r || r == OTK_ENOENT)
        r = json_flag(o, &fold, &p->lower_case, e);
    if (r && r != OTK_ENOENT)
        return err_place(e, r, "%s", path);
    if ((size_t)max < p->max_tokens)
        p->max_tokens = (size_t)max;
    return OTK_OK;
}

int pooling_read(const char *folder, const struct model_config *c,
                 struct pooling *ret, struct err *e)
{
    struct pooling p = {.max_tokens = c->max_tokens};
    int r = read_modules(folder, c, &p, e);
    if (!r)
        r = read_length(folder, &p, e);
    if (!r)
        *ret = p;
    return r;
}

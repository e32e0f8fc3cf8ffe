/* SPDX-License-Identifier: Apache-2.0 */
/* tokenizer.json, as the library `tokenizers` of Hugging Face writes it. */
#include <limits.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "text/tokenizer_parts.h"

/* The largest known ones, of 500,000 tokens, have some 30 MB. */
enum { JSON_MAX = 64 << 20, ADDED_MAX = 1 << 16 };

static int read_added(struct tokenizer *t, json_t *obj, struct err *e)
{
    static const char *const known[] = {"id",      "content", "single_word",
                                        "lstrip",  "rstrip",  "normalized",
                                        "special", NULL};
    struct added_token token = {0};
    struct str content;
    int64_t id;
    bool normal = true;
    if (!json_is_object(obj))
        return err_set(e, OTK_EFORMAT, "must be an object");
    int rc = json_known(obj, known, e);
    if (rc == 0)
        rc = json_whole(obj, &(struct json_want){"id", true, 0, IDS_MAX - 1},
                        &id, e);
    if (rc == 0)
        rc = json_text(obj,
                       &(struct json_want){"content", true, 1, TOKEN_BYTES_MAX},
                       &content, e);
    const struct {
        const char *name;
        bool *ret;
    } flags[] = {
        {"single_word", &token.single_word},
        {"lstrip", &token.lstrip},
        {"rstrip", &token.rstrip},
        {"normalized", &normal},
    };
    for (size_t i = 0; rc == 0 && i < sizeof(flags) / sizeof(flags[0]); i++) {
        rc = json_flag(obj, &(struct json_want){flags[i].name, false, 0, 0},
                       flags[i].ret, e);
        rc = rc == OTK_ENOENT ? 0 : rc;
    }
    if (rc)
        return rc;
    token.id = (uint32_t)id;
    return vocabulary_add(t, content, normal, token, e);
}

static int read_all_added(struct tokenizer *t, const json_t *list,
                          struct err *e)
{
    if (!list || json_is_null(list))
        return OTK_OK;
    if (!json_is_array(list) || json_array_size(list) > ADDED_MAX)
        return err_field(e, OTK_EFORMAT, "added_tokens",
                         "must be a list of at most %d", ADDED_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        int rc = read_added(t, json_array_get(list, i), e);
        if (rc)
            return err_place(e, rc, "added_tokens[%zu]", i);
    }
    return OTK_OK;
}

/* `stride` is about what is cut off, which nobody gets here. */
static int read_truncation(struct tokenizer *t, json_t *obj, struct err *e)
{
    static const char *const known[] = {"direction", "max_length", "strategy",
                                        "stride", NULL};
    struct str direction = STR("Right");
    struct str strategy = STR("LongestFirst");
    int64_t limit = 0;
    if (!obj || json_is_null(obj))
        return OTK_OK;
    if (!json_is_object(obj))
        return err_set(e, OTK_EFORMAT, "must be an object or null");
    int rc = json_known(obj, known, e);
    if (rc == 0)
        rc = json_whole(obj,
                        &(struct json_want){"max_length", true, 1, INT32_MAX},
                        &limit, e);
    if (rc == 0)
        rc = json_text(obj, &(struct json_want){"direction", false, 1, 16},
                       &direction, e);
    if (rc == 0 || rc == OTK_ENOENT)
        rc = json_text(obj, &(struct json_want){"strategy", false, 1, 16},
                       &strategy, e);
    if (rc && rc != OTK_ENOENT)
        return rc;
    t->limit = (size_t)limit;
    t->limit_front = str_is(direction, "Left");
    if (!t->limit_front && !str_is(direction, "Right"))
        return err_field(e, OTK_EFORMAT, "direction", "must be Left or Right");
    if (!str_is(strategy, "LongestFirst") && !str_is(strategy, "OnlyFirst"))
        return err_field(e, OTK_EFORMAT, "strategy",
                         "'" STR_FMT "' is not supported for single texts",
                         STR_ARG(strategy));
    if (t->limit < t->n_front + t->n_back)
        return err_field(e, OTK_EFORMAT, "max_length",
                         "%zu, but the special tokens alone are %zu", t->limit,
                         t->n_front + t->n_back);
    return OTK_OK;
}

typedef int part_reader(struct tokenizer *t, json_t *obj, struct err *e);

static int part(part_reader *read, const char *name, struct tokenizer *t,
                const json_t *root, struct err *e)
{
    int rc = read(t, json_object_get(root, name), e);
    return rc ? err_place(e, rc, "%s", name) : 0;
}

int tokenizer_read_text(struct tokenizer *t, struct str json, struct err *e)
{
    static const char *const known[] = {"version",        "truncation",
                                        "padding",        "added_tokens",
                                        "normalizer",     "pre_tokenizer",
                                        "post_processor", "decoder",
                                        "model",          NULL};
    SCOPED(scope_json) json_t *root = NULL;
    int rc = json_read(json, JSON_MAX, &root, e);
    if (rc)
        return rc;
    if (!json_is_object(root))
        return err_set(e, OTK_EFORMAT, "must be a JSON object");
    rc = json_known(root, known, e);
    if (rc == 0)
        rc = part(normalizer_read, "normalizer", t, root, e);
    if (rc == 0)
        rc = part(pretokenizer_read, "pre_tokenizer", t, root, e);
    if (rc == 0)
        rc = part(model_read, "model", t, root, e);
    if (rc == 0)
        rc = read_all_added(t, json_object_get(root, "added_tokens"), e);
    if (rc == 0)
        rc = vocabulary_finish(t, "model.vocab", e);
    if (rc == 0)
        rc = part(postprocessor_read, "post_processor", t, root, e);
    if (rc == 0)
        rc = part(read_truncation, "truncation", t, root, e);
    return rc;
}

int tokenizer_read_json(struct tokenizer *t, const char *folder, struct err *e)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/tokenizer.json", folder);
    if (n < 0 || (size_t)n >= sizeof(path))
        return err_set(e, OTK_ELIMIT, "%s: path too long", folder);
    SCOPED(buf_free) struct buf bytes = BUF_INIT(JSON_MAX);
    int rc = file_read(path, &bytes, e);
    if (rc)
        return rc;
    rc = tokenizer_read_text(t, buf_str(&bytes), e);
    return rc ? err_place(e, rc, "%s", path) : 0;
}

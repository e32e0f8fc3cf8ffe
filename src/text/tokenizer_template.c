/* SPDX-License-Identifier: Apache-2.0 */
/* The post-processor of a tokenizer.json: special tokens around a text, and
 * whether white space belongs to the place of a token. */
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer_parts.h"

enum { SPECIALS_MAX = 16 };

void specials_put(uint32_t **ids, size_t *n, uint32_t id)
{
    *ids = mem_resize(*ids, *n + 1, sizeof(**ids));
    (*ids)[(*n)++] = id;
}

/* Does the token have this id? Files that were put together by hand may lie. */
static int check_id(const struct tokenizer *t, struct str token,
                    const json_t *id, struct err *e)
{
    uint32_t real = vocabulary_id(t, token);
    if (real == TRIE_NONE)
        return err_set(e, OTK_EFORMAT, "'" STR_FMT "' is not in the vocabulary",
                       STR_ARG(str_sub(token, 0, 40)));
    if (!json_is_integer(id) || json_integer_value(id) != real)
        return err_set(e, OTK_EFORMAT,
                       "the id of '" STR_FMT
                       "' must be %u as in the vocabulary",
                       STR_ARG(str_sub(token, 0, 40)), real);
    return OTK_OK;
}

static int one_template(const struct tokenizer *t, struct err *e)
{
    if (t->n_front || t->n_back)
        return err_set(e, OTK_EFORMAT,
                       "only one of them may add special tokens");
    return OTK_OK;
}

/* ["[SEP]", 102] */
static int read_pair(struct tokenizer *t, const json_t *obj, const char *name,
                     uint32_t **ids, size_t *n, struct err *e)
{
    const json_t *pair = json_object_get(obj, name);
    const char *token = json_string_value(json_array_get(pair, 0));
    if (!token || json_array_size(pair) != 2)
        return err_field(e, OTK_EFORMAT, name, "must be [\"token\", id]");
    const json_t *id = json_array_get(pair, 1);
    int rc = check_id(t, str_from(token), id, e);
    if (rc)
        return err_place(e, rc, "%s", name);
    specials_put(ids, n, (uint32_t)json_integer_value(id));
    return OTK_OK;
}

static int read_bert(struct tokenizer *t, json_t *obj, struct err *e)
{
    int rc = one_template(t, e);
    if (rc == 0)
        rc = read_pair(t, obj, "cls", &t->front, &t->n_front, e);
    if (rc == 0)
        rc = read_pair(t, obj, "sep", &t->back, &t->n_back, e);
    return rc;
}

static int read_trim(struct tokenizer *t, json_t *obj, struct err *e)
{
    bool trim = true;
    bool space = true;
    int rc = json_flag(obj, &(struct json_want){"trim_offsets", false, 0, 0},
                       &trim, e);
    if (rc == 0 || rc == OTK_ENOENT)
        rc =
            json_flag(obj, &(struct json_want){"add_prefix_space", false, 0, 0},
                      &space, e);
    if (rc && rc != OTK_ENOENT)
        return rc;
    if (trim) {
        t->trim = true;
        t->trim_first = space;
    }
    return OTK_OK;
}

static int read_roberta(struct tokenizer *t, json_t *obj, struct err *e)
{
    int rc = read_bert(t, obj, e);
    return rc ? rc : read_trim(t, obj, e);
}

/* All ids of the special token that a template names. */
static int put_named(struct tokenizer *t, const json_t *specials,
                     const char *name, uint32_t **ids, size_t *n, struct err *e)
{
    const json_t *special = json_object_get(specials, name);
    const json_t *tokens = json_object_get(special, "tokens");
    const json_t *numbers = json_object_get(special, "ids");
    size_t count = json_array_size(numbers);
    if (count == 0 || count > SPECIALS_MAX || json_array_size(tokens) != count)
        return err_field(e, OTK_EFORMAT, "special_tokens",
                         "'" STR_FMT "' needs as many ids as tokens, 1 to %d",
                         STR_ARG(str_sub(str_from(name), 0, 40)), SPECIALS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct str token =
            str_from(json_string_value(json_array_get(tokens, i)));
        const json_t *id = json_array_get(numbers, i);
        int rc = check_id(t, token, id, e);
        if (rc)
            return err_place(e, rc, "special_tokens");
        specials_put(ids, n, (uint32_t)json_integer_value(id));
    }
    return OTK_OK;
}

static int read_template(struct tokenizer *t, json_t *obj, struct err *e)
{
    int rc = one_template(t, e);
    const json_t *single = json_object_get(obj, "single");
    const json_t *specials = json_object_get(obj, "special_tokens");
    bool text = false;
    if (json_array_size(single) == 0 || json_array_size(single) > SPECIALS_MAX)
        rc = err_field(e, OTK_EFORMAT, "single",
                       "must be a list of 1 to %d pieces", SPECIALS_MAX);
    for (size_t i = 0; rc == 0 && i < json_array_size(single); i++) {
        const json_t *piece = json_array_get(single, i);
        const json_t *special = json_object_get(piece, "SpecialToken");
        const json_t *sequence = json_object_get(piece, "Sequence");
        const char *name = json_string_value(
            json_object_get(special ? special : sequence, "id"));
        if (!name || (!special && (text || strcmp(name, "A") != 0)))
            rc = err_field(e, OTK_EFORMAT, "single",
                           "piece %zu must be a SpecialToken or the one "
                           "Sequence A, with an id",
                           i);
        else if (!special)
            text = true;
        else if (text)
            rc = put_named(t, specials, name, &t->back, &t->n_back, e);
        else
            rc = put_named(t, specials, name, &t->front, &t->n_front, e);
    }
    if (rc == 0 && !text)
        rc = err_field(e, OTK_EFORMAT, "single", "has no Sequence A");
    return rc;
}

int postprocessor_read(struct tokenizer *t, json_t *obj, struct err *e)
{
    static const char *const pairs[] = {"sep", "cls", NULL};
    static const char *const roberta[] = {"sep", "cls", "trim_offsets",
                                          "add_prefix_space", NULL};
    static const char *const bytes[] = {"add_prefix_space", "trim_offsets",
                                        "use_regex", NULL};
    static const char *const templates[] = {"single", "pair", "special_tokens",
                                            NULL};
    static const struct json_part parts[] = {
        {"BertProcessing", read_bert, pairs},
        {"RobertaProcessing", read_roberta, roberta},
        {"ByteLevel", read_trim, bytes},
        {"TemplateProcessing", read_template, templates},
        {NULL, NULL, NULL},
    };
    return parts_read(t, obj, parts, "processors", e);
}

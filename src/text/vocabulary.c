/* SPDX-License-Identifier: Apache-2.0 */
/* Putting a tokenizer together, whatever files it comes from. */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/tokenizer_parts.h"

struct tokenizer *tokenizer_new(void)
{
    struct tokenizer *t = MEM_NEW(struct tokenizer);
    trie_init(&t->vocabulary);
    t->unk = TRIE_NONE;
    t->seen = mem_new(IDS_MAX / 8, 1);
    return t;
}

static int check(const char *field, struct str token, int64_t id, struct err *e)
{
    if (id < 0 || id >= IDS_MAX)
        return err_field(e, OTK_ELIMIT, field,
                         "token '" STR_FMT "' has the id %lld, not 0 to %d",
                         STR_ARG(str_sub(token, 0, 40)), (long long)id,
                         IDS_MAX - 1);
    if (token.n == 0)
        return err_field(e, OTK_EFORMAT, field, "token %lld is empty",
                         (long long)id);
    if (token.n > TOKEN_BYTES_MAX)
        return err_field(e, OTK_ELIMIT, field,
                         "token %lld has %zu bytes, the limit is %d",
                         (long long)id, token.n, TOKEN_BYTES_MAX);
    if (utf8_check(token) != token.n)
        return err_field(e, OTK_EFORMAT, field, "token %lld is not UTF-8",
                         (long long)id);
    return OTK_OK;
}

static int take_id(struct tokenizer *t, const char *field, struct str token,
                   uint32_t id, struct err *e)
{
    uint8_t bit = (uint8_t)(1u << id % 8);
    if (t->seen[id / 8] & bit)
        return err_field(e, OTK_EFORMAT, field,
                         "token '" STR_FMT
                         "' has the id %u, which another token has",
                         STR_ARG(utf8_cut(token, 40)), id);
    t->seen[id / 8] |= bit;
    t->n_ids++;
    if (t->size <= id)
        t->size = (size_t)id + 1;
    return OTK_OK;
}

int vocabulary_put(struct tokenizer *t, const char *field, struct str token,
                   int64_t id, struct err *e)
{
    int rc = check(field, token, id, e);
    if (rc)
        return rc;
    rc = take_id(t, field, token, (uint32_t)id, e);
    if (rc)
        return rc;
    uint32_t *slot = trie_add(&t->vocabulary, token);
    if (!slot)
        return err_field(e, OTK_ELIMIT, field,
                         "the tokens have more than %u beginnings", TRIE_NODES);
    if (*slot != TRIE_NONE)
        return err_field(e, OTK_EFORMAT, field,
                         "token '" STR_FMT "' is there twice: %u and %lld",
                         STR_ARG(utf8_cut(token, 40)), *slot, (long long)id);
    *slot = (uint32_t)id;
    return OTK_OK;
}

int vocabulary_json(struct tokenizer *t, const char *field, json_t *obj,
                    struct err *e)
{
    if (!json_is_object(obj) || json_object_size(obj) == 0)
        return err_field(e, OTK_EFORMAT, field,
                         "must be an object of tokens with their ids");
    const char *key;
    json_t *value;
    json_object_foreach(obj, key, value)
    {
        struct str token = str_from(key);
        if (!json_is_integer(value))
            return err_field(e, OTK_EFORMAT, field,
                             "the id of '" STR_FMT "' is not a whole number",
                             STR_ARG(utf8_cut(token, 40)));
        int rc = vocabulary_put(t, field, token, json_integer_value(value), e);
        if (rc)
            return rc;
    }
    return OTK_OK;
}

/* The content as the normalizer leaves it, since it is met so in texts; empty
 * when that is nothing, or far more than a token. */
static char *normalized(const struct tokenizer *t, struct str content)
{
    struct tokenizer_scratch *s = tokenizer_scratch_new();
    glyphs_read(&s->text, content);
    size_t n;
    const struct glyph *g = normalize(t, s, s->text.p, s->text.n, &n);
    if (n > TOKEN_BYTES_MAX)
        n = 0;
    char *ret = mem_new(n * UTF8_MAX + 1, 1);
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += utf8_encode(g[i].cp, ret + len);
    tokenizer_scratch_free(s);
    return ret;
}

int vocabulary_add(struct tokenizer *t, struct str content, bool normal,
                   struct added_token token, struct err *e)
{
    static const char field[] = "added_tokens";
    int rc = check(field, content, token.id, e);
    if (rc)
        return rc;
    uint32_t known = trie_find(&t->vocabulary, content);
    if (known == TRIE_NONE)
        rc = take_id(t, field, content, token.id, e);
    else if (known != token.id)
        rc = err_field(e, OTK_EFORMAT, field,
                       "'" STR_FMT "' has the id %u here and %u in the model",
                       STR_ARG(utf8_cut(content, 40)), token.id, known);
    if (rc)
        return rc;
    char *text =
        normal ? normalized(t, content) : mem_copy(content.p, content.n);
    struct str as_met = str_from(text);
    rc = as_met.n ? added_put(&t->added, normal, as_met, token) : OTK_EFORMAT;
    free(text);
    if (rc)
        return err_field(
            e, rc, field,
            "'" STR_FMT
            "' is nothing, another token or too long once normalized",
            STR_ARG(utf8_cut(content, 40)));
    return OTK_OK;
}

uint32_t vocabulary_id(const struct tokenizer *t, struct str content)
{
    uint32_t id = trie_find(&t->vocabulary, content);
    if (id == TRIE_NONE && t->added.raw.any) {
        uint32_t i = trie_find(&t->added.raw.contents, content);
        id = i == TRIE_NONE ? TRIE_NONE : t->added.items[i].id;
    }
    return id;
}

int vocabulary_finish(struct tokenizer *t, const char *field, struct err *e)
{
    if (t->n_ids != t->size) {
        uint32_t id = 0;
        while (t->seen[id / 8] >> id % 8 & 1)
            id++;
        return err_field(e, OTK_EFORMAT, field,
                         "no token has the id %u, but the largest is %zu", id,
                         t->size - 1);
    }
    free(t->seen);
    t->seen = NULL;
    static const char *const names[TOKENIZER_MASK + 1][2] = {
        [TOKENIZER_CLS] = {"[CLS]", "<s>"},
        [TOKENIZER_SEP] = {"[SEP]", "</s>"},
        [TOKENIZER_PAD] = {"[PAD]", "<pad>"},
        [TOKENIZER_UNK] = {"[UNK]", "<unk>"},
        [TOKENIZER_MASK] = {"[MASK]", "<mask>"},
    };
    for (size_t i = 0; i <= TOKENIZER_MASK; i++) {
        t->special[i] = vocabulary_id(t, str_from(names[i][0]));
        if (t->special[i] == TRIE_NONE)
            t->special[i] = vocabulary_id(t, str_from(names[i][1]));
    }
    if (t->unk != TRIE_NONE)
        t->special[TOKENIZER_UNK] = t->unk;
    return OTK_OK;
}

int vocabulary_unk(struct tokenizer *t, const char *field, struct str token,
                   struct err *e)
{
    t->unk = trie_find(&t->vocabulary, token);
    if (t->unk == TRIE_NONE)
        return err_field(e, OTK_EFORMAT, field,
                         "the vocabulary has no '" STR_FMT
                         "' for what it does not know",
                         STR_ARG(utf8_cut(token, 40)));
    return OTK_OK;
}

int merge_put(struct tokenizer *t, const char *place, struct str left,
              struct str right, uint32_t rank, struct err *e)
{
    char both[2 * TOKEN_BYTES_MAX];
    struct merge m = {.rank = rank, .id = TRIE_NONE};
    m.left = trie_find(&t->vocabulary, left);
    m.right = trie_find(&t->vocabulary, right);
    if (m.left != TRIE_NONE && m.right != TRIE_NONE) {
        memcpy(both, left.p, left.n);
        memcpy(both + left.n, right.p, right.n);
        m.id = trie_find(&t->vocabulary, (struct str){both, left.n + right.n});
    }
    if (m.id == TRIE_NONE)
        return err_field(e, OTK_EFORMAT, place,
                         "'" STR_FMT "' and '" STR_FMT
                         "' and both joined must be in the vocabulary",
                         STR_ARG(utf8_cut(left, 40)),
                         STR_ARG(utf8_cut(right, 40)));
    if (bpe_put(&t->bpe, m))
        return err_field(e, OTK_EFORMAT, place,
                         "'" STR_FMT "' and '" STR_FMT "' were joined before",
                         STR_ARG(utf8_cut(left, 40)),
                         STR_ARG(utf8_cut(right, 40)));
    return OTK_OK;
}

void steps_put_normal(struct tokenizer *t, struct normal_step step)
{
    t->normals = mem_resize(t->normals, t->n_normals + 1, sizeof(step));
    t->normals[t->n_normals++] = step;
}

void steps_put_cut(struct tokenizer *t, struct cut_step step)
{
    t->cuts = mem_resize(t->cuts, t->n_cuts + 1, sizeof(step));
    t->cuts[t->n_cuts++] = step;
}

void bert_normalizer(struct tokenizer *t, bool clean, bool cjk, bool accents,
                     bool lower)
{
    if (clean)
        steps_put_normal(t, (struct normal_step){.kind = NORMAL_CLEAN});
    if (cjk)
        steps_put_normal(t, (struct normal_step){.kind = NORMAL_CJK});
    if (accents) {
        steps_put_normal(t, (struct normal_step){.kind = NORMAL_FORM});
        steps_put_normal(t, (struct normal_step){.kind = NORMAL_NO_MN});
    }
    if (lower)
        steps_put_normal(t, (struct normal_step){.kind = NORMAL_LOWER});
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vocabularies from before there was tokenizer.json: vocab.txt of BERT, and
 * vocab.json with merges.txt of GPT-2 and RoBERTa. What they leave open is in
 * tokenizer_config.json, which the library `transformers` writes beside them.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "text/tokenizer_parts.h"

enum {
    VOCABULARY_MAX = 64 << 20,
    CONFIG_MAX = 4 << 20,
    WORD_CHARS = 100, /* BERT: a longer word is unknown */
};

static const char CONFIG[] = "tokenizer_config.json";

/* ---- files --------------------------------------------------------------- */

static int read_file(const char *folder, const char *name, struct buf *ret,
                     struct err *e)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof(path))
        return err_set(e, OTK_ELIMIT, "%s: path too long", folder);
    return file_read(path, ret, e);
}

static int read_json(const char *folder, const char *name, size_t max,
                     json_t **ret, struct err *e)
{
    SCOPED(buf_free) struct buf bytes = BUF_INIT(max);
    int rc = read_file(folder, name, &bytes, e);
    if (rc)
        return rc;
    rc = json_read(buf_str(&bytes), max, ret, e);
    if (rc == 0 && !json_is_object(*ret))
        rc = err_set(e, OTK_EFORMAT, "must be a JSON object");
    return rc ? err_place(e, rc, "%s/%s", folder, name) : 0;
}

static int read_config(const char *folder, json_t **ret, struct err *e)
{
    int rc = read_json(folder, CONFIG, CONFIG_MAX, ret, e);
    if (rc == OTK_ENOENT)
        return err_set(e, OTK_ENOENT,
                       "%s/%s is missing: without it nobody knows how texts "
                       "are prepared; copy it from where the model came from",
                       folder, CONFIG);
    return rc;
}

/* ---- special tokens --------------------------------------------------------
 */

/* The name of a special token: "[CLS]", or {"content": "[CLS]", …}. */
static struct str name_of(const json_t *config, const char *field,
                          const char *usual)
{
    const json_t *v = json_object_get(config, field);
    if (json_is_object(v))
        v = json_object_get(v, "content");
    if (json_is_string(v))
        return str_from(json_string_value(v));
    return str_from(v ? NULL : usual);
}

/* Match it in texts; *ret, unless NULL, is its id, TRIE_NONE without one. */
static int add_special(struct tokenizer *t, const json_t *config,
                       const char *field, const char *usual, uint32_t *ret,
                       struct err *e)
{
    struct str name = name_of(config, field, usual);
    uint32_t id = trie_find(&t->vocabulary, name);
    bool named = json_is_string(json_object_get(config, field));
    if (ret)
        *ret = name.n ? id : TRIE_NONE;
    if (name.n == 0 || (id == TRIE_NONE && !named && !ret))
        return OTK_OK;
    if (id == TRIE_NONE)
        return err_field(e, OTK_EFORMAT, field,
                         "'" STR_FMT "' is not in the vocabulary",
                         STR_ARG(str_sub(name, 0, 40)));
    if (t->added.raw.any &&
        trie_find(&t->added.raw.contents, name) != TRIE_NONE)
        return OTK_OK; /* one token for two purposes */
    struct added_token token = {.id = id};
    token.lstrip =
        json_is_true(json_object_get(json_object_get(config, field), "lstrip"));
    token.rstrip =
        json_is_true(json_object_get(json_object_get(config, field), "rstrip"));
    return vocabulary_add(t, name, false, token, e);
}

/* The special tokens of a family, and those around texts. */
static int add_specials(struct tokenizer *t, const json_t *config,
                        const char *const usual[TOKENIZER_MASK + 1],
                        struct err *e)
{
    static const char *const fields[TOKENIZER_MASK + 1] = {
        [TOKENIZER_CLS] = "cls_token",   [TOKENIZER_SEP] = "sep_token",
        [TOKENIZER_PAD] = "pad_token",   [TOKENIZER_UNK] = "unk_token",
        [TOKENIZER_MASK] = "mask_token",
    };
    uint32_t ids[TOKENIZER_SEP + 1];
    for (size_t i = 0; i <= TOKENIZER_MASK; i++) {
        int rc = add_special(t, config, fields[i], usual[i],
                             i <= TOKENIZER_SEP ? &ids[i] : NULL, e);
        if (rc)
            return rc;
    }
    if (ids[TOKENIZER_CLS] != TRIE_NONE)
        specials_put(&t->front, &t->n_front, ids[TOKENIZER_CLS]);
    if (ids[TOKENIZER_SEP] != TRIE_NONE)
        specials_put(&t->back, &t->n_back, ids[TOKENIZER_SEP]);
    return OTK_OK;
}

/* ---- BERT ------------------------------------------------------------------
 */

static int read_lines(struct tokenizer *t, struct str text, struct err *e)
{
    struct str line;
    for (int64_t id = 0; str_next(&text, '\n', &line); id++) {
        char place[32];
        if (str_ends(line, "\r"))
            line.n--;
        if (line.n == 0 && text.n == 0)
            break; /* an empty line at the end is none */
        (void)snprintf(place, sizeof(place), "line %lld", (long long)id + 1);
        int rc = vocabulary_put(t, place, line, id, e);
        if (rc)
            return rc;
    }
    if (t->size == 0)
        return err_set(e, OTK_EFORMAT, "has no tokens");
    return OTK_OK;
}

static int set_bert(struct tokenizer *t, const json_t *config, struct err *e)
{
    bool lower;
    bool cjk = true;
    int rc = json_flag(config, &(struct json_want){"do_lower_case", true, 0, 0},
                       &lower, e);
    if (rc)
        return rc;
    bool accents = lower;
    rc = json_flag(config, &(struct json_want){"strip_accents", false, 0, 0},
                   &accents, e);
    if (rc == 0 || rc == OTK_ENOENT)
        rc = json_flag(
            config, &(struct json_want){"tokenize_chinese_chars", false, 0, 0},
            &cjk, e);
    if (rc && rc != OTK_ENOENT)
        return rc;
    static const char *const usual[TOKENIZER_MASK + 1] = {
        "[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"};
    bert_normalizer(t, true, cjk, accents, lower);
    steps_put_cut(t, (struct cut_step){.kind = CUT_BERT});
    rc = vocabulary_unk(t, "unk_token", name_of(config, "unk_token", "[UNK]"),
                        e);
    return rc ? rc : add_specials(t, config, usual, e);
}

int tokenizer_read_wordpiece(struct tokenizer *t, const char *folder,
                             struct err *e)
{
    SCOPED(buf_free) struct buf bytes = BUF_INIT(VOCABULARY_MAX);
    SCOPED(scope_json) json_t *config = NULL;
    int rc = read_file(folder, "vocab.txt", &bytes, e);
    if (rc == 0)
        rc = read_config(folder, &config, e);
    if (rc)
        return rc;
    rc = read_lines(t, buf_str(&bytes), e);
    if (rc == 0)
        rc = wordpiece_init(t, STR("##"), WORD_CHARS, e);
    if (rc)
        return err_place(e, rc, "%s/vocab.txt", folder);
    rc = set_bert(t, config, e);
    if (rc)
        return err_place(e, rc, "%s/%s", folder, CONFIG);
    return vocabulary_finish(t, "vocab.txt", e);
}

/* ---- GPT-2 and RoBERTa ------------------------------------------------------
 */

static size_t count_lines(struct str text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

static int read_merges(struct tokenizer *t, struct str text, struct err *e)
{
    struct str line;
    uint32_t rank = 0;
    bpe_init(&t->bpe, count_lines(text));
    for (size_t no = 1; str_next(&text, '\n', &line); no++) {
        char place[32];
        struct str left;
        if (str_ends(line, "\r"))
            line.n--;
        if (str_starts(line, "#version") || (line.n == 0 && text.n == 0))
            continue;
        (void)snprintf(place, sizeof(place), "line %zu", no);
        (void)str_next(&line, ' ', &left);
        if (left.n == 0 || line.n == 0)
            return err_field(e, OTK_EFORMAT, place,
                             "must be two tokens with a space between");
        int rc = merge_put(t, place, left, line, rank++, e);
        if (rc)
            return rc;
    }
    return OTK_OK;
}

static int set_bytes(struct tokenizer *t, const json_t *config, struct err *e)
{
    bool space = false;
    int rc =
        json_flag(config, &(struct json_want){"add_prefix_space", false, 0, 0},
                  &space, e);
    if (rc && rc != OTK_ENOENT)
        return rc;
    steps_put_cut(t, (struct cut_step){
                         .kind = CUT_BYTES,
                         .prepend = space ? PREPEND_ALWAYS : PREPEND_NEVER,
                         .split = true,
                     });
    t->encode = bpe_encode;
    /* A vocabulary with these is RoBERTa's, whose configuration may leave
     * them out, or another's; nothing else tells. */
    static const char *const none[TOKENIZER_MASK + 1] = {0};
    if (trie_find(&t->vocabulary, STR("</s>")) != TRIE_NONE &&
        !json_object_get(config, "sep_token"))
        return err_field(e, OTK_EFORMAT, "sep_token",
                         "the vocabulary has '</s>'; say \"sep_token\": "
                         "\"</s>\" and \"cls_token\": \"<s>\", or null if "
                         "texts have none around them");
    struct str unk = name_of(config, "unk_token", NULL);
    if (unk.n) {
        rc = vocabulary_unk(t, "unk_token", unk, e);
        if (rc)
            return rc;
    }
    rc = add_specials(t, config, none, e);
    /* as `transformers` turns RoBERTa's files into tokenizer.json, and GPT-2's
     * without */
    t->trim = t->n_front + t->n_back > 0;
    t->trim_first = space;
    return rc;
}

int tokenizer_read_bpe(struct tokenizer *t, const char *folder, struct err *e)
{
    SCOPED(buf_free) struct buf merges = BUF_INIT(VOCABULARY_MAX);
    SCOPED(scope_json) json_t *vocabulary = NULL;
    SCOPED(scope_json) json_t *config = NULL;
    int rc = read_json(folder, "vocab.json", VOCABULARY_MAX, &vocabulary, e);
    if (rc == 0)
        rc = read_file(folder, "merges.txt", &merges, e);
    if (rc == 0)
        rc = read_config(folder, &config, e);
    if (rc)
        return rc;
    rc = vocabulary_json(t, "tokens", vocabulary, e);
    if (rc)
        return err_place(e, rc, "%s/vocab.json", folder);
    rc = read_merges(t, buf_str(&merges), e);
    if (rc)
        return err_place(e, rc, "%s/merges.txt", folder);
    rc = set_bytes(t, config, e);
    if (rc)
        return err_place(e, rc, "%s/%s", folder, CONFIG);
    rc = vocabulary_finish(t, "tokens", e);
    return rc ? err_place(e, rc, "%s/vocab.json", folder) : 0;
}

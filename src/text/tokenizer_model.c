/* SPDX-License-Identifier: Apache-2.0 */
/* The model of a tokenizer.json: the vocabulary and how words use it. */
#include <math.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer_parts.h"

enum { MERGES_MAX = 1 << 22, WORD_CHARS = 100, UNK_PENALTY = 10 };

/* Refuse a field that asks for what is not done here. */
static int must_be_off(const json_t *obj, const char *name, struct err *e)
{
    const json_t *v = json_object_get(obj, name);
    bool off = !v || json_is_null(v) || json_is_false(v) ||
               (json_is_string(v) && json_string_length(v) == 0) ||
               (json_is_number(v) && json_number_value(v) == 0);
    if (!off)
        return err_field(e, OTK_EFORMAT, name, "is not supported");
    return OTK_OK;
}

/* ---- WordPiece --------------------------------------------------------------
 */

static int read_wordpiece(struct tokenizer *t, json_t *obj, struct err *e)
{
    static const char *const known[] = {"type",
                                        "unk_token",
                                        "continuing_subword_prefix",
                                        "max_input_chars_per_word",
                                        "vocab",
                                        NULL};
    struct str unk = STR("[UNK]");
    struct str inside = STR("##");
    int64_t max_chars = WORD_CHARS;
    int rc = json_known(obj, known, e);
    if (rc == 0)
        rc = vocabulary_json(t, "vocab", json_object_get(obj, "vocab"), e);
    if (rc)
        return rc;
    rc = json_text(obj,
                   &(struct json_want){"unk_token", false, 1, TOKEN_BYTES_MAX},
                   &unk, e);
    if (rc == 0 || rc == OTK_ENOENT)
        rc = json_text(obj,
                       &(struct json_want){"continuing_subword_prefix", false,
                                           1, TOKEN_BYTES_MAX},
                       &inside, e);
    if (rc == 0 || rc == OTK_ENOENT)
        rc = json_whole(obj,
                        &(struct json_want){"max_input_chars_per_word", false,
                                            1, GLYPHS_MAX},
                        &max_chars, e);
    if (rc && rc != OTK_ENOENT)
        return rc;
    rc = vocabulary_unk(t, "unk_token", unk, e);
    return rc ? rc : wordpiece_init(t, inside, (size_t)max_chars, e);
}

/* ---- BPE --------------------------------------------------------------------
 */

/* "left right", or ["left", "right"] as newer files have it. */
static int read_merge(struct tokenizer *t, const json_t *merge, size_t i,
                      struct err *e)
{
    char place[32];
    (void)snprintf(place, sizeof(place), "merges[%zu]", i);
    struct str left = str_from(json_string_value(json_array_get(merge, 0)));
    struct str right = str_from(json_string_value(json_array_get(merge, 1)));
    if (json_is_string(merge)) {
        right = str_from(json_string_value(merge));
        (void)str_next(&right, ' ', &left);
    }
    if (left.n == 0 || right.n == 0 ||
        (json_is_array(merge) && json_array_size(merge) != 2))
        return err_field(e, OTK_EFORMAT, place,
                         "must be two tokens, as \"a b\" or [\"a\", \"b\"]");
    return merge_put(t, place, left, right, (uint32_t)i, e);
}

static int read_merges(struct tokenizer *t, const json_t *obj, struct err *e)
{
    const json_t *merges = json_object_get(obj, "merges");
    size_t n = json_array_size(merges);
    if (!json_is_array(merges) || n > MERGES_MAX)
        return err_field(e, OTK_EFORMAT, "merges",
                         "must be a list of at most %d", MERGES_MAX);
    bpe_init(&t->bpe, n);
    for (size_t i = 0; i < n; i++) {
        int rc = read_merge(t, json_array_get(merges, i), i, e);
        if (rc)
            return rc;
    }
    return OTK_OK;
}

static int read_bpe(struct tokenizer *t, json_t *obj, struct err *e)
{
    static const char *const known[] = {"type",
                                        "dropout",
                                        "unk_token",
                                        "fuse_unk",
                                        "byte_fallback",
                                        "continuing_subword_prefix",
                                        "ignore_merges",
                                        "vocab",
                                        "end_of_word_suffix",
                                        "merges",
                                        NULL};
    static const char *const off[] = {"dropout",
                                      "byte_fallback",
                                      "ignore_merges",
                                      "continuing_subword_prefix",
                                      "end_of_word_suffix",
                                      NULL};
    int rc = json_known(obj, known, e);
    for (size_t i = 0; rc == 0 && off[i]; i++)
        rc = must_be_off(obj, off[i], e);
    if (rc == 0)
        rc = vocabulary_json(t, "vocab", json_object_get(obj, "vocab"), e);
    if (rc == 0)
        rc = read_merges(t, obj, e);
    if (rc)
        return rc;
    struct str unk;
    rc = json_text(obj,
                   &(struct json_want){"unk_token", false, 1, TOKEN_BYTES_MAX},
                   &unk, e);
    if (rc == 0)
        rc = vocabulary_unk(t, "unk_token", unk, e);
    if (rc == 0 || rc == OTK_ENOENT)
        rc = json_flag(obj, &(struct json_want){"fuse_unk", false, 0, 0},
                       &t->bpe.fuse_unk, e);
    if (rc && rc != OTK_ENOENT)
        return rc;
    t->encode = bpe_encode;
    return OTK_OK;
}

/* ---- Unigram ----------------------------------------------------------------
 */

static int read_scores(struct tokenizer *t, const json_t *vocab, struct err *e)
{
    double least = HUGE_VAL;
    size_t n = json_array_size(vocab);
    t->unigram.scores = mem_new(n, sizeof(double));
    for (size_t i = 0; i < n; i++) {
        char place[32];
        const json_t *pair = json_array_get(vocab, i);
        const char *token = json_string_value(json_array_get(pair, 0));
        const json_t *score = json_array_get(pair, 1);
        (void)snprintf(place, sizeof(place), "vocab[%zu]", i);
        if (!token || !json_is_number(score) || json_array_size(pair) != 2)
            return err_field(e, OTK_EFORMAT, place,
                             "must be [\"token\", score]");
        int rc = vocabulary_put(t, place, str_from(token), (int64_t)i, e);
        if (rc)
            return rc;
        double x = json_number_value(score);
        t->unigram.scores[i] = x;
        least = x < least ? x : least;
    }
    t->unigram.unk_score = least - UNK_PENALTY;
    return OTK_OK;
}

static int read_unigram(struct tokenizer *t, json_t *obj, struct err *e)
{
    static const char *const known[] = {"type", "unk_id", "vocab",
                                        "byte_fallback", NULL};
    int rc = json_known(obj, known, e);
    if (rc == 0)
        rc = must_be_off(obj, "byte_fallback", e);
    if (rc)
        return rc;
    const json_t *vocab = json_object_get(obj, "vocab");
    size_t n = json_array_size(vocab);
    if (n == 0 || n > IDS_MAX)
        return err_field(e, OTK_EFORMAT, "vocab",
                         "must be a list of 1 to %d tokens", IDS_MAX);
    int64_t unk = 0;
    struct json_want want = {"unk_id", true, 0, (int64_t)n - 1};
    rc = json_whole(obj, &want, &unk, e);
    if (rc == 0 && (unk < 0 || (size_t)unk >= n)) /* also where n is 1 */
        rc = err_field(e, OTK_EFORMAT, "unk_id", "must be below %zu", n);
    if (rc == 0)
        rc = read_scores(t, vocab, e);
    t->unk = (uint32_t)unk;
    t->encode = unigram_encode;
    return rc;
}

int model_read(struct tokenizer *t, json_t *obj, struct err *e)
{
    struct str type;
    if (!json_is_object(obj))
        return err_set(e, OTK_EFORMAT, "must be an object");
    int rc = json_text(obj, &(struct json_want){"type", true, 1, 64}, &type, e);
    if (rc)
        return rc;
    if (str_is(type, "WordPiece"))
        return read_wordpiece(t, obj, e);
    if (str_is(type, "BPE"))
        return read_bpe(t, obj, e);
    if (str_is(type, "Unigram"))
        return read_unigram(t, obj, e);
    return err_field(e, OTK_EFORMAT, "type",
                     "'" STR_FMT "' is not supported, only WordPiece, BPE and "
                     "Unigram",
                     STR_ARG(type));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The normalizer and the pre-tokenizer of a tokenizer.json. */
#include <sodium.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/scope.h"
#include "base/utf8.h"
#include "text/tokenizer_parts.h"

enum { CHARSMAP_MAX = 16 << 20, REPLACE_MAX = 256 /* bytes */ };

/* ---- any list of parts ----------------------------------------------------
 */

static int read_one(struct tokenizer *t, json_t *obj,
                    const struct json_part *part, struct err *e)
{
    const char *known[8] = {"type"};
    for (size_t i = 0; part->fields && part->fields[i]; i++)
        known[i + 1] = part->fields[i];
    int rc = json_known(obj, known, e);
    if (rc == 0)
        rc = part->read(t, obj, e);
    return rc ? err_place(e, rc, "%s", part->type) : 0;
}

static int read_part(struct tokenizer *t, json_t *obj,
                     const struct json_part *parts, struct err *e)
{
    struct str type;
    int rc = json_text(obj, &(struct json_want){"type", true, 1, 64}, &type, e);
    if (rc)
        return rc;
    for (; parts->type; parts++) {
        if (str_is(type, parts->type))
            return read_one(t, obj, parts, e);
    }
    return err_field(e, OTK_EFORMAT, "type", "'" STR_FMT "' is not supported",
                     STR_ARG(type));
}

int parts_read(struct tokenizer *t, json_t *obj, const struct json_part *parts,
               const char *list, struct err *e)
{
    if (!obj || json_is_null(obj))
        return OTK_OK;
    if (!json_is_object(obj))
        return err_set(e, OTK_EFORMAT, "must be an object or null");
    struct str type = {0};
    (void)json_text(obj, &(struct json_want){"type", false, 0, 64}, &type,
                    NULL);
    if (!str_is(type, "Sequence"))
        return read_part(t, obj, parts, e);
    const char *known[] = {"type", list, NULL};
    int rc = json_known(obj, known, e);
    if (rc)
        return rc;
    json_t *items = json_object_get(obj, list);
    if (!json_is_array(items) || json_array_size(items) > STEPS_MAX)
        return err_field(e, OTK_EFORMAT, list, "must be at most %d objects",
                         STEPS_MAX);
    /* a Sequence within one is nothing that anybody writes */
    for (size_t i = 0; i < json_array_size(items); i++) {
        rc = read_part(t, json_array_get(items, i), parts, e);
        if (rc)
            return err_place(e, rc, "%s[%zu]", list, i);
    }
    return OTK_OK;
}

/* A flag that is there or has its usual value. */
static int flag(const json_t *obj, const char *name, bool *ret, struct err *e)
{
    int rc = json_flag(obj, &(struct json_want){name, false, 0, 0}, ret, e);
    return rc == OTK_ENOENT ? 0 : rc;
}

/* ---- normalizers -----------------------------------------------------------
 */

static int read_bert(struct tokenizer *t, json_t *obj, struct err *e)
{
    bool clean = true;
    bool cjk = true;
    bool lower = true;
    int rc = flag(obj, "clean_text", &clean, e);
    if (rc == 0)
        rc = flag(obj, "handle_chinese_chars", &cjk, e);
    if (rc == 0)
        rc = flag(obj, "lowercase", &lower, e);
    bool accents = lower; /* null: as is the case with letters */
    if (rc == 0)
        rc = flag(obj, "strip_accents", &accents, e);
    if (rc == 0)
        bert_normalizer(t, clean, cjk, accents, lower);
    return rc;
}

static int put_form(struct tokenizer *t, bool compose, bool compat)
{
    steps_put_normal(t, (struct normal_step){.kind = NORMAL_FORM,
                                             .compose = compose,
                                             .compat = compat});
    return OTK_OK;
}

static int read_nfc(struct tokenizer *t, json_t *obj, struct err *e)
{
    (void)obj;
    (void)e;
    return put_form(t, true, false);
}

static int read_nfd(struct tokenizer *t, json_t *obj, struct err *e)
{
    (void)obj;
    (void)e;
    return put_form(t, false, false);
}

static int read_nfkc(struct tokenizer *t, json_t *obj, struct err *e)
{
    (void)obj;
    (void)e;
    return put_form(t, true, true);
}

static int read_nfkd(struct tokenizer *t, json_t *obj, struct err *e)
{
    (void)obj;
    (void)e;
    return put_form(t, false, true);
}

static int read_lower(struct tokenizer *t, json_t *obj, struct err *e)
{
    (void)obj;
    (void)e;
    steps_put_normal(t, (struct normal_step){.kind = NORMAL_LOWER});
    return OTK_OK;
}

static int read_accents(struct tokenizer *t, json_t *obj, struct err *e)
{
    (void)obj;
    (void)e;
    steps_put_normal(t, (struct normal_step){.kind = NORMAL_NO_MARK});
    return OTK_OK;
}

static int read_strip(struct tokenizer *t, json_t *obj, struct err *e)
{
    struct normal_step step = {
        .kind = NORMAL_STRIP, .left = true, .right = true};
    int rc = flag(obj, "strip_left", &step.left, e);
    if (rc == 0)
        rc = flag(obj, "strip_right", &step.right, e);
    if (rc == 0)
        steps_put_normal(t, step);
    return rc;
}

/* Code points of text that jansson has checked. */
static struct cps cps_of(struct str s)
{
    struct cps ret = {.p = mem_new(s.n + 1, sizeof(*ret.p))};
    for (size_t i = 0; i < s.n;)
        i += utf8_decode(str_sub(s, i, UTF8_MAX), &ret.p[ret.n++]);
    return ret;
}

/*
 * Of expressions only "x+" and "x{n,}", where x is a plain character or \s:
 * the ones that are met, for runs of spaces.
 */
static int read_regex(struct str s, struct normal_step *step, struct err *e)
{
    static const char field[] = "pattern.Regex";
    struct str x = s;
    int64_t least = 0;
    if (str_ends(s, "+")) {
        least = 1;
        x.n--;
    } else if (str_ends(s, ",}")) {
        size_t open = str_find(s, '{');
        x.n = open;
        if (str_to_int(str_sub(s, open + 1, s.n - open - 3), &least))
            least = 0;
    }
    step->white = str_is(x, "\\s");
    bool plain = utf8_len(x) == 1 && !strchr("\\.^$|?*+()[]{}", x.p[0]);
    if (least < 1 || least > GLYPHS_MAX || (!step->white && !plain))
        return err_field(e, OTK_EFORMAT, field,
                         "'" STR_FMT "' is not supported, only one character "
                         "or \\s with + or {n,} behind it",
                         STR_ARG(utf8_cut(s, 40)));
    step->at_least = (size_t)least;
    step->pattern = cps_of(x);
    return OTK_OK;
}

static int read_replace(struct tokenizer *t, json_t *obj, struct err *e)
{
    struct normal_step step = {.kind = NORMAL_REPLACE};
    json_t *pattern = json_object_get(obj, "pattern");
    bool regex = json_object_get(pattern, "Regex") != NULL;
    struct str text;
    struct str content;
    int rc = json_text(
        obj, &(struct json_want){"content", true, 0, REPLACE_MAX}, &content, e);
    if (rc)
        return rc;
    rc = json_text(
        pattern,
        &(struct json_want){regex ? "Regex" : "String", true, 1, REPLACE_MAX},
        &text, e);
    if (rc)
        return err_place(e, rc, "pattern");
    if (regex)
        rc = read_regex(text, &step, e);
    else
        step.pattern = cps_of(text);
    if (rc)
        return rc;
    step.content = cps_of(content);
    steps_put_normal(t, step);
    return OTK_OK;
}

static int read_charsmap(struct tokenizer *t, json_t *obj, struct err *e)
{
    static const char field[] = "precompiled_charsmap";
    struct str text;
    int rc = json_text(obj, &(struct json_want){field, true, 1, CHARSMAP_MAX},
                       &text, e);
    if (rc)
        return rc;
    SCOPED(scope_free) char *bytes = mem_new(text.n, 1);
    size_t n;
    if (sodium_base642bin((unsigned char *)bytes, text.n, text.p, text.n, NULL,
                          &n, NULL, sodium_base64_VARIANT_ORIGINAL))
        return err_field(e, OTK_EFORMAT, field, "not base64");
    struct normal_step step = {.kind = NORMAL_CHARSMAP};
    rc = charsmap_new((struct str){bytes, n}, &step.map, e);
    if (rc == 0)
        steps_put_normal(t, step);
    return rc;
}

int normalizer_read(struct tokenizer *t, json_t *obj, struct err *e)
{
    static const char *const bert[] = {"clean_text", "handle_chinese_chars",
                                       "strip_accents", "lowercase", NULL};
    static const char *const strip[] = {"strip_left", "strip_right", NULL};
    static const char *const replace[] = {"pattern", "content", NULL};
    static const char *const charsmap[] = {"precompiled_charsmap", NULL};
    static const struct json_part parts[] = {
        {"BertNormalizer", read_bert, bert},
        {"NFC", read_nfc, NULL},
        {"NFD", read_nfd, NULL},
        {"NFKC", read_nfkc, NULL},
        {"NFKD", read_nfkd, NULL},
        {"Lowercase", read_lower, NULL},
        {"StripAccents", read_accents, NULL},
        {"Strip", read_strip, strip},
        {"Replace", read_replace, replace},
        {"Precompiled", read_charsmap, charsmap},
        {NULL, NULL, NULL},
    };
    return parts_read(t, obj, parts, "normalizers", e);
}

/* ---- pre-tokenizers --------------------------------------------------------
 */

static int put_cut(struct tokenizer *t, enum cut_kind kind)
{
    steps_put_cut(t, (struct cut_step){.kind = kind});
    return OTK_OK;
}

static int read_bert_words(struct tokenizer *t, json_t *obj, struct err *e)
{
    (void)obj;
    (void)e;
    return put_cut(t, CUT_BERT);
}

static int read_words(struct tokenizer *t, json_t *obj, struct err *e)
{
    (void)obj;
    (void)e;
    return put_cut(t, CUT_WORDS);
}

static int read_white(struct tokenizer *t, json_t *obj, struct err *e)
{
    (void)obj;
    (void)e;
    return put_cut(t, CUT_WHITE);
}

/* `trim_offsets` says nothing here, only in a post-processor. */
static int read_bytes(struct tokenizer *t, json_t *obj, struct err *e)
{
    struct cut_step step = {.kind = CUT_BYTES, .split = true};
    bool space = true;
    int rc = flag(obj, "add_prefix_space", &space, e);
    if (rc == 0)
        rc = flag(obj, "use_regex", &step.split, e);
    step.prepend = space ? PREPEND_ALWAYS : PREPEND_NEVER;
    if (rc == 0)
        steps_put_cut(t, step);
    return rc;
}

static int read_prepend(const json_t *obj, enum cut_prepend *ret, struct err *e)
{
    struct str scheme = STR("always");
    bool space = true;
    int rc = json_text(obj, &(struct json_want){"prepend_scheme", false, 1, 16},
                       &scheme, e);
    if (rc == 0 || rc == OTK_ENOENT)
        rc = flag(obj, "add_prefix_space", &space, e);
    if (rc)
        return rc;
    if (!space || str_is(scheme, "never"))
        *ret = PREPEND_NEVER;
    else if (str_is(scheme, "first"))
        *ret = PREPEND_FIRST;
    else if (str_is(scheme, "always"))
        *ret = PREPEND_ALWAYS;
    else
        return err_field(e, OTK_EFORMAT, "prepend_scheme",
                         "'" STR_FMT "' is not always, first or never",
                         STR_ARG(scheme));
    return OTK_OK;
}

static int read_meta(struct tokenizer *t, json_t *obj, struct err *e)
{
    struct cut_step step = {.kind = CUT_META, .split = true};
    struct str mark = STR("\u2581");
    int rc = json_text(
        obj, &(struct json_want){"replacement", false, 1, UTF8_MAX}, &mark, e);
    if (rc == 0 || rc == OTK_ENOENT)
        rc = flag(obj, "split", &step.split, e);
    if (rc == 0)
        rc = read_prepend(obj, &step.prepend, e);
    if (rc)
        return rc;
    if (utf8_decode(mark, &step.replacement) != mark.n)
        return err_field(e, OTK_EFORMAT, "replacement",
                         "must be one character");
    steps_put_cut(t, step);
    return OTK_OK;
}

int pretokenizer_read(struct tokenizer *t, json_t *obj, struct err *e)
{
    static const char *const bytes[] = {"add_prefix_space", "trim_offsets",
                                        "use_regex", NULL};
    static const char *const meta[] = {"replacement",    "str_rep",
                                       "prepend_scheme", "add_prefix_space",
                                       "split",          NULL};
    static const struct json_part parts[] = {
        {"BertPreTokenizer", read_bert_words, NULL},
        {"Whitespace", read_words, NULL},
        {"WhitespaceSplit", read_white, NULL},
        {"ByteLevel", read_bytes, bytes},
        {"Metaspace", read_meta, meta},
        {NULL, NULL, NULL},
    };
    return parts_read(t, obj, parts, "pretokenizers", e);
}

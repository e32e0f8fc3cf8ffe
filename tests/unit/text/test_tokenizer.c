/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "tokenizer_samples.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "text/tokenizer_parts.h"

static struct tokenizer *sample(const char *json, const char *from,
                                const char *to)
{
    struct tokenizer *t = NULL;
    struct err e = {0};
    if (sample_parse(json, from, to, &t, &e))
        fail_msg("%s: %s", e.field, e.msg);
    return t;
}

static void print(const struct tokens *t, char ret[512])
{
    size_t n = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < t->n && n < 480; i++)
        n += (size_t)snprintf(ret + n, 512 - n, "%s%u:%u-%u", i ? " " : "",
                              t->ids[i], t->from[i], t->to[i]);
}

struct row {
    struct str text;
    const char *want;
};
#define ROW(text, want)                                                        \
    {                                                                          \
        {"" text, sizeof(text) - 1}, want                                      \
    }

static void check(struct tokenizer *t, const struct row *rows, size_t n)
{
    struct tokenizer_scratch *s = tokenizer_scratch_new();
    for (size_t i = 0; i < n; i++) {
        struct tokens tokens;
        struct err e;
        char got[512];
        assert_int_equal(tokenizer_encode(t, s, rows[i].text, 0, &tokens, &e),
                         0);
        print(&tokens, got);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("'" STR_FMT "': %s, not %s", STR_ARG(rows[i].text), got,
                     rows[i].want);
        assert_false(tokens.truncated);
    }
    tokenizer_scratch_free(s);
    tokenizer_free(t);
}

static void test_wordpiece(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("", "2:0-0 3:0-0"),
        ROW(" \n\t", "2:0-0 3:0-0"),
        ROW("Принтер не печатает!",
            "2:0-0 5:0-6 6:6-10 7:10-14 8:15-19 9:20-36 10:36-37 3:0-0"),
        ROW("unable,UN", "2:0-0 12:0-2 13:2-6 15:6-7 12:7-9 3:0-0"),
        ROW("un中!", "2:0-0 12:0-2 11:2-5 10:5-6 3:0-0"),
        /* accents go, composed or not */
        ROW("ЁЛКИ е\u0308лки", "2:0-0 14:0-8 14:9-19 3:0-0"),
        /* a word is unknown as a whole, and when it is long */
        ROW("неон не", "2:0-0 1:0-8 8:9-13 3:0-0"),
        ROW("ununununununununununun", "2:0-0 1:0-22 3:0-0"),
        /* what is not text */
        ROW("н\0е \xff не\xd0", "2:0-0 8:0-5 8:8-12 3:0-0"),
        ROW("\u200bне\u00adне\u2028!", "2:0-0 1:3-13 10:16-17 3:0-0"),
    };
    check(sample(WORDPIECE, "", ""), rows, ROWS(rows));
}

static void test_added_tokens(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("не  <mask> не", "2:0-0 8:0-4 16:4-12 8:13-17 3:0-0"),
        ROW("<mask><mask>", "2:0-0 16:0-6 16:6-12 3:0-0"),
        /* by its normalized name, as a word of its own */
        ROW("vpn не Vpn!", "2:0-0 17:0-3 8:4-8 17:9-12 10:12-13 3:0-0"),
        ROW("xvpn vpnx vpn9", "2:0-0 1:0-4 1:5-9 1:10-14 3:0-0"),
        /* special names in a text are special tokens, as in the reference */
        ROW("не[SEP]не", "2:0-0 8:0-4 3:4-9 8:9-13 3:0-0"),
        ROW("[sep", "2:0-0 1:0-1 1:1-4 3:0-0"),
    };
    check(sample(WORDPIECE, "", ""), rows, ROWS(rows));
}

static void test_bpe(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("", "0:0-0 1:0-0"),
        /* a space is put in front, and belongs to no place */
        ROW("low lower", "0:0-0 12:0-3 12:4-7 13:7-9 1:0-0"),
        ROW("owl", "0:0-0 7:0-0 11:0-2 2:2-3 1:0-0"),
        ROW("  low", "0:0-0 7:0-0 12:2-5 1:0-0"),
        /* two bytes of one letter, joined and apart */
        ROW("eл", "0:0-0 7:0-0 5:0-1 14:1-3 1:0-0"),
        ROW("eо", "0:0-0 7:0-0 5:0-1 8:1-3 1:0-0"),
    };
    check(sample(BPE, "", ""), rows, ROWS(rows));
}

/* The same pieces, with what byte-level BPE leaves as it is. */
static void test_bpe_words(void **state)
{
    (void)state;
    static const char from[] = "'add_prefix_space':true},'post_processor':{"
                               "'type':'RobertaProcessing','sep':['</s>',1],"
                               "'cls':['<s>',0],'trim_offsets':true,"
                               "'add_prefix_space':true},";
    static const struct row plain[] = {
        ROW("low", "2:0-1 11:1-3"),
        ROW("lower  low", "2:0-1 11:1-3 13:3-5 7:5-6 12:6-10"),
        ROW("low ", "2:0-1 11:1-3 7:3-4"),
    };
    check(sample(BPE, from, "'add_prefix_space':false},"), plain, ROWS(plain));
}

static void test_unigram(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ROW("", ""),
        /* the best sum: "ab" before "a" + "b"; the space is the word's */
        ROW("ab", "5:0-1 3:1-2"),
        ROW("abc", "6:0-3"),
        ROW("xab", "1:0-1 0:0-1 4:1-3"),
        /* what is unknown stays together, white space becomes one */
        ROW("a  xyz b", "5:0-1 1:2-3 0:3-6 1:6-7 3:7-8"),
        ROW("ａｂ", "5:0-3 3:3-6"),
    };
    check(sample(UNIGRAM, "", ""), rows, ROWS(rows));
}

/* A compiled map of two rules: A becomes "ab", B nothing. */
static char *charsmap(size_t units, uint32_t value)
{
    enum { UNITS_MAX = 80 };
    uint32_t blob[1 + UNITS_MAX + 1] = {0};
    uint32_t *u = blob + 1;
    blob[0] = (uint32_t)units * 4;
    u[0] = 1u << 10;                       /* keys begin at 1 ^ byte */
    u['A' ^ 1] = 'A' | 1u << 8 | 1u << 10; /* a leaf at that ^ 1 */
    u['A' ^ 1 ^ 1] = 1u << 31 | value;
    u['B' ^ 1] = 'B' | 1u << 8 | 4u << 10;
    u['B' ^ 1 ^ 4] = 1u << 31 | 2;
    memcpy(u + units, "ab", 3);
    static char text[1024];
    sodium_bin2base64(text, sizeof(text), (unsigned char *)blob,
                      4 + units * 4 + 3, sodium_base64_VARIANT_ORIGINAL);
    return text;
}

static struct tokenizer *with_normalizer(const char *json)
{
    return sample(WORDPIECE,
                  "{'type':'BertNormalizer','clean_text':true,"
                  "'handle_chinese_chars':true,'strip_accents':null,"
                  "'lowercase':true}",
                  json);
}

/* What the normalizer makes of `text`, and the bytes that each came from. */
static void check_normal(const char *json, const char *text, const char *want)
{
    struct tokenizer *t = with_normalizer(json);
    struct tokenizer_scratch *s = tokenizer_scratch_new();
    char got[512];
    size_t len = 0;
    size_t n;
    glyphs_read(&s->text, str_from(text));
    const struct glyph *g = normalize(t, s, s->text.p, s->text.n, &n);
    for (size_t i = 0; i < n && len < 400; i++) {
        len += utf8_encode(g[i].cp, got + len);
        len += (size_t)snprintf(got + len, sizeof(got) - len, "%u-%u ",
                                g[i].from, g[i].to);
    }
    got[len ? len - 1 : 0] = '\0';
    if (strcmp(got, want) != 0)
        fail_msg("%s of '%s': '%s', not '%s'", json, text, got, want);
    tokenizer_scratch_free(s);
    tokenizer_free(t);
}

static void test_normalizers(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"{'type':'NFC'}", "и\u0306а", "й0-2 а4-6"},
        {"{'type':'NFD'}", "йа", "и0-2 \u03060-2 а2-4"},
        {"{'type':'NFKC'}", "ﬁ½", "f0-3 i0-3 13-5 ⁄3-5 23-5"},
        {"{'type':'NFKD'}", "²", "20-2"},
        /* marks are put in order, and then composed with their letter */
        {"{'type':'NFD'}", "q\u0307\u0323", "q0-1 \u03231-3 \u03073-5"},
        {"{'type':'NFC'}", "q\u0307\u0323", "q0-1 \u03231-3 \u03073-5"},
        {"{'type':'NFC'}", "e\u0323\u0302", "ệ0-1"},
        {"{'type':'NFC'}", "\u1112\u1161\u11ab", "한0-3"},
        {"{'type':'NFD'}", "한", "\u11120-3 \u11610-3 \u11ab0-3"},
        {"{'type':'Lowercase'}", "ЙÅİ", "й0-2 å2-4 i4-6 \u03074-6"},
        {"{'type':'StripAccents'}", "и\u0306\u20dd", "и0-2"},
        {"{'type':'Strip','strip_left':true,'strip_right':false}", " a ",
         "a1-2  2-3"},
        {"{'type':'Replace','pattern':{'String':'``'},'content':'<>'}", "a``b",
         "a0-1 <2-3 >2-3 b3-4"},
        {"{'type':'Replace','pattern':{'Regex':'\\\\s+'},'content':''}",
         "a \tb", "a0-1 b3-4"},
        {"null", "Й", "Й0-2"},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        check_normal(rows[i][0], rows[i][1], rows[i][2]);
}

static void test_charsmap(void **state)
{
    (void)state;
    char json[1200];
    (void)snprintf(json, sizeof(json),
                   "{'type':'Precompiled','precompiled_charsmap':'%s'}",
                   charsmap(80, 0));
    check_normal(json, "xAyBz", "x0-1 a1-2 b1-2 y2-3 z4-5");
    check_normal(json, "A\u0301C", "a0-1 b1-3 C3-4");
    /* an offset behind the texts, a trie behind its end: nothing is found */
    (void)snprintf(json, sizeof(json),
                   "{'type':'Precompiled','precompiled_charsmap':'%s'}",
                   charsmap(80, 9999));
    check_normal(json, "xA", "x0-1 A1-2");
    (void)snprintf(json, sizeof(json),
                   "{'type':'Precompiled','precompiled_charsmap':'%s'}",
                   charsmap(65, 0));
    check_normal(json, "xA", "x0-1 A1-2");
}

static void test_truncation(void **state)
{
    (void)state;
    static const char off[] = "'truncation':null";
    static const char right[] = "'truncation':{'direction':'Right',"
                                "'max_length':4,'strategy':'LongestFirst',"
                                "'stride':0}";
    static const char left[] = "'truncation':{'direction':'Left',"
                               "'max_length':4,'strategy':'LongestFirst',"
                               "'stride':0}";
    static const struct {
        const char *how;
        size_t max;
        bool cut;
        const char *want;
    } rows[] = {
        {off, 0, false, "2:0-0 8:0-4 10:4-5 12:6-8 3:0-0"},
        {off, 5, false, "2:0-0 8:0-4 10:4-5 12:6-8 3:0-0"},
        {off, 4, true, "2:0-0 8:0-4 10:4-5 3:0-0"},
        {off, 2, true, "2:0-0 3:0-0"},
        {right, 0, true, "2:0-0 8:0-4 10:4-5 3:0-0"},
        {right, 3, true, "2:0-0 8:0-4 3:0-0"},
        {right, 9, true, "2:0-0 8:0-4 10:4-5 3:0-0"},
        {left, 0, true, "2:0-0 10:4-5 12:6-8 3:0-0"},
        {left, 3, true, "2:0-0 12:6-8 3:0-0"},
    };
    struct tokenizer_scratch *s = tokenizer_scratch_new();
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct tokenizer *t = sample(WORDPIECE, off, rows[i].how);
        struct tokens tokens;
        struct err e = {0};
        char got[512];
        assert_int_equal(tokenizer_limit(t), rows[i].how == off ? 0 : 4);
        assert_int_equal(
            tokenizer_encode(t, s, STR("не! un"), rows[i].max, &tokens, &e), 0);
        print(&tokens, got);
        assert_string_equal(got, rows[i].want);
        assert_int_equal(tokens.truncated, rows[i].cut);
        assert_int_equal(tokenizer_encode(t, s, STR("не"), 1, &tokens, &e),
                         OTK_EINVAL);
        assert_string_equal(e.field, "max_tokens");
        tokenizer_free(t);
    }
    tokenizer_scratch_free(s);
}

static void test_specials(void **state)
{
    (void)state;
    uint32_t id = 99;
    struct tokenizer *t = sample(WORDPIECE, "", "");
    assert_int_equal(tokenizer_size(t), 18);
    assert_int_equal(tokenizer_special(t, TOKENIZER_CLS, &id), 0);
    assert_int_equal(id, 2);
    assert_int_equal(tokenizer_special(t, TOKENIZER_PAD, &id), 0);
    assert_int_equal(id, 0);
    assert_int_equal(tokenizer_special(t, TOKENIZER_MASK, &id), 0);
    assert_int_equal(id, 4);
    tokenizer_free(t);
    t = sample(BPE, "", "");
    assert_int_equal(tokenizer_special(t, TOKENIZER_SEP, &id), 0);
    assert_int_equal(id, 1);
    assert_int_equal(tokenizer_special(t, TOKENIZER_UNK, &id), OTK_ENOENT);
    tokenizer_free(t);
}

/* Each word is found again, and nothing else. */
static void test_trie(void **state)
{
    (void)state;
    struct trie t;
    char word[16];
    trie_init(&t);
    for (uint32_t i = 0; i < 5000; i++) {
        (void)snprintf(word, sizeof(word), "ж%u", i * 7);
        uint32_t *slot = trie_add(&t, str_from(word));
        assert_int_equal(*slot, TRIE_NONE);
        *slot = i;
    }
    for (uint32_t i = 0; i < 35000; i++) {
        (void)snprintf(word, sizeof(word), "ж%u", i);
        assert_int_equal(trie_find(&t, str_from(word)),
                         i % 7 ? TRIE_NONE : i / 7);
    }
    assert_int_equal(trie_find(&t, STR("ж")), TRIE_NONE);
    assert_int_equal(trie_find(&t, STR("ж\xff")), TRIE_NONE);
    assert_int_equal(trie_find(&t, STR("")), TRIE_NONE);
    trie_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wordpiece), cmocka_unit_test(test_added_tokens),
        cmocka_unit_test(test_bpe),       cmocka_unit_test(test_bpe_words),
        cmocka_unit_test(test_unigram),   cmocka_unit_test(test_normalizers),
        cmocka_unit_test(test_charsmap),  cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_specials),  cmocka_unit_test(test_trie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

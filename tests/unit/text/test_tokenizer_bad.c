/* SPDX-License-Identifier: Apache-2.0 */
/* Files and texts that are not as they should be: an error, in the right
 * place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"
#include "tokenizer_samples.h"

#include "base/file.h"

static const char NORMALIZER[] =
    "{'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':true,"
    "'strip_accents':null,'lowercase':true}";

struct bad {
    const char *from, *to; /* of the sample */
    int code;
    const char *says; /* a part of the message, or the field */
};

static void check(const char *json, const struct bad *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct tokenizer *t = NULL;
        struct err e = {0};
        int rc = sample_parse(json, rows[i].from, rows[i].to, &t, &e);
        bool said =
            strstr(e.msg, rows[i].says) || strstr(e.field, rows[i].says);
        if (rc != rows[i].code || !said)
            fail_msg("%s: %d '%s' '%s', not %d '%s'", rows[i].to, rc, e.field,
                     e.msg, rows[i].code, rows[i].says);
        assert_null(t);
    }
}

static void test_wordpiece(void **state)
{
    (void)state;
    static const struct bad rows[] = {
        {"'version':'1.0'", "'verse':1", OTK_EFORMAT, "verse"},
        {"'WordPiece'", "'WordLevel'", OTK_EFORMAT, "'WordLevel'"},
        {"'unk_token':'[UNK]'", "'unk_token':'[HM]'", OTK_EFORMAT, "[HM]"},
        {"'##'", "'@@'", OTK_EFORMAT, "continuing_subword_prefix"},
        {"_word':20", "_word':0", OTK_EFORMAT, "max_input_chars_per_word"},
        /* holes, duplicates, ids that are none */
        {"'un':12", "'un':12.5", OTK_EFORMAT, "'un'"},
        {"'un':12", "'un':'12'", OTK_EFORMAT, "'un'"},
        {"'un':12", "'un':-1", OTK_ELIMIT, "-1"},
        {"'un':12", "'un':4194304", OTK_ELIMIT, "4194304"},
        {"'un':12", "'un':99999999999999999", OTK_ELIMIT, "99999999999999999"},
        {"'un':12", "'un':11", OTK_EFORMAT, "another token"},
        {"'un':12", "'un':20", OTK_EFORMAT, "no token has the id 12"},
        {"'un':12", "'не':12", OTK_EFORMAT, "duplicate"},
        {"'un':12", "'':12", OTK_EFORMAT, "empty"},
        {"'vocab':{", "'vocab':{},'x':{", OTK_EFORMAT, "x"},
        /* added tokens */
        {"'id':16,", "'id':4,", OTK_EFORMAT, "the id 4"},
        {"'id':3,", "'id':2,", OTK_EFORMAT, "2 here and 3 in the model"},
        {"'id':16,", "'id':-5,", OTK_EFORMAT, "added_tokens[4]"},
        {"'id':16,", "'id':16,'idol':1,", OTK_EFORMAT, "idol"},
        {"'content':'VPN'", "'content':'\u0301'", OTK_EFORMAT, "is nothing"},
        {"'content':'VPN'", "'contents':'VPN'", OTK_EFORMAT, "contents"},
        /* steps */
        {"'BertPreTokenizer'", "'Digits'", OTK_EFORMAT, "'Digits'"},
        {"'clean_text':true", "'clean_text':1", OTK_EFORMAT, "clean_text"},
        {"'clean_text'", "'clean_texts'", OTK_EFORMAT, "clean_texts"},
        {NORMALIZER, "{'type':'Nmt'}", OTK_EFORMAT, "'Nmt'"},
        {NORMALIZER, "7", OTK_EFORMAT, "normalizer"},
        {NORMALIZER, "{'type':'Sequence','normalizers':[{'type':'Nm'}]}",
         OTK_EFORMAT, "normalizers[0]"},
        {NORMALIZER, "{'type':'Sequence','normalizers':{}}", OTK_EFORMAT,
         "normalizers"},
        {NORMALIZER,
         "{'type':'Replace','pattern':{'Regex':'a|b'},'content':''}",
         OTK_EFORMAT, "'a|b' is not supported"},
        {NORMALIZER,
         "{'type':'Replace','pattern':{'Regex':'a{0,}'},"
         "'content':''}",
         OTK_EFORMAT, "'a{0,}'"},
        {NORMALIZER,
         "{'type':'Replace','pattern':{'Regex':',}'},"
         "'content':''}",
         OTK_EFORMAT, "',}'"},
        {NORMALIZER, "{'type':'Replace','pattern':'a','content':''}",
         OTK_EFORMAT, "pattern"},
        {NORMALIZER, "{'type':'Precompiled','precompiled_charsmap':'%%%'}",
         OTK_EFORMAT, "base64"},
        {NORMALIZER, "{'type':'Precompiled','precompiled_charsmap':'AAA='}",
         OTK_EFORMAT, "damaged"},
        {NORMALIZER, "{'type':'Precompiled','precompiled_charsmap':'/////w=='}",
         OTK_EFORMAT, "damaged"},
        {NORMALIZER,
         "{'type':'Precompiled','precompiled_charsmap':'BAAAAAAAAAD/'}",
         OTK_EFORMAT, "UTF-8"},
        /* special tokens around texts */
        {"'ids':[2]", "'ids':[3]", OTK_EFORMAT, "'[CLS]' must be 2"},
        {"'ids':[2]", "'ids':[]", OTK_EFORMAT, "special_tokens"},
        {"'tokens':['[CLS]']", "'tokens':['[CL]']", OTK_EFORMAT, "[CL]"},
        {"{'id':'A',", "{'id':'B',", OTK_EFORMAT, "piece 1"},
        {"'single':[", "'single':[],'simple':[", OTK_EFORMAT, "simple"},
        {"'truncation':null", "'truncation':{'max_length':1}", OTK_EFORMAT,
         "max_length"},
        {"'truncation':null",
         "'truncation':{'max_length':9,'strategy':'OnlySecond'}", OTK_EFORMAT,
         "OnlySecond"},
        {"'truncation':null", "'truncation':{'max_length':9,'direction':'Up'}",
         OTK_EFORMAT, "direction"},
    };
    check(WORDPIECE, rows, ROWS(rows));
}

static void test_bpe(void **state)
{
    (void)state;
    static const struct bad rows[] = {
        {"'o w'", "'o ww'", OTK_EFORMAT, "merges[1]"},
        {"'o w'", "'w o'", OTK_EFORMAT, "merges[1]"},
        {"'o w'", "'ow'", OTK_EFORMAT, "merges[1]"},
        {"'o w'", "['o','w','o']", OTK_EFORMAT, "merges[1]"},
        {"'o w'", "'\u0120 l'", OTK_EFORMAT, "joined before"},
        {"'merges'", "'merge'", OTK_EFORMAT, "merge"},
        {"'unk_token':null", "'unk_token':'?'", OTK_EFORMAT, "'?'"},
        {"'unk_token':null", "'dropout':0.1", OTK_EFORMAT, "dropout"},
        {"'unk_token':null", "'byte_fallback':true", OTK_EFORMAT,
         "byte_fallback"},
        {"'unk_token':null", "'end_of_word_suffix':'</w>'", OTK_EFORMAT,
         "end_of_word_suffix"},
        {"'sep':['</s>',1]", "'sep':['</s>',2]", OTK_EFORMAT, "must be 1"},
        {"'sep':['</s>',1]", "'sep':'</s>'", OTK_EFORMAT, "sep"},
    };
    check(BPE, rows, ROWS(rows));
}

static void test_unigram(void **state)
{
    (void)state;
    static const struct bad rows[] = {
        {"'unk_id':0", "'unk_id':9", OTK_EFORMAT, "unk_id"},
        {"'unk_id':0", "'unk_id':null", OTK_EFORMAT, "unk_id"},
        {"'unk_id':0", "'unk_id':0,'byte_fallback':true", OTK_EFORMAT,
         "byte_fallback"},
        {"['c',-2.5]", "['c']", OTK_EFORMAT, "vocab[7]"},
        {"['c',-2.5]", "['c','-2.5']", OTK_EFORMAT, "vocab[7]"},
        {"['c',-2.5]", "['a',-2.5]", OTK_EFORMAT, "twice: 2 and 7"},
        {"'always'", "'often'", OTK_EFORMAT, "prepend_scheme"},
        {"'replacement':'\u2581'", "'replacement':'__'", OTK_EFORMAT,
         "replacement"},
    };
    check(UNIGRAM, rows, ROWS(rows));
}

/* Cut anywhere, a file is an error and not a smaller tokenizer. */
static void test_cut_files(void **state)
{
    (void)state;
    static const char *const samples[] = {WORDPIECE, BPE, UNIGRAM};
    for (size_t i = 0; i < ROWS(samples); i++) {
        char *json = sample_with(samples[i], "", "");
        for (size_t n = strlen(json); n-- > 0;) {
            struct tokenizer *t = NULL;
            struct err e = {0};
            assert_int_equal(tokenizer_parse((struct str){json, n}, &t, &e),
                             OTK_EFORMAT);
            assert_null(t);
        }
        free(json);
    }
}

static void test_texts(void **state)
{
    (void)state;
    static const char swell[] =
        "{'type':'Sequence','normalizers':["
        "{'type':'Replace','pattern':{'String':'x'},'content':"
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'},"
        "{'type':'Replace','pattern':{'String':'x'},'content':"
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'}"
        "]}";
    struct tokenizer *t = NULL;
    struct err e = {0};
    struct tokens tokens;
    struct tokenizer_scratch *s = tokenizer_scratch_new();
    char *big = calloc(1, TOKENIZER_TEXT_MAX + 1);
    assert_non_null(big);
    memset(big, 'x', TOKENIZER_TEXT_MAX + 1);
    assert_int_equal(sample_parse(WORDPIECE, NORMALIZER, swell, &t, &e), 0);
    struct str text = {big, TOKENIZER_TEXT_MAX + 1};
    assert_int_equal(tokenizer_encode(t, s, text, 0, &tokens, &e), OTK_ELIMIT);
    assert_string_equal(e.field, "text");
    text.n = 1 << 14;
    assert_int_equal(tokenizer_encode(t, s, text, 0, &tokens, &e), OTK_ELIMIT);
    /* and the scratch is good for the next */
    text.n = 2;
    assert_int_equal(tokenizer_encode(t, s, text, 0, &tokens, &e), 0);
    assert_int_equal(tokens.n, 3);
    tokenizer_scratch_free(s);
    tokenizer_free(t);
    free(big);
}

/* ---- folders ---------------------------------------------------------------
 */

static char top[] = "/tmp/otk-tokenizer-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", top, name);
    if (text)
        assert_int_equal(file_write(path, str_from(text), 0600, NULL), 0);
    else
        (void)unlink(path);
}

static void check_folder(int code, const char *file, const char *says)
{
    struct tokenizer *t = NULL;
    struct err e = {0};
    int rc = tokenizer_load(top, &t, &e);
    if (rc != code || !strstr(e.msg, file) || !strstr(e.msg, says))
        fail_msg("%d '%s', not %d '%s' '%s'", rc, e.msg, code, file, says);
    assert_null(t);
}

static void check_tokens(const char *text, const uint32_t *ids, size_t n)
{
    struct tokenizer *t = NULL;
    struct err e = {0};
    struct tokens tokens;
    struct tokenizer_scratch *s = tokenizer_scratch_new();
    if (tokenizer_load(top, &t, &e) ||
        tokenizer_encode(t, s, str_from(text), 0, &tokens, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(tokens.n, n);
    assert_memory_equal(tokens.ids, ids, n * sizeof(*ids));
    tokenizer_scratch_free(s);
    tokenizer_free(t);
}

static void test_vocab_txt(void **state)
{
    (void)state;
    static const char words[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n##s\nda\nDa\ndä\n";
    check_folder(OTK_ENOENT, top, "no tokenizer.json");
    put("vocab.txt", words);
    check_folder(OTK_ENOENT, "tokenizer_config.json", "missing");
    put("tokenizer_config.json", "{}");
    check_folder(OTK_EFORMAT, "tokenizer_config.json", "do_lower_case");
    put("tokenizer_config.json", "{\"do_lower_case\": true}");
    check_tokens("Das [SEP] dä", (uint32_t[]){2, 5, 4, 3, 5, 3}, 6);
    put("tokenizer_config.json", "{\"do_lower_case\": false}");
    check_tokens("Das da", (uint32_t[]){2, 6, 4, 5, 3}, 5);
    put("tokenizer_config.json",
        "{\"do_lower_case\": true, \"strip_accents\": false}");
    check_tokens("DÄ", (uint32_t[]){2, 7, 3}, 3);
    put("tokenizer_config.json",
        "{\"do_lower_case\": true, \"unk_token\": {\"content\": \"da\"},"
        " \"sep_token\": null}");
    check_tokens("q", (uint32_t[]){2, 5}, 2);
    put("tokenizer_config.json",
        "{\"do_lower_case\": true, \"cls_token\": \"[C]\"}");
    check_folder(OTK_EFORMAT, "tokenizer_config.json", "[C]");
    put("tokenizer_config.json",
        "{\"do_lower_case\": true, \"cls_token\": null, \"sep_token\": null}");
    put("vocab.txt", "[UNK]\r\n##s\r\nda\r\n");
    check_tokens("das[SEP]", (uint32_t[]){2, 1, 0, 0, 0}, 5);
    put("vocab.txt", "[UNK]\n\n##s\n");
    check_folder(OTK_EFORMAT, "vocab.txt: line 2", "empty");
    put("vocab.txt", "[UNK]\nda\n##s\nda\n");
    check_folder(OTK_EFORMAT, "vocab.txt: line 4", "'da' is there twice");
    put("vocab.txt", "[UNK]\nd\xff\n##s\n");
    check_folder(OTK_EFORMAT, "vocab.txt: line 2", "UTF-8");
    put("vocab.txt", "da\n##s\n");
    check_folder(OTK_EFORMAT, "tokenizer_config.json: unk_token", "[UNK]");
    put("vocab.txt", "");
    check_folder(OTK_EFORMAT, "vocab.txt", "no tokens");
    put("vocab.txt", NULL);
    put("tokenizer_config.json", NULL);
}

static void test_vocab_json(void **state)
{
    (void)state;
    put("vocab.json", "{\"a\": 0, \"b\": 1, \"ab\": 2, \"\u0120\": 3,"
                      "\"</s>\": 4, \"<s>\": 5}");
    check_folder(OTK_ENOENT, "merges.txt", "No such file");
    put("merges.txt", "#version: 0.2\na b\n");
    put("tokenizer_config.json", "{}");
    check_folder(OTK_EFORMAT, "tokenizer_config.json: sep_token", "null");
    put("tokenizer_config.json", "{\"sep_token\": null}");
    check_tokens("ab a</s>", (uint32_t[]){2, 3, 0}, 3);
    put("tokenizer_config.json",
        "{\"sep_token\": \"</s>\", \"cls_token\": {\"content\": \"<s>\"},"
        " \"add_prefix_space\": true}");
    check_tokens("ab", (uint32_t[]){5, 3, 2, 4}, 4);
    put("merges.txt", "a b\na c\n");
    check_folder(OTK_EFORMAT, "merges.txt: line 2", "'c'");
    put("merges.txt", "a\n");
    check_folder(OTK_EFORMAT, "merges.txt: line 1", "two tokens");
    put("tokenizer_config.json", "{}");
    put("vocab.json", "{\"a\": 0, \"b\": 2}");
    put("merges.txt", "");
    check_folder(OTK_EFORMAT, "vocab.json", "the id 1");
    put("vocab.json", "[]");
    check_folder(OTK_EFORMAT, "vocab.json", "object");
    put("tokenizer.json", "{\"model\":");
    check_folder(OTK_EFORMAT, "tokenizer.json", "line 1");
    put("tokenizer.json", NULL);
    put("merges.txt", NULL);
    put("vocab.json", NULL);
    put("tokenizer_config.json", NULL);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(top) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wordpiece),  cmocka_unit_test(test_bpe),
        cmocka_unit_test(test_unigram),    cmocka_unit_test(test_cut_files),
        cmocka_unit_test(test_texts),      cmocka_unit_test(test_vocab_txt),
        cmocka_unit_test(test_vocab_json),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

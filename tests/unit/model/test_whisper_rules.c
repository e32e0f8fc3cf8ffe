/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, what may come next, and the way through a matrix of costs. */
#include "model/whisper_rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/whisper.h"
#include "model/whisper_folder.h"
#include "model/whisper_tokens.h"
#include "model/whisper_words.h"
#include "test.h"

enum { VOCAB = 51865, BYTES = 256, TOKENS = 32 };

static struct str tokens[BYTES + 8];
static char bytes[BYTES];
static struct whisper_vocabulary v;
static float x[VOCAB];

static int make(void **state)
{
    (void)state;
    static const char *const words[] = {" h",     "el",       " hel", "lo",
                                        " hello", "\xd0\xbf", "\"",   "--"};
    for (int i = 0; i < BYTES; i++) {
        bytes[i] = (char)i;
        tokens[i] = (struct str){&bytes[i], 1};
    }
    for (size_t i = 0; i < ROWS(words); i++)
        tokens[BYTES + i] = str_from(words[i]);
    return whisper_vocabulary_init(&v, tokens, ROWS(tokens), VOCAB, NULL);
}

static int clean(void **state)
{
    (void)state;
    whisper_vocabulary_deinit(&v);
    return 0;
}

/* ---- tokens
 * ------------------------------------------------------------------------- */

static void special_tokens(void **state)
{
    (void)state;
    assert_int_equal(v.end, 50257);
    assert_int_equal(v.start, 50258);
    assert_int_equal(v.languages, 50259);
    assert_int_equal(v.translate, 50358);
    assert_int_equal(v.transcribe, 50359);
    assert_int_equal(v.before, 50361);
    assert_int_equal(v.no_speech, 50362);
    assert_int_equal(v.no_times, 50363);
    assert_int_equal(v.times, 50364);
    struct whisper_vocabulary other;
    assert_int_equal(
        whisper_vocabulary_init(&other, tokens, BYTES, 51864, NULL), OTK_OK);
    assert_int_equal(other.end, 50256);
    assert_int_equal(other.transcribe, 50358);
    assert_int_equal(other.times, 50363);
    assert_int_equal(other.n_languages, 0);
    whisper_vocabulary_deinit(&other);
    assert_int_equal(
        whisper_vocabulary_init(&other, tokens, BYTES, 51866, NULL), OTK_OK);
    assert_int_equal(other.n_languages, 100);
    assert_int_equal(other.times, 50365);
    whisper_vocabulary_deinit(&other);
    struct err e = {0};
    assert_int_equal(whisper_vocabulary_init(&other, tokens, BYTES, 30522, &e),
                     OTK_EFORMAT);
    assert_non_null(strstr(e.msg, "n_vocab is 30522"));
}

static void languages(void **state)
{
    (void)state;
    assert_int_equal(whisper_language_find(STR("en")), 0);
    assert_int_equal(whisper_language_find(STR("russian")), 4);
    assert_string_equal(whisper_language(4), "ru");
    assert_string_equal(whisper_language(99), "yue");
    assert_null(whisper_language(100));
    assert_int_equal(whisper_language_find(STR("klingon")), -1);
}

/* Pairs are joined by their number, lowest first: " h"+"el" before "lo". */
static void joins_pairs(void **state)
{
    (void)state;
    uint32_t ids[TOKENS];
    assert_int_equal(
        whisper_vocabulary_encode(&v, STR(" hello hel"), ids, TOKENS), 2);
    assert_int_equal(ids[0], BYTES + 4);
    assert_int_equal(ids[1], BYTES + 2);
    /* a blank belongs to the word behind it, others stand alone */
    size_t n = whisper_vocabulary_encode(&v, STR("a  hello"), ids, TOKENS);
    assert_int_equal(n, 3);
    assert_int_equal(ids[1], ' ');
    assert_int_equal(ids[2], BYTES + 4);
    assert_int_equal(whisper_vocabulary_encode(&v, STR("пя"), ids, TOKENS), 3);
    assert_int_equal(ids[0], BYTES + 5);
    assert_int_equal(whisper_vocabulary_encode(&v, STR("abcdef"), ids, 4), 4);
    assert_int_equal(whisper_vocabulary_encode(&v, STR(""), ids, 4), 0);
}

static void reads_a_vocabulary(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct str *list;
    size_t n;
    struct err e = {0};
    const char *json = "{\"a\":0,\"\u0120b\":3,\"\u00d0\u00bf\":2}";
    assert_int_equal(
        whisper_vocabulary_read(str_from(json), a, 10, &list, &n, &e), OTK_OK);
    assert_int_equal(n, 4);
    assert_true(str_is(list[3], " b") && str_is(list[2], "п"));
    assert_int_equal(list[1].n, 0);
    json = "{\"model\":{\"vocab\":{\"a\":10}}}";
    assert_int_equal(
        whisper_vocabulary_read(str_from(json), a, 10, &list, &n, &e),
        OTK_EFORMAT);
    assert_non_null(strstr(e.msg, "token 'a': its number must be 0 to 9"));
    arena_free(a);
}

/* ---- rules
 * -------------------------------------------------------------------------- */

/* All alike but one, after these tokens. */
static void chances(const uint32_t *said, size_t n, uint32_t likely,
                    bool has_times)
{
    struct whisper_rules r;
    whisper_rules_init(&r, &v, has_times);
    for (size_t i = 0; i < VOCAB; i++)
        x[i] = 0;
    x[likely] = 20;
    whisper_rules_apply(&r, said, n, x);
    double sum = 0;
    for (size_t i = 0; i < VOCAB; i++)
        sum += (double)x[i];
    assert_true(fabs(sum - 1) < 1e-3);
}

/* A chance that is as good as none. */
static bool none(uint32_t token)
{
    return x[token] < 1e-30F;
}

static void begins_with_a_time(void **state)
{
    (void)state;
    chances(NULL, 0, 'a', true);
    assert_true(none('a') && none(v.end) && none(v.times + 51));
    assert_false(none(v.times) || none(v.times + 50));
    chances(NULL, 0, 'a', false);
    assert_true(none(' ') && none(v.end) && none(v.times));
    assert_true(x['a'] > 0.9F);
}

static void no_special_tokens(void **state)
{
    (void)state;
    const uint32_t said[] = {'a'};
    chances(said, 1, 'b', false);
    for (uint32_t t = v.end + 1; t < v.times; t++)
        assert_true(none(t));
    assert_true(none('"') && none('[') && none(BYTES + 7));
    assert_false(none(v.end) || none(' ') || none('-'));
}

static void times_in_pairs(void **state)
{
    (void)state;
    const uint32_t opened[] = {v.times + 10, 'a'};
    chances(opened, 2, 'b', true);
    assert_true(none(v.times + 10)); /* never back, never the same */
    assert_false(none(v.times + 11) || none('b'));
    const uint32_t closed[] = {v.times + 10, 'a', v.times + 40};
    chances(closed, 3, v.end, true);
    assert_true(none('b') && none(v.times + 39));
    assert_false(none(v.times + 40) || none(v.end));
    const uint32_t again[] = {v.times + 10, 'a', v.times + 40, v.times + 40};
    chances(again, 4, 'b', true);
    assert_true(none(v.times + 40) && none(v.times + 60));
    assert_false(none('b'));
}

/* All timestamps together against the likeliest word. */
static void time_where_likelier(void **state)
{
    (void)state;
    const uint32_t said[] = {v.times, 'a'};
    struct whisper_rules r;
    whisper_rules_init(&r, &v, true);
    for (size_t i = 0; i < VOCAB; i++)
        x[i] = i > v.times ? 0 : -30;
    x['b'] = logf(1600); /* more than 1500 timestamps */
    whisper_rules_apply(&r, said, 2, x);
    assert_true(x['b'] > 0.5F);
    for (size_t i = 0; i < VOCAB; i++)
        x[i] = i > v.times ? 0 : -30;
    x['b'] = logf(1400);
    whisper_rules_apply(&r, said, 2, x);
    assert_true(none('b'));
    assert_true(fabsf(x[v.times + 1] - 1.0F / 1500) < 1e-5F);
}

/* ---- warping
 * ------------------------------------------------------------------------ */

static void warps(void **state)
{
    (void)state;
    /* row by row where it is cheap: columns 0-1, 2, 3-5 */
    static const float cost[3 * 6] = {0, 0, 9, 9, 9, 9, 9, 9, 0,
                                      9, 9, 9, 9, 9, 9, 0, 0, 0};
    size_t first[3];
    whisper_warp(cost, 3, 6, first);
    assert_int_equal(first[0], 0);
    assert_int_equal(first[1], 2);
    assert_int_equal(first[2], 3);
    static const float narrow[3] = {1, 1, 1};
    whisper_warp(narrow, 3, 1, first);
    assert_int_equal(first[2], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_tokens),
        cmocka_unit_test(languages),
        cmocka_unit_test(joins_pairs),
        cmocka_unit_test(reads_a_vocabulary),
        cmocka_unit_test(begins_with_a_time),
        cmocka_unit_test(no_special_tokens),
        cmocka_unit_test(times_in_pairs),
        cmocka_unit_test(time_where_likelier),
        cmocka_unit_test(warps),
    };
    return cmocka_run_group_tests(tests, make, clean);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* BM25 and the latent space on units small enough to reckon by hand. */
#include "knowledge/postings.h"

#include <math.h>

#include "base/err.h"
#include "knowledge/latent.h"
#include "test.h"

/* Units by hashes; 0 ends one. */
static struct postings *postings_with(const uint64_t (*units)[6], size_t n)
{
    struct postings *p = postings_new(1.2F, 0.5F);
    for (size_t i = 0; i < n; i++) {
        size_t len = 0;
        while (len < 6 && units[i][len])
            len++;
        postings_add(p, units[i], len);
    }
    assert_int_equal(postings_close(p, NULL), 0);
    return p;
}

static void test_weights(void **state)
{
    (void)state;
    static const uint64_t units[][6] = {{7, 8, 7}, {8}, {0}, {9, 8}};
    struct postings *p = postings_with(units, ROWS(units));
    const struct posting *at;
    assert_int_equal(postings_units(p), 4);
    assert_int_equal(postings_terms(p), 3);
    assert_true(postings_term(p, 1) == POSTINGS_NONE);
    size_t seven = postings_term(p, 7);
    size_t eight = postings_term(p, 8);
    assert_true(postings_hash(p, seven) == 7);
    assert_int_equal(postings_of(p, eight, &at), 3);
    assert_int_equal(at[0].unit, 0);
    assert_int_equal(at[1].unit, 1);
    assert_int_equal(at[2].unit, 3);
    assert_true(at[1].weight > at[0].weight); /* a shorter unit */
    assert_int_equal(postings_of(p, seven, &at), 1);
    float idf = logf(1 + 3.5F / 1.5F);
    float norm = 0.5F + 0.5F * 3 / 1.5F; /* three features, 1.5 on average */
    assert_true(fabsf(postings_idf(p, seven) - idf) < 1e-5F);
    assert_true(fabsf(at[0].weight - idf * 2 * 2.2F / (2 + 1.2F * norm)) <
                1e-5F);
    assert_true(postings_idf(p, POSTINGS_NONE) > postings_idf(p, seven));
    postings_free(p);
}

static void test_many(void **state)
{
    (void)state;
    struct postings *p = postings_new(1.2F, 0.5F);
    for (uint64_t i = 1; i <= 5000; i++) { /* the table grows */
        const uint64_t hashes[] = {i, i << 32, 42u << 20};
        postings_add(p, hashes, 3);
    }
    assert_int_equal(postings_close(p, NULL), 0);
    assert_int_equal(postings_terms(p), 10001);
    for (uint64_t i = 1; i <= 5000; i++) {
        const struct posting *at;
        assert_int_equal(postings_of(p, postings_term(p, i << 32), &at), 1);
        assert_int_equal(at->unit, i - 1);
    }
    postings_free(p);
}

static void place(const struct latent *l, const struct postings *p,
                  uint64_t hash, float ret[LATENT_SIZE])
{
    size_t term = postings_term(p, hash);
    latent_place(l, &term, 1, ret);
}

/* Themes have five words of their own; each unit has three of them, one of two
 * synonyms, which never meet, and a word that nobody else has. */
enum { THEMES = 60, UNITS_A_THEME = 12, OWN = 5, FIRST_NOISE = 100000 };

static uint64_t synonym_of(uint64_t theme, uint64_t which)
{
    return 1 + theme * 100 + which;
}

static struct postings *themes(void)
{
    struct postings *p = postings_new(1.2F, 0.5F);
    for (uint64_t t = 0; t < THEMES; t++) {
        for (uint64_t u = 0; u < UNITS_A_THEME; u++) {
            const uint64_t unit[] = {synonym_of(t, u % 2),
                                     synonym_of(t, 10 + u % OWN),
                                     synonym_of(t, 10 + (u + 1) % OWN),
                                     synonym_of(t, 10 + (u + 3) % OWN),
                                     FIRST_NOISE + t * UNITS_A_THEME + u};
            postings_add(p, unit, ROWS(unit));
        }
    }
    assert_int_equal(postings_close(p, NULL), 0);
    return p;
}

static void test_latent(void **state)
{
    (void)state;
    struct postings *p = themes();
    struct latent *l = NULL;
    float one[LATENT_SIZE], other[LATENT_SIZE], stranger[LATENT_SIZE];
    static float all[THEMES * UNITS_A_THEME][LATENT_SIZE];
    float synonyms = 0;
    float strangers = 0;
    assert_int_equal(latent_new(p, &l, NULL), 0);
    for (uint64_t t = 0; t < THEMES; t++) {
        place(l, p, synonym_of(t, 0), one);
        place(l, p, synonym_of(t, 1), other);
        place(l, p, synonym_of((t + 1) % THEMES, 1), stranger);
        assert_true(fabsf(latent_nearness(one, one) - 1) < 1e-4F);
        synonyms += latent_nearness(one, other) / THEMES;
        strangers += latent_nearness(one, stranger) / THEMES;
    }
    assert_true(synonyms > 0.6F); /* without the space it is nought */
    assert_true(strangers < 0.1F);
    latent_place_units(l, p, all);
    assert_true(latent_nearness(all[0], all[1]) > 0.8F);
    assert_true(fabsf(latent_nearness(all[0], all[UNITS_A_THEME])) < 0.2F);
    place(l, p, 99, one); /* nobody has it: nowhere */
    assert_true(latent_nearness(one, one) == 0);
    latent_free(l);
    postings_free(p);
}

static void test_latent_of_nothing(void **state)
{
    (void)state;
    struct postings *p = postings_with(NULL, 0);
    struct latent *l = NULL;
    float at[LATENT_SIZE];
    assert_int_equal(latent_new(p, &l, NULL), 0);
    latent_place(l, NULL, 0, at);
    assert_true(latent_nearness(at, at) == 0);
    latent_free(l);
    postings_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_latent),
        cmocka_unit_test(test_latent_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

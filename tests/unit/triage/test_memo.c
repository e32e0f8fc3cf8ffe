/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered, what makes room for it, and who asks at once. */
#include "triage/memo.h"

#include <pthread.h>
#include <stdio.h>

#include "test.h"

enum { WIDTH = 3, BYTES = 10000, THREADS = 4, ROUNDS = 2000, NAME_BYTES = 30 };

static struct str name_of(size_t i, char room[NAME_BYTES])
{
    (void)snprintf(room, NAME_BYTES, "text %zu", i);
    return str_from(room);
}

static void put(struct memo *m, size_t i)
{
    char room[NAME_BYTES];
    const float row[WIDTH] = {(float)i, (float)i + 0.5F, -(float)i};
    memo_put(m, name_of(i, room), row);
}

/* Whether it is known, and then with its own scores. */
static bool knows(struct memo *m, size_t i)
{
    char room[NAME_BYTES];
    float row[WIDTH] = {7, 7, 7};
    bool found = memo_find(m, name_of(i, room), row);
    assert_true(row[0] == (found ? (float)i : 7));
    assert_true(row[1] == (found ? (float)i + 0.5F : 7));
    assert_true(row[2] == (found ? -(float)i : 7));
    return found;
}

static void test_remembers(void **state)
{
    (void)state;
    struct memo *m = memo_new(WIDTH, BYTES);
    assert_false(knows(m, 1));
    put(m, 1);
    assert_true(knows(m, 1));
    assert_false(knows(m, 2));
    float other[WIDTH] = {1, 2, 3};
    float row[WIDTH];
    memo_put(m, STR(""), other);
    memo_put(m, STR("text 1"), other); /* the newer scores count */
    assert_true(memo_find(m, STR(""), row));
    assert_true(memo_has(m, STR("text 1")));
    assert_false(memo_has(m, STR("text 2")));
    assert_true(memo_find(m, STR("text 1"), row));
    assert_true(row[0] == 1 && row[1] == 2 && row[2] == 3);
    memo_free(m);
    memo_free(NULL);
}

/* What is asked for again and again outlives what is not. */
static void test_room(void **state)
{
    (void)state;
    struct memo *m = memo_new(WIDTH, BYTES);
    size_t room = memo_size(m);
    size_t kept = 0;
    assert_true(room >= 8 && room <= BYTES / (16 + WIDTH * sizeof(float)));
    put(m, 0);
    for (size_t i = 1; i < 20 * room; i++) {
        put(m, i);
        assert_true(knows(m, 0));
        assert_true(knows(m, i));
    }
    for (size_t i = 0; i < 20 * room; i++)
        kept += knows(m, i);
    assert_true(kept > room / 2 && kept <= room);
    memo_free(m);
    m = memo_new(100000, 1); /* wide rows: few, but some */
    assert_int_equal(memo_size(m), 8);
    memo_free(m);
}

static void *ask(void *arg)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        put(arg, i % 500);
        (void)knows(arg, (i * 7) % 500);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct memo *m = memo_new(WIDTH, BYTES);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, m), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    memo_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remembers),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads with a text each: each hears what it would hear alone. */
#include "model/lanes.h"

#include <pthread.h>
#include <string.h>

#include "base/err.h"
#include "model/encoder.h"
#include "model/model.h"
#include "models.h"

enum { THREADS = 12, ROUNDS = 8, LONGEST = 40, WIDTH = 32 };

static struct model *model;

static int prepare(void **state)
{
    char folder[MODELS_PATH];
    struct err e = {0};
    if (models_open(state))
        return -1;
    models_make("distilbert", MODELS_SMALL, "model", folder);
    return model_load(folder, PRECISION_I8, &model, &e);
}

static int clean(void **state)
{
    model_unref(model);
    return models_close(state);
}

/* A text of its own for each thread and round; the last thread's is none. */
struct asker {
    struct lanes *lanes;
    uint32_t ids[ROUNDS][LONGEST];
    struct encoded texts[ROUNDS];
    float got[ROUNDS][WIDTH];
    int code[ROUNDS];
    struct err err;
};
static struct asker askers[THREADS];

static void *ask(void *arg)
{
    struct asker *x = arg;
    for (int i = 0; i < ROUNDS; i++)
        x->code[i] = lanes_pool(x->lanes, &x->texts[i], x->got[i], &x->err);
    return NULL;
}

static void fill(struct lanes *l)
{
    size_t vocab = model_info(model)->config->vocab;
    assert_int_equal(model_info(model)->config->hidden, WIDTH);
    for (size_t t = 0; t < THREADS; t++) {
        struct asker *x = &askers[t];
        *x = (struct asker){.lanes = l};
        for (size_t i = 0; i < ROUNDS; i++) {
            x->texts[i] = (struct encoded){.ids = x->ids[i]};
            x->texts[i].n = 1 + (t * 11 + i * 5) % LONGEST;
            for (size_t k = 0; k < LONGEST; k++)
                x->ids[i][k] = (uint32_t)((t * 31 + i * 17 + k * 7) % vocab);
            if (t == THREADS - 1)
                x->ids[i][0] = (uint32_t)vocab;
        }
    }
}

static void check(void)
{
    struct session *s = session_new(1);
    for (size_t t = 0; t < THREADS; t++) {
        for (size_t i = 0; i < ROUNDS; i++) {
            float want[WIDTH];
            struct err e = {0};
            int r = model_pool(model, s, &askers[t].texts[i], 1, want, &e);
            assert_int_equal(r, t == THREADS - 1 ? OTK_EINVAL : OTK_OK);
            assert_int_equal(askers[t].code[i], r);
            if (r)
                assert_string_equal(askers[t].err.msg, e.msg);
            else
                assert_memory_equal(askers[t].got[i], want, sizeof(want));
        }
    }
    session_free(s);
}

static void ask_all(int lanes)
{
    pthread_t threads[THREADS];
    struct lanes *l = lanes_new(model, lanes);
    fill(l);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &askers[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    check();
    struct lanes_count c = lanes_count(l);
    assert_int_equal(c.texts, THREADS * ROUNDS);
    assert_true(c.batches >= 1 && c.batches <= c.texts);
    lanes_free(l);
}

static void test_many(void **state)
{
    (void)state;
    ask_all(1);
    ask_all(3);
    ask_all(0);
}

/* One after the other, each is a batch of its own. */
static void test_alone(void **state)
{
    (void)state;
    struct lanes *l = lanes_new(model, 1);
    fill(l);
    for (int i = 0; i < THREADS; i++)
        (void)ask(&askers[i]);
    check();
    assert_int_equal(lanes_count(l).batches, THREADS * ROUNDS);
    lanes_free(l);
    lanes_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_alone),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}

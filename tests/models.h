/*
 * tests/models.h - model folders of random weights, for one test program
 *
 * As tests/models/make.py writes them, in a folder of their own that goes when
 * the program ends.
 */
#ifndef OTK_TESTS_MODELS_H
#define OTK_TESTS_MODELS_H

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

enum { MODELS_PATH = 200, MODELS_COMMAND = 1000 };

/* The smallest that learns and looks at some tokens more than at others. */
#define MODELS_SMALL "--hidden 32 --heads 2"

static char models_top[] = "/tmp/otklik-models-XXXXXX";

/* For cmocka's set-up and tear-down of a group. */
static inline int models_open(void **state)
{
    (void)state;
    return getenv("OTKLIK_TESTS") && mkdtemp(models_top) ? 0 : -1;
}

static inline int models_close(void **state)
{
    char command[MODELS_COMMAND];
    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", models_top);
    return system(command);
}

/* `folder` becomes the path of a new model, called `name`. */
static inline void models_make(const char *family, const char *options,
                               const char *name, char folder[MODELS_PATH])
{
    char command[MODELS_COMMAND];
    const char *tests = getenv("OTKLIK_TESTS");
    if (!tests)
        fail_msg("OTKLIK_TESTS must be the folder tests/; ctest sets it");
    (void)snprintf(folder, MODELS_PATH, "%s/%s", models_top, name);
    (void)snprintf(command, sizeof(command),
                   "python3 '%s/models/make.py' %s '%s' %s >/dev/null", tests,
                   family, folder, options);
    assert_int_equal(system(command), 0);
}

#endif

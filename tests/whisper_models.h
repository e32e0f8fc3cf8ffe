/*
 * tests/whisper_models.h - small Whisper models of random weights
 *
 * As tests/models/whisper.py writes them, once for a test program, in a folder
 * of their own that goes when the program ends.
 */
#ifndef OTK_TESTS_WHISPER_MODELS_H
#define OTK_TESTS_WHISPER_MODELS_H

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

enum { WHISPER_PATH = 200, WHISPER_COMMAND = 1000 };

static char whisper_top[] = "/tmp/otklik-whisper-XXXXXX";

/* For cmocka's set-up and tear-down of a group. */
static inline int whisper_open(void **state)
{
    (void)state;
    return getenv("OTKLIK_TESTS") && mkdtemp(whisper_top) ? 0 : -1;
}

static inline int whisper_close(void **state)
{
    char command[WHISPER_COMMAND];
    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", whisper_top);
    return system(command);
}

/* `path` becomes that of a new model, called `name`. */
static inline void whisper_make(const char *options, const char *name,
                                char path[WHISPER_PATH])
{
    char command[WHISPER_COMMAND];
    const char *tests = getenv("OTKLIK_TESTS");
    if (!tests)
        fail_msg("OTKLIK_TESTS must be the folder tests/; ctest sets it");
    (void)snprintf(path, WHISPER_PATH, "%s/%s", whisper_top, name);
    (void)snprintf(command, sizeof(command),
                   "python3 '%s/models/whisper.py' '%s' %s", tests, path,
                   options);
    assert_int_equal(system(command), 0);
}

#endif

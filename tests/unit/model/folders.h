/* unit/model/folders.h - model folders of random weights, by models/make.py */
#ifndef OTK_TESTS_FOLDERS_H
#define OTK_TESTS_FOLDERS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "test.h"

enum { FOLDER_BYTES = 200, FOLDER_FILE_MAX = 64 << 20 };

/* `more` are further words for make.py. */
static inline void folder_make(const char *family, const char *folder,
                               const char *more)
{
    char command[3 * FOLDER_BYTES];
    const char *tests = getenv("OTKLIK_TESTS");
    assert_non_null(tests);
    int n = snprintf(command, sizeof(command),
                     "python3 '%s/models/make.py' %s '%s' %s >/dev/null", tests,
                     family, folder, more);
    assert_true(n > 0 && (size_t)n < sizeof(command));
    assert_int_equal(system(command), 0);
}

static inline void folder_remove(const char *folder)
{
    char command[2 * FOLDER_BYTES];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

/* A file of it; free() it. */
static inline char *folder_read(const char *folder, const char *name, size_t *n)
{
    char path[2 * FOLDER_BYTES];
    struct buf b = BUF_INIT(FOLDER_FILE_MAX);
    struct err e = {0};
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (file_read(path, &b, &e))
        fail_msg("%s", e.msg);
    return buf_take(&b, n);
}

static inline void folder_write(const char *folder, const char *name,
                                const char *p, size_t n)
{
    char path[2 * FOLDER_BYTES];
    struct err e = {0};
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (file_write(path, (struct str){p, n}, 0640, &e))
        fail_msg("%s", e.msg);
}

#endif

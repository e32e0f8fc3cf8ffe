/*
 * base/embed.h - files that are part of the program
 *
 * cmake/embed.cmake turns a folder into one array of these, ended by an entry
 * whose name is NULL and sorted by name.
 */
#ifndef OTK_BASE_EMBED_H
#define OTK_BASE_EMBED_H

#include <stddef.h>
#include <string.h>

#include "base/str.h"

struct embed {
    const char *name; /* relative to the folder: "0001_init.sql" */
    const unsigned char *begin;
    const unsigned char *end;
};

static inline struct str embed_bytes(const struct embed *f)
{
    return (struct str){.p = (const char *)f->begin,
                        .n = (size_t)(f->end - f->begin)};
}

/* The file of that name, or NULL. */
static inline const struct embed *embed_find(const struct embed *files,
                                             const char *name)
{
    for (; files->name; files++) {
        if (strcmp(files->name, name) == 0)
            return files;
    }
    return NULL;
}

#endif

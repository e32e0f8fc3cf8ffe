/* base/file.h - whole files, read with a limit and written safely */
#ifndef OTK_BASE_FILE_H
#define OTK_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/str.h"

struct buf;
struct err;

/* Append the file to `ret`, whose ceiling is the limit (OTK_ELIMIT). */
int file_read(const char *path, struct buf *ret, struct err *e);

/*
 * Write by a temporary file, fsync and rename: after a crash the path holds
 * the old bytes or the new ones, never a mixture.
 */
int file_write(const char *path, struct str bytes, unsigned mode,
               struct err *e);

/* file_write() of pieces that together are too large for one place in memory;
 * they come one after another. */
int file_write_parts(const char *path, const struct str *parts, size_t n,
                     unsigned mode, struct err *e);

/* The same of what `put` writes to the stream, a piece at a time; it says 0 or
 * an OTK_E* code with `e` filled, and the path then holds the old bytes. */
typedef int (*file_put)(void *ctx, FILE *to, struct err *e);
int file_write_stream(const char *path, file_put put, void *ctx, unsigned mode,
                      struct err *e);

/* A copy with the same permissions, written as safely. */
int file_copy(const char *from, const char *to, struct err *e);

/* Make the folder and its parents; fine when it is there. */
int file_make_dir(const char *path, struct err *e);
bool file_exists(const char *path);

/* Delete all that is in the folder, links as such. */
int file_empty_dir(const char *path, struct err *e);
/* The same with the folder; fine when it is not there. */
int file_remove_dir(const char *path, struct err *e);

#endif

/* model/pull_private.h - the folder of a pulled model */
#ifndef OTK_MODEL_PULL_PRIVATE_H
#define OTK_MODEL_PULL_PRIVATE_H

#include "model/pull.h"

#define PULLED "pulled.json"

/* pulled.json without a look at the files: OTK_ENOENT, OTK_EFORMAT. */
int pulled_read(struct arena *a, const char *folder, struct pull_report *ret,
                struct err *e);
int pulled_write(const char *folder, const struct pull_report *x,
                 struct err *e);

/* FOLDER/PATH, or NULL with `e` filled (too long). */
const char *pulled_path(struct arena *a, const char *folder, const char *path,
                        struct err *e);

bool pulled_is_empty(const char *folder);

#endif

/*
 * model/weights.h - the tensors of a model folder
 *
 * `model.safetensors`, or the files that `model.safetensors.index.json` lists
 * when a model is cut into shards. The files are mapped, nothing is copied;
 * everything that they say of themselves was checked before a weight is shown
 * (model/safetensors.h), but not the values: reading them does.
 *
 * Threads: an open struct weights is not changed and may be read by many.
 */
#ifndef OTK_MODEL_WEIGHTS_H
#define OTK_MODEL_WEIGHTS_H

#include <stddef.h>

#include "base/str.h"
#include "model/weight.h"

struct err;
struct weights;

/* OTK_ENOENT: the folder has no such files; OTK_EFORMAT, OTK_ELIMIT: a file
 * and a tensor that are wrong. weights_close(*ret). */
int weights_open(const char *folder, struct weights **ret, struct err *e);
void weights_close(struct weights *w); /* NULL is fine */

/* The same of one file by its path. */
int weights_open_file(const char *path, struct weights **ret, struct err *e);

/* Other values in the place of those of `x`, which is one of `w`, as F32; they
 * are freed with `w`. Before anybody else reads `w`. */
void weights_replace(struct weights *w, const struct weight *x, float *values);

/* NULL when there is none. Borrowed, as are all, until weights_close(). */
const struct weight *weights_find(const struct weights *w, struct str name);

const char *weights_folder(const struct weights *w); /* as it was opened */
size_t weights_len(const struct weights *w);
const struct weight *weights_at(const struct weights *w, size_t i);

/*
 * Write a safetensors file by a temporary one, fsync and rename; the values go
 * from where they lie to the disk. Those of larger types come first, so that
 * all are aligned. OTK_EINVAL: two of one name, a name that cannot be read
 * back, sizes that do not fit. OTK_EFORMAT: a value of a float type is NaN or
 * infinite; the old file then stays.
 */
int weights_write(const char *path, const struct weight *list, size_t n,
                  struct err *e);

#endif

/* cli/models.h - what the commands about language models share */
#ifndef OTK_CLI_MODELS_H
#define OTK_CLI_MODELS_H

#include <limits.h>

#include "base/args.h"
#include "model/model.h"

struct buf;
struct err;

/* The models/ folder of the desk, or a model in it (`name` not NULL). */
int models_path(const struct args *a, const char *name, char ret[PATH_MAX],
                struct err *e);

/*
 * The folder of a model that is given as a folder or as a name in the desk's
 * models/. OTK_ENOENT says what would be there; OTK_EINVAL for an address.
 */
int models_find(const struct args *a, const char *word, char ret[PATH_MAX],
                struct err *e);

bool models_is(const char *folder); /* it has a config.json */
int models_no_config(const char *folder, struct err *e); /* OTK_ENOENT */

/* A name of models/: letters, digits, '.', '_', '-', not hidden. */
int models_check_name(const char *name, struct err *e);

/* --precision, or `usual`. */
int models_precision(const struct args *a, enum precision usual,
                     enum precision *ret, struct err *e);

/* Say in the log why a packed file that is there was not used. */
void models_tell(const struct model *m);

/* "384 numbers, mean of tokens, length 1" or "3 labels". */
void models_put_gives(const struct model_info *i, struct buf *b);

#endif

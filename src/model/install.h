/*
 * model/install.h - the files of a model folder, and a copy of them
 *
 * Taken is what a model needs: config.json, the weights with their shards, the
 * tokenizer, the files of sentence-transformers, and the licence. What else
 * lies in a folder (pickles, pictures, programs) stays where it is.
 */
#ifndef OTK_MODEL_INSTALL_H
#define OTK_MODEL_INSTALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

enum { MODEL_FILES_MAX = 1100 };

struct model_file {
    const char *path; /* in the folder: "1_Pooling/config.json" */
    int64_t bytes;
};

struct model_files {
    struct model_file *list;
    size_t n;
    int64_t bytes;
};

/* The files of the model in `folder`; texts come from `a`. Errors are those of
 * weights_open(). */
int model_files(struct arena *a, const char *folder, struct model_files *ret,
                struct err *e);

/* Copy all of them but the weights to a folder that is there. */
int model_copy_settings(const char *from, const char *to, struct err *e);

/*
 * Copy them to the folder `to`, which appears as a whole, at last: the copy is
 * made in a hidden folder beside it. OTK_ECONFLICT: there is one, and `replace`
 * is not set; with it both change places in one step, and the old one goes.
 * Who has the old one open keeps it.
 */
int model_install(const char *from, const char *to, bool replace,
                  struct model_files *ret, struct arena *a, struct err *e);

#endif

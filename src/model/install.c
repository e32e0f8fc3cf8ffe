/* SPDX-License-Identifier: Apache-2.0 */
#include "model/install.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "model/weights.h"

enum { TEMPORARY_ROOM = 64 };

static const char *const wanted[] = {
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "modules.json",
    "special_tokens_map.json",
    "LICENSE",
    "sentence_bert_config.json",
    "LICENSE.txt",
};
#define INDEX "model.safetensors.index.json" /* goes with the weights */

/* ---- what there is
 * ------------------------------------------------------------------------ */

static bool has(const struct model_files *f, const char *path)
{
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->list[i].path, path) == 0)
            return true;
    }
    return false;
}

/* When it is a file and not listed yet. */
static int add(struct arena *a, const char *folder, const char *path,
               struct model_files *f, struct err *e)
{
    struct stat st;
    if (has(f, path) || stat(arena_printf(a, "%s/%s", folder, path), &st) ||
        !S_ISREG(st.st_mode))
        return OTK_OK;
    if (f->n == MODEL_FILES_MAX)
        return err_set(e, OTK_ELIMIT, "%s: more than %d files", folder,
                       MODEL_FILES_MAX);
    f->list[f->n++] =
        (struct model_file){arena_copy(a, str_from(path)), st.st_size};
    f->bytes += st.st_size;
    return OTK_OK;
}

/* Each file that has tensors. */
static int add_weights(struct arena *a, const char *folder,
                       struct model_files *f, struct err *e)
{
    struct weights *w = NULL;
    const char *last = NULL;
    int r = weights_open(folder, &w, e);
    for (size_t i = 0; !r && i < weights_len(w); i++) {
        const char *file = weights_at(w, i)->file;
        if (file != last)
            r = add(a, folder, file + strlen(weights_folder(w)) + 1, f, e);
        last = file;
    }
    weights_close(w);
    return r;
}

/* config.json of the folders of modules.json, such as 1_Pooling. */
static int add_modules(struct arena *a, const char *folder,
                       struct model_files *f, struct err *e)
{
    DIR *d = opendir(folder);
    if (!d)
        return err_errno(e, OTK_EIO, "%s", folder);
    int r = OTK_OK;
    for (const struct dirent *x; !r && (x = readdir(d));) {
        if (x->d_name[0] != '.')
            r = add(a, folder, arena_printf(a, "%s/config.json", x->d_name), f,
                    e);
    }
    (void)closedir(d);
    return r;
}

static int by_path(const void *a, const void *b)
{
    const struct model_file *x = a;
    const struct model_file *y = b;
    return strcmp(x->path, y->path);
}

/* All but the weights. */
static int list_settings(struct arena *a, const char *folder,
                         struct model_files *f, struct err *e)
{
    int r = OTK_OK;
    for (size_t i = 0; !r && i < sizeof(wanted) / sizeof(wanted[0]); i++)
        r = add(a, folder, wanted[i], f, e);
    return r ? r : add_modules(a, folder, f, e);
}

int model_files(struct arena *a, const char *folder, struct model_files *ret,
                struct err *e)
{
    *ret = (struct model_files){
        .list = ARENA_ARRAY(a, struct model_file, MODEL_FILES_MAX)};
    int r = list_settings(a, folder, ret, e);
    if (!r)
        r = add(a, folder, INDEX, ret, e);
    if (!r)
        r = add_weights(a, folder, ret, e);
    qsort(ret->list, ret->n, sizeof(*ret->list), by_path);
    return r;
}

/* ---- the copy
 * ------------------------------------------------------------------------ */

static int copy_files(struct arena *a, const char *from, const char *to,
                      const struct model_files *f, struct err *e)
{
    int r = OTK_OK;
    for (size_t i = 0; !r && i < f->n; i++) {
        const char *path = f->list[i].path;
        const char *slash = strchr(path, '/');
        if (slash)
            r = file_make_dir(
                arena_printf(a, "%s/%.*s", to, (int)(slash - path), path), e);
        if (!r)
            r = file_copy(arena_printf(a, "%s/%s", from, path),
                          arena_printf(a, "%s/%s", to, path), e);
    }
    return r;
}

int model_copy_settings(const char *from, const char *to, struct err *e)
{
    struct arena *a = arena_new();
    struct model_files f = {
        .list = ARENA_ARRAY(a, struct model_file, MODEL_FILES_MAX)};
    int r = list_settings(a, from, &f, e);
    if (!r)
        r = copy_files(a, from, to, &f, e);
    arena_free(a);
    return r;
}

static int is_there(const char *to, struct err *e)
{
    return err_set(e, OTK_ECONFLICT,
                   "%s is there already; --replace puts this one in its "
                   "place, --name gives it another name",
                   to);
}

/* The copy takes its place; `made` is afterwards what is to be removed. */
static int put_in_place(const char *made, const char *to, bool replace,
                        struct err *e)
{
    if (renameat2(AT_FDCWD, made, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return OTK_OK;
    if (errno != EEXIST)
        return err_errno(e, OTK_EIO, "%s", to);
    if (!replace)
        return is_there(to, e);
    if (renameat2(AT_FDCWD, made, AT_FDCWD, to, RENAME_EXCHANGE))
        return err_errno(e, OTK_EIO, "%s", to);
    return OTK_OK;
}

/* "models/.name.add-XXXXXX": hidden, so that nobody takes it for a model. */
static int make_temporary(const char *to, char ret[PATH_MAX], struct err *e)
{
    const char *slash = strrchr(to, '/');
    size_t parent = slash ? (size_t)(slash - to) + 1 : 0;
    if (strlen(to) + TEMPORARY_ROOM > PATH_MAX)
        return err_set(e, OTK_ELIMIT, "%.80s…: path too long", to);
    (void)snprintf(ret, PATH_MAX, "%.*s", (int)parent, to);
    int r = parent ? file_make_dir(ret, e) : OTK_OK;
    if (r)
        return r;
    (void)snprintf(ret, PATH_MAX, "%.*s.%s.add-XXXXXX", (int)parent, to,
                   to + parent);
    return mkdtemp(ret) ? OTK_OK : err_errno(e, OTK_EIO, "%s", ret);
}

int model_install(const char *from, const char *to, bool replace,
                  struct model_files *ret, struct arena *a, struct err *e)
{
    enum { MODE = 0750 };
    char made[PATH_MAX];
    if (!replace && file_exists(to))
        return is_there(to, e);
    int r = model_files(a, from, ret, e);
    if (!r)
        r = make_temporary(to, made, e);
    if (r)
        return r;
    r = copy_files(a, from, made, ret, e);
    if (!r && chmod(made, MODE))
        r = err_errno(e, OTK_EIO, "%s", made);
    if (!r)
        r = put_in_place(made, to, replace, e);
    (void)file_remove_dir(made, NULL);
    return r;
}

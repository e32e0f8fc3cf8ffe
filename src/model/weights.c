/* SPDX-License-Identifier: Apache-2.0 */
#include "model/weights.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mapped.h"
#include "base/mem.h"
#include "base/scope.h"
#include "model/safetensors.h"

enum {
    PATH_BYTES = 4096,
    INDEX_BYTES = 64 << 20,
    INDEX_DEPTH = 4,
    INDEX_VALUES = 4 * SAFETENSORS_MAX,
    SHARDS_MAX = 1000,
    SHARD_NAME_MAX = 200,
};

static const char one_file[] = "model.safetensors";
static const char index_file[] = "model.safetensors.index.json";

struct file {
    struct mapped map;
    const char *path; /* also that of its weights */
};

struct weights {
    const char *folder;
    struct weight_list list;
    struct map *names; /* name -> place in `list` */
    struct arena *arena;
    struct file *files;
    size_t n_files, cap_files;
    float **made; /* values in the place of a file's */
    size_t n_made, cap_made;
};

/* A path that lives as long as the weights. */
static const char *path_of(struct weights *w, const char *folder,
                           const char *name)
{
    return arena_printf(w->arena, "%s/%s", folder, name);
}

/* Make the weights from `from` on findable. */
static int add_names(struct weights *w, size_t from, struct err *e)
{
    for (size_t i = from; i < w->list.len; i++) {
        const struct weight *x = &w->list.at[i];
        bool new;
        union map_value *at = map_put(w->names, x->name, &new);
        if (!new)
            return err_set(e, OTK_EFORMAT,
                           "%s: tensor '" STR_FMT "' is in %s too", x->file,
                           STR_ARG(x->name), w->list.at[at->num].file);
        at->num = (int64_t)i;
    }
    return OTK_OK;
}

static int open_file(struct weights *w, const char *path, struct err *e)
{
    w->files = mem_grow(w->files, w->n_files, &w->cap_files, sizeof(*w->files));
    struct file *f = &w->files[w->n_files];
    size_t before = w->list.len;
    int r = mapped_open(path, &f->map, e);
    if (r)
        return r;
    f->path = path;
    w->n_files++;
    r = safetensors_read((struct str){f->map.at, f->map.len}, path, w->arena,
                         &w->list, e);
    return r ? r : add_names(w, before, e);
}

/* ---- shards
 * ------------------------------------------------------------------------ */

/* A file of this folder and of no other. */
static bool good_name(struct str s)
{
    return s.n <= SHARD_NAME_MAX && str_ends(s, ".safetensors") &&
           s.p[0] != '.' && str_find(s, '/') == s.n && str_find(s, '\\') == s.n;
}

/* Open each shard that the index names, once; `shards` gets their paths. */
static int open_shards(struct weights *w, const char *folder, json_t *map,
                       struct map *shards, struct err *e)
{
    int r = OTK_OK;
    void *i = json_object_iter(map);
    for (; !r && i; i = json_object_iter_next(map, i)) {
        const json_t *v = json_object_iter_value(i);
        struct str name = {json_string_value(v), json_string_length(v)};
        bool new = false;
        if (!json_is_string(v) || !good_name(name))
            return err_set(e, OTK_EFORMAT,
                           "%s/%s: tensor '%.200s' must lie in a file "
                           "NAME.safetensors of this folder",
                           folder, index_file, json_object_iter_key(i));
        union map_value *at = map_put(shards, name, &new);
        if (!new)
            continue;
        if (map_len(shards) > SHARDS_MAX)
            return err_set(e, OTK_ELIMIT, "%s/%s: more than %d files", folder,
                           index_file, SHARDS_MAX);
        const char *path = path_of(w, folder, json_string_value(v));
        at->num = (int64_t)w->n_files;
        r = open_file(w, path, e);
    }
    return r;
}

/* Each tensor of the index is where the index says. */
static int check_index(const struct weights *w, const char *folder, json_t *map,
                       const struct map *shards, struct err *e)
{
    void *i = json_object_iter(map);
    for (; i; i = json_object_iter_next(map, i)) {
        const char *key = json_object_iter_key(i);
        const json_t *v = json_object_iter_value(i);
        struct str name = {json_string_value(v), json_string_length(v)};
        const struct weight *x = weights_find(w, str_from(key));
        const union map_value *shard = map_find(shards, name);
        if (!x || x->file != w->files[shard->num].path)
            return err_set(e, OTK_EFORMAT,
                           "%s/%s: tensor '%.200s' is not in %s as it says",
                           folder, index_file, key, json_string_value(v));
    }
    return OTK_OK;
}

static int open_index(struct weights *w, const char *folder, const char *path,
                      struct err *e)
{
    struct buf text = BUF_INIT(INDEX_BYTES);
    SCOPED(scope_json) json_t *index = NULL;
    int r = file_read(path, &text, e);
    if (!r && (r = json_measure(buf_str(&text), INDEX_DEPTH, INDEX_VALUES, e)))
        (void)err_place(e, r, "%s", path);
    if (!r && (r = json_read(buf_str(&text), INDEX_BYTES, &index, e)))
        (void)err_place(e, r, "%s", path);
    buf_free(&text);
    if (r)
        return r;
    json_t *map = json_object_get(index, "weight_map");
    if (!json_is_object(map) || json_object_size(map) == 0)
        return err_set(e, OTK_EFORMAT,
                       "%s: weight_map: must be an object that names a file "
                       "for each tensor",
                       path);
    if (json_object_size(map) > SAFETENSORS_MAX)
        return err_set(e, OTK_ELIMIT, "%s: more than %d tensors", path,
                       SAFETENSORS_MAX);
    struct map *shards = map_new();
    r = open_shards(w, folder, map, shards, e);
    if (!r)
        r = check_index(w, folder, map, shards, e);
    map_free(shards);
    return r;
}

/* ---- the folder
 * ------------------------------------------------------------------------ */

static int open_folder(struct weights *w, const char *folder, struct err *e)
{
    const char *one = path_of(w, folder, one_file);
    const char *index = path_of(w, folder, index_file);
    if (file_exists(one))
        return open_file(w, one, e);
    if (file_exists(index))
        return open_index(w, folder, index, e);
    bool pickled = file_exists(path_of(w, folder, "pytorch_model.bin"));
    return err_set(e, OTK_ENOENT, "%s has neither %s nor %s%s", folder,
                   one_file, index_file,
                   pickled ? "; pytorch_model.bin can hold programs and is not "
                             "read: save the model as safetensors"
                           : "");
}

static int open_by(int (*how)(struct weights *w, const char *at, struct err *e),
                   const char *at, struct weights **ret, struct err *e)
{
    if (str_from(at).n > PATH_BYTES)
        return err_set(e, OTK_EINVAL, "the folder's path is too long");
    struct weights *w = MEM_NEW(struct weights);
    w->arena = arena_new();
    w->folder = arena_copy(w->arena, str_from(at));
    w->names = map_new();
    int r = how(w, w->folder, e);
    if (r)
        weights_close(w);
    else
        *ret = w;
    return r;
}

int weights_open(const char *folder, struct weights **ret, struct err *e)
{
    return open_by(open_folder, folder, ret, e);
}

int weights_open_file(const char *path, struct weights **ret, struct err *e)
{
    return open_by(open_file, path, ret, e);
}

void weights_replace(struct weights *w, const struct weight *x, float *values)
{
    struct weight *own = &w->list.at[x - w->list.at];
    size_t n = weight_count(x);
    w->made = mem_grow(w->made, w->n_made, &w->cap_made, sizeof(*w->made));
    w->made[w->n_made++] = values;
    own->type = WEIGHT_F32;
    own->data = values;
    own->bytes = n * sizeof(*values);
}

void weights_close(struct weights *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n_files; i++)
        mapped_close(&w->files[i].map);
    for (size_t i = 0; i < w->n_made; i++)
        free(w->made[i]);
    free(w->made);
    free(w->files);
    free(w->list.at);
    map_free(w->names);
    arena_free(w->arena);
    free(w);
}

const struct weight *weights_find(const struct weights *w, struct str name)
{
    const union map_value *at = map_find(w->names, name);
    return at ? &w->list.at[at->num] : NULL;
}

const char *weights_folder(const struct weights *w)
{
    return w->folder;
}

size_t weights_len(const struct weights *w)
{
    return w->list.len;
}

const struct weight *weights_at(const struct weights *w, size_t i)
{
    return &w->list.at[i];
}

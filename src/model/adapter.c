/* SPDX-License-Identifier: Apache-2.0 */
#include "model/adapter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "model/names.h"
#include "model/weight.h"
#include "model/weights.h"

enum { PATH_BYTES = 4096, CONFIG_BYTES = 1 << 20 };

static const char config_file[] = "adapter_config.json";
static const char weights_file[] = "adapter_model.safetensors";
/* what peft puts in front of a module's name, and behind it */
static const char before[] = "base_model.model.";
static const char a_end[] = ".lora_A.weight";
static const char b_end[] = ".lora_B.weight";

/* An adapter on its way into a model. */
struct merge {
    struct adapter_config config;
    struct arena *arena;
    struct weights *own; /* the adapter's */
    const char *path;    /* of its weights */
    const struct names *names;
    struct weights *w;
    bool *met; /* which of the targets there are */
};

/* ---- which weight
 * ------------------------------------------------------------------------ */

/* "base_model.model.encoder….query" + ".lora_A.weight" into the module. */
static bool cut_name(struct str name, const char *end, struct str *ret)
{
    size_t front = sizeof(before) - 1;
    size_t back = strlen(end);
    if (!str_starts(name, before) || !str_ends(name, end) ||
        name.n <= front + back)
        return false;
    *ret = str_sub(name, front, name.n - front - back);
    return true;
}

static int not_lora(const struct merge *m, struct str name, struct err *e)
{
    return err_set(e, OTK_EFORMAT,
                   "%s: tensor '" STR_FMT "' is none of a LoRA adapter of "
                   "linear layers (%sNAME%s and %s); merge it with peft's "
                   "merge_and_unload()",
                   m->path, STR_ARG(name), before, a_end, b_end);
}

static int another_base(const struct merge *m, const struct weight *x,
                        const struct weight *of, struct err *e)
{
    char has[WEIGHT_SHAPE_TEXT];
    char wants[WEIGHT_SHAPE_TEXT];
    weight_print_shape(x->dims, x->n_dims, has);
    weight_print_shape(of->dims, of->n_dims, wants);
    return err_set(e, OTK_EFORMAT,
                   "%s: '" STR_FMT "' is of shape %s, rank %zu, and the "
                   "model's '" STR_FMT "' %s: the adapter was made for %.80s",
                   m->path, STR_ARG(x->name), has, m->config.rank,
                   STR_ARG(of->name), wants,
                   m->config.base ? m->config.base : "another model");
}

static bool is_shape(const struct weight *x, size_t rows, size_t columns)
{
    return x->n_dims == 2 && x->dims[0] == rows && x->dims[1] == columns;
}

static void meet(struct merge *m, struct str module)
{
    for (size_t i = 0; i < m->config.n_targets; i++) {
        struct str end = str_from(m->config.targets[i]);
        if (str_ends(module, m->config.targets[i]) &&
            (module.n == end.n || module.p[module.n - end.n - 1] == '.'))
            m->met[i] = true;
    }
}

/* ---- merging
 * ------------------------------------------------------------------------ */

/* values += scale · b · a, a row at a time. */
static void add_product(const struct merge *m, const float *a, const float *b,
                        size_t rows, size_t columns, float *values)
{
    size_t rank = m->config.rank;
    float *change = mem_new(columns, sizeof(*change));
    for (size_t i = 0; i < rows; i++) {
        memset(change, 0, columns * sizeof(*change));
        for (size_t k = 0; k < rank; k++) {
            float by = b[i * rank + k];
            for (size_t j = 0; j < columns; j++)
                change[j] += by * a[k * columns + j];
        }
        for (size_t j = 0; j < columns; j++)
            values[i * columns + j] += (float)m->config.scale * change[j];
    }
    free(change);
}

static bool all_finite(const float *x, size_t n)
{
    bool good = true;
    for (size_t i = 0; i < n; i++)
        good &= isfinite(x[i]);
    return good;
}

static int merge_weight(struct merge *m, const struct weight *a,
                        const struct weight *b, const struct weight *of,
                        struct err *e)
{
    size_t rank = m->config.rank;
    size_t rows = of->dims[0];
    size_t columns = of->dims[1];
    float *values = mem_try(rows * columns, sizeof(*values));
    float *narrow = mem_try(rank * (rows + columns), sizeof(*narrow));
    if (!values || !narrow) {
        free(values);
        free(narrow);
        return err_set(e, OTK_ELIMIT, "%s: no memory for '" STR_FMT "'",
                       m->path, STR_ARG(of->name));
    }
    int r = weight_read(of, values, e);
    if (!r)
        r = weight_read(a, narrow, e);
    if (!r)
        r = weight_read(b, narrow + rank * columns, e);
    if (!r) {
        add_product(m, narrow, narrow + rank * columns, rows, columns, values);
        if (!all_finite(values, rows * columns))
            r = err_set(e, OTK_EFORMAT,
                        "%s: with the adapter '" STR_FMT "' is not finite",
                        m->path, STR_ARG(of->name));
    }
    free(narrow);
    if (r)
        free(values);
    else
        weights_replace(m->w, of, values);
    return r;
}

/* The pair whose first is `a`. */
static int merge_pair(struct merge *m, const struct weight *a,
                      struct str module, struct err *e)
{
    const char *b_name = arena_printf(m->arena, "%s" STR_FMT "%s", before,
                                      STR_ARG(module), b_end);
    const struct weight *b = weights_find(m->own, str_from(b_name));
    const struct weight *of = names_module(m->names, module);
    if (!b)
        return err_set(e, OTK_EFORMAT, "%s: tensor '%s' is missing", m->path,
                       b_name);
    if (!of || of->n_dims != 2)
        return err_set(e, OTK_EFORMAT,
                       "%s: '" STR_FMT "' changes a linear layer that the "
                       "model does not have: the adapter was made for %.80s",
                       m->path, STR_ARG(a->name),
                       m->config.base ? m->config.base : "another model");
    if (!is_shape(a, m->config.rank, of->dims[1]))
        return another_base(m, a, of, e);
    if (!is_shape(b, of->dims[0], m->config.rank))
        return another_base(m, b, of, e);
    meet(m, module);
    return merge_weight(m, a, b, of, e);
}

static int merge_all(struct merge *m, struct err *e)
{
    int r = OTK_OK;
    size_t n = 0;
    for (size_t i = 0; !r && i < weights_len(m->own); i++) {
        const struct weight *x = weights_at(m->own, i);
        struct str module;
        if (cut_name(x->name, a_end, &module)) {
            r = merge_pair(m, x, module, e);
            n++;
        } else if (!cut_name(x->name, b_end, &module)) {
            r = not_lora(m, x->name, e);
        }
    }
    if (!r && 2 * n != weights_len(m->own))
        r = err_set(e, OTK_EFORMAT, "%s: there are %zu '%s' and %zu '%s'",
                    m->path, n, a_end, weights_len(m->own) - n, b_end);
    for (size_t i = 0; !r && i < m->config.n_targets; i++) {
        if (!m->met[i])
            r = err_field(e, OTK_EFORMAT, "target_modules",
                          "%s has no tensors for '%.80s'; the file is not "
                          "whole",
                          m->path, m->config.targets[i]);
    }
    return r;
}

/* ---- the folder
 * ---------------------------------------------------------------------- */

static int read_config(const char *folder, struct merge *m, struct err *e)
{
    char path[PATH_BYTES];
    struct buf text = BUF_INIT(CONFIG_BYTES);
    (void)snprintf(path, sizeof(path), "%s/%s", folder, config_file);
    int r = file_read(path, &text, e);
    if (!r && (r = adapter_parse(buf_str(&text), m->arena, &m->config, e)))
        (void)err_place(e, r, "%s", path);
    buf_free(&text);
    return r;
}

static int open_weights(const char *folder, struct merge *m, struct err *e)
{
    m->path = arena_printf(m->arena, "%s/%s", folder, weights_file);
    const char *pickled =
        arena_printf(m->arena, "%s/adapter_model.bin", folder);
    if (!file_exists(m->path) && file_exists(pickled))
        return err_set(e, OTK_ENOENT,
                       "%s can hold programs and is not read: save the "
                       "adapter as safetensors",
                       pickled);
    return weights_open_file(m->path, &m->own, e);
}

bool adapter_is_in(const char *folder)
{
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof(path), "%s/%s", folder, config_file);
    return n > 0 && (size_t)n < sizeof(path) && file_exists(path);
}

int adapter_merge(const char *folder, const struct names *n, struct weights *w,
                  struct err *e)
{
    struct merge m = {.arena = arena_new(), .names = n, .w = w};
    int r = read_config(folder, &m, e);
    if (!r)
        r = open_weights(folder, &m, e);
    m.met = ARENA_ARRAY(m.arena, bool, m.config.n_targets + 1);
    if (!r)
        r = merge_all(&m, e);
    weights_close(m.own);
    arena_free(m.arena);
    return r;
}

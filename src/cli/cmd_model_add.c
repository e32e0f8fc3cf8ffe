/* SPDX-License-Identifier: Apache-2.0 */
/* otklik model add, list */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/models.h"
#include "model/install.h"
#include "model/names.h"
#include "model/packed.h"
#include "model/verify.h"
#include "model/weights.h"

enum { OUTPUT_BYTES = 1 << 20 };
#define MB 1e6

/* ---- add
 * ------------------------------------------------------------------------ */

static int find_source(const char *word, char ret[PATH_MAX], struct err *e)
{
    int n = snprintf(ret, PATH_MAX, "%s", word);
    while (n > 1 && n < PATH_MAX && ret[n - 1] == '/')
        ret[--n] = 0;
    if (strstr(word, "://"))
        return err_set(e, OTK_EINVAL,
                       "'%.100s' is an address, and what lies there cannot be "
                       "listed: otklik model pull OWNER/MODEL fetches from a "
                       "hub or, with --mirror, from a mirror of one",
                       word);
    if (n < 0 || n >= PATH_MAX)
        return err_set(e, OTK_ELIMIT, "%.80s…: path too long", word);
    if (file_exists(ret))
        return models_is(ret) ? OTK_OK : models_no_config(ret, e);
    return err_set(e, OTK_ENOENT,
                   "there is no folder '%.100s'; a model that a hub has comes "
                   "by: otklik model pull %.100s",
                   word, word);
}

/* --name, or the folder's own. */
static int choose_name(const struct args *a, const char *source,
                       const char **ret, struct err *e)
{
    const char *slash = strrchr(source, '/');
    const char *name = args_text(a, "name");
    *ret = name ? name : slash ? slash + 1 : source;
    return models_check_name(*ret, e);
}

static void put_added(const struct args *a, const char *name, const char *to,
                      const struct model_files *f, struct buf *b)
{
    if (!cli_json(a)) {
        buf_printf(b, "%s is in %s: %zu files, %.1f MB\n", name, to, f->n,
                   (double)f->bytes / MB);
        return;
    }
    buf_puts(b, "{\"name\":");
    json_put_text(b, str_from(name));
    buf_puts(b, ",\"folder\":");
    json_put_text(b, str_from(to));
    buf_printf(b, ",\"bytes\":%lld,\"files\":[", (long long)f->bytes);
    for (size_t i = 0; i < f->n; i++) {
        buf_puts(b, i ? ",{\"path\":" : "{\"path\":");
        json_put_text(b, str_from(f->list[i].path));
        buf_printf(b, ",\"size\":%lld}", (long long)f->list[i].bytes);
    }
    buf_puts(b, "]}\n");
}

static int add(const struct args *a, struct arena *arena, struct buf *out,
               struct err *e)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    const char *name;
    struct model_report report;
    struct model_files files;
    int r = find_source(a->words[0], from, e);
    if (!r)
        r = choose_name(a, from, &name, e);
    if (!r)
        r = models_path(a, name, to, e);
    if (!r)
        r = model_verify(from, &report, e);
    if (!r)
        r = model_install(from, to, args_has(a, "replace"), &files, arena, e);
    if (!r)
        put_added(a, name, to, &files, out);
    return r;
}

static int run_add(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    struct arena *arena = arena_new();
    int r = add(a, arena, &out, &e);
    arena_free(arena);
    if (!r)
        return cli_print(&out);
    buf_free(&out);
    return cli_fail(r, &e);
}

static const struct arg_option add_options[] = {
    {'n', "name", "NAME", "what it is called (default: as the folder)"},
    {0, "replace", NULL, "put it in the place of one of that name"},
    {0},
};

const struct arg_command cmd_model_add = {
    .name = "model add",
    .words = "FOLDER",
    .min_words = 1,
    .max_words = 1,
    .summary = "Copy a model's folder into the desk, after a check",
    .about =
        "FOLDER is as Hugging Face lays it out: config.json, "
        "model.safetensors (or its\nshards), tokenizer.json or vocab.txt. It "
        "is checked as by model verify; a model\nwith a fault does not come "
        "in. The copy appears as a whole, also with --replace.\n",
    .options = add_options,
    .run = run_add,
};

/* ---- list
 * ------------------------------------------------------------------------ */

/* A model as far as it can be told without its weights in memory. */
struct listed {
    struct model_config config;
    struct model_files files;
    size_t parameters;
    bool labels;
};

static int look(const char *folder, struct arena *arena, struct listed *ret,
                struct err *e)
{
    struct weights *w = NULL;
    struct names names;
    int r = model_config_read(folder, arena, &ret->config, e);
    if (!r)
        r = weights_open(folder, &w, e);
    if (!r)
        r = names_init(&names, w, &ret->config, e);
    for (size_t i = 0; !r && i < weights_len(w); i++)
        ret->parameters += weight_count(weights_at(w, i));
    ret->labels = !r && names_has_labels(&names);
    weights_close(w);
    return r ? r : model_files(arena, folder, &ret->files, e);
}

static void put_packed(const char *folder, bool json, struct arena *arena,
                       struct buf *b)
{
    bool any = false;
    for (int p = 0; p < PRECISIONS; p++) {
        char name[PACKED_NAME_BYTES];
        packed_name((enum precision)p, name);
        if (!file_exists(arena_printf(arena, "%s/%s", folder, name)))
            continue;
        const char *precision = precision_name((enum precision)p);
        if (json)
            buf_printf(b, "%s\"%s\"", any ? "," : "", precision);
        else
            buf_printf(b, "%s%s", any ? " " : ", packed: ", precision);
        any = true;
    }
}

static void put_listed(const char *name, const char *folder,
                       const struct listed *x, struct arena *arena, bool json,
                       struct buf *b)
{
    const struct model_config *c = &x->config;
    if (json) {
        buf_printf(b,
                   ",\"family\":\"%s\",\"layers\":%zu,\"hidden\":%zu,"
                   "\"parameters\":%zu,\"labels\":%zu,\"bytes\":%lld,"
                   "\"packed\":[",
                   model_family_name(c->family), c->layers, c->hidden,
                   x->parameters, x->labels ? c->n_labels : 0,
                   (long long)x->files.bytes);
        put_packed(folder, true, arena, b);
        buf_puts(b, "]");
        return;
    }
    buf_printf(b, "%-30s %-11s %3zu × %-5zu %7.1f M  ", name,
               model_family_name(c->family), c->layers, c->hidden,
               (double)x->parameters / MB);
    if (x->labels)
        buf_printf(b, "%zu labels", c->n_labels);
    else
        buf_puts(b, "vectors");
    buf_printf(b, ", %.1f MB", (double)x->files.bytes / MB);
    put_packed(folder, false, arena, b);
    buf_putc(b, '\n');
}

static void list_one(const char *name, const char *folder, bool first,
                     bool json, struct buf *b)
{
    struct arena *arena = arena_new();
    struct listed x = {0};
    struct err e = {0};
    int r = look(folder, arena, &x, &e);
    if (json) {
        buf_puts(b, first ? "{\"name\":" : ",{\"name\":");
        json_put_text(b, str_from(name));
    }
    if (!r) {
        put_listed(name, folder, &x, arena, json, b);
    } else if (json) {
        buf_puts(b, ",\"error\":");
        json_put_text(b, str_from(e.msg));
    } else {
        buf_printf(b, "%-30s cannot be used: %s\n", name, e.msg);
    }
    buf_puts(b, json ? "}" : "");
    arena_free(arena);
}

static int chosen(const struct dirent *x)
{
    struct str name = str_from(x->d_name);
    return name.p[0] != '.' && !str_ends(name, ".pull");
}

static int list(const struct args *a, struct buf *b, struct err *e)
{
    char folder[PATH_MAX];
    struct dirent **names = NULL;
    bool first = true;
    int r = models_path(a, NULL, folder, e);
    if (r)
        return r;
    int n = scandir(folder, &names, chosen, alphasort);
    if (n < 0 && errno != ENOENT)
        return err_errno(e, OTK_EIO, "%s", folder);
    buf_puts(b, cli_json(a) ? "[" : "");
    for (int i = 0; i < n; i++) {
        char one[PATH_MAX];
        if (!models_path(a, names[i]->d_name, one, NULL) && models_is(one)) {
            list_one(names[i]->d_name, one, first, cli_json(a), b);
            first = false;
        }
        free(names[i]);
    }
    free(names);
    buf_puts(b, cli_json(a) ? "]\n" : "");
    if (first && !cli_json(a))
        (void)fprintf(stderr,
                      "No models in %s; fetch one: otklik model pull minilm\n",
                      folder);
    return OTK_OK;
}

static int run_list(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    int r = list(a, &out, &e);
    if (!r)
        return cli_print(&out);
    buf_free(&out);
    return cli_fail(r, &e);
}

const struct arg_command cmd_model_list = {
    .name = "model list",
    .words = "",
    .summary = "Show the language models of the desk",
    .about = "",
    .run = run_list,
};

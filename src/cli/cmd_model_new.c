/* SPDX-License-Identifier: Apache-2.0 */
/* otklik model new */
#include <limits.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/cli.h"
#include "data/table.h"
#include "model/new.h"
#include "model/wordpiece_train.h"

enum { OUTPUT_BYTES = 1 << 16, NAME_MAX_BYTES = 100, LISTED = 200 };

/* ---- the texts
 * ----------------------------------------------------------------------- */

/* FILE:COLUMN is a column of FILE, unless a file is called so. */
static void split_source(const char *source, char path[PATH_MAX],
                         struct str *ret_column)
{
    const char *colon = strrchr(source, ':');
    (void)snprintf(path, PATH_MAX, "%s", source);
    *ret_column = (struct str){0};
    if (colon && !file_exists(source)) {
        size_t n = (size_t)(colon - source);
        if (n < PATH_MAX)
            path[n] = '\0';
        *ret_column = str_from(colon + 1);
    }
}

static int no_column(const struct table *t, const char *path, struct str name,
                     struct err *e)
{
    struct buf list = BUF_INIT(LISTED);
    for (size_t i = 0; i < t->n_columns && list.len + t->columns[i].n < LISTED;
         i++)
        buf_printf(&list, "%s" STR_FMT, i ? ", " : "", STR_ARG(t->columns[i]));
    int r = err_set(e, OTK_ENOENT,
                    "%s has no column '" STR_FMT "'; name one as "
                    "--vocab-from FILE:COLUMN: %s",
                    path, STR_ARG(name), list.ptr);
    buf_free(&list);
    return r;
}

/* The cells of the column; `t` holds them. */
static int read_texts(const char *source, struct table *t, struct str **ret,
                      size_t *ret_n, struct err *e)
{
    char path[PATH_MAX];
    struct str name;
    split_source(source, path, &name);
    int r = table_read_file(path, NULL, t, e);
    if (r)
        return r;
    int column = table_column(t, name.n ? name : STR("text"));
    if (column < 0 && name.n == 0 && t->n_columns == 1)
        column = 0;
    if (column < 0)
        return no_column(t, path, name.n ? name : STR("text"), e);
    *ret = ARENA_ARRAY(t->arena, struct str, t->n_rows + 1);
    for (*ret_n = 0; *ret_n < t->n_rows; (*ret_n)++)
        (*ret)[*ret_n] = table_cell(t, *ret_n, column);
    return OTK_OK;
}

/* ---- the command
 * --------------------------------------------------------------------- */

/* Where it goes: --to, or models/NAME of the desk. */
static int find_folder(const struct args *a, char ret[PATH_MAX], struct err *e)
{
    const char *to = args_text(a, "to");
    if ((to != NULL) == (a->n_words > 0))
        return err_set(e, OTK_EINVAL,
                       "say how the model is called, or --to FOLDER");
    if (to) {
        if (snprintf(ret, PATH_MAX, "%s", to) >= PATH_MAX)
            return err_set(e, OTK_ELIMIT, "%.80s…: path too long", to);
        return OTK_OK;
    }
    struct str name = str_from(a->words[0]);
    if (name.n == 0 || name.n > NAME_MAX_BYTES || name.p[0] == '.' ||
        str_find(name, '/') < name.n)
        return err_set(e, OTK_EINVAL,
                       "'%.100s' is no name of a model: at most %d bytes, no "
                       "'/', no '.' in front; for a folder there is --to",
                       a->words[0], NAME_MAX_BYTES);
    if (snprintf(ret, PATH_MAX, "%s/models/%s", cli_folder(a), a->words[0]) >=
        PATH_MAX)
        return err_set(e, OTK_ELIMIT, "%.80s…: path too long", cli_folder(a));
    return OTK_OK;
}

static int read_options(const struct args *a, struct new_options *ret,
                        struct err *e)
{
    const struct {
        const char *name;
        int64_t usual, min, max;
        size_t *to;
    } rows[] = {
        {"layers", 4, 1, 48, &ret->layers},
        {"hidden", 256, 8, 4096, &ret->hidden},
        {"heads", 0, 1, 4096, &ret->heads},
        {"vocab", 8000, 10, WORDPIECE_VOCAB_MAX, &ret->vocab},
    };
    int64_t x = 1;
    int r = args_whole(a, "seed", 1, 1, INT64_MAX, &x, e);
    ret->seed = (uint64_t)x;
    for (size_t i = 0; !r && i < sizeof(rows) / sizeof(*rows); i++) {
        r = args_whole(a, rows[i].name, rows[i].usual, rows[i].min, rows[i].max,
                       &x, e);
        *rows[i].to = (size_t)x;
    }
    return r ? OTK_EINVAL : r;
}

static void put_report(const struct args *a, const char *folder,
                       const struct new_options *o, const struct new_report *x,
                       struct buf *b)
{
    if (cli_json(a)) {
        buf_puts(b, "{\"folder\":");
        json_put_text(b, str_from(folder));
        buf_printf(b,
                   ",\"vocab\":%zu,\"layers\":%zu,\"hidden\":%zu,"
                   "\"heads\":%zu,\"parameters\":%zu}\n",
                   x->vocab, o->layers, o->hidden, x->heads, x->parameters);
    } else {
        buf_printf(b,
                   "%s: %zu tokens, %zu layers, %zu wide, %zu heads, %zu "
                   "parameters\nit knows nothing yet; teach it: otklik train "
                   "--engine transformer --base %s\n",
                   folder, x->vocab, o->layers, o->hidden, x->heads,
                   x->parameters, folder);
    }
}

static int run_new(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    struct table t = {0};
    struct new_options o = {0};
    struct new_report report;
    struct str *texts = NULL;
    size_t n = 0;
    char folder[PATH_MAX];
    const char *source = args_text(a, "vocab-from");
    int r = find_folder(a, folder, &e);
    if (!r)
        r = read_options(a, &o, &e);
    if (!r && !source)
        r = err_set(&e, OTK_EINVAL,
                    "a model needs texts to learn its words from: "
                    "--vocab-from FILE[:COLUMN]");
    if (!r)
        r = read_texts(source, &t, &texts, &n, &e);
    if (!r)
        r = model_new(folder, texts, n, &o, &report, &e);
    table_free(&t);
    if (r)
        return cli_fail(r, &e);
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    put_report(a, folder, &o, &report, &out);
    return cli_print(&out);
}

static const struct arg_option new_options[] = {
    {0, "vocab-from", "FILE[:COLUMN]",
     "CSV, JSONL or XLSX whose texts give the words (column text)"},
    {'t', "to", "FOLDER",
     "where the model goes (default: models/ of the desk)"},
    {0, "layers", "N", "how deep it is (default 4)"},
    {0, "hidden", "N", "how wide it is (default 256)"},
    {0, "heads", "N", "of attention (default: one for each 64 of the width)"},
    {0, "vocab", "N", "at most so many tokens (default 8000)"},
    {'s', "seed", "N", "the same seed gives the same model (default 1)"},
    {0},
};

const struct arg_command cmd_model_new = {
    .name = "model new",
    .words = "[NAME]",
    .max_words = 1,
    .summary = "Make a small model that knows nothing yet",
    .about =
        "A BERT of random weights whose vocabulary (WordPiece) is learnt from "
        "texts of your\nown: for `train --engine transformer --base` where no "
        "model can be fetched. More\ntexts than those with labels are welcome. "
        "What was fetched knows a language already\nand learns better from few "
        "examples.\n",
    .options = new_options,
    .run = run_new,
};

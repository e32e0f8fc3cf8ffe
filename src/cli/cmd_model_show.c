/* SPDX-License-Identifier: Apache-2.0 */
/* otklik model show, verify, pack */
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/models.h"
#include "model/install.h"
#include "model/packed.h"
#include "model/verify.h"
#include "tensor/kernels.h"

enum { OUTPUT_BYTES = 8 << 20 };
#define MB 1e6

/* Commands of one model: find it, do it, print. */
typedef int model_fn(const struct args *a, const char *folder, struct buf *out,
                     struct err *e);

static int run_one(const struct args *a, model_fn *fn)
{
    struct err e = {0};
    char folder[PATH_MAX];
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    int r = models_find(a, a->words[0], folder, &e);
    if (!r)
        r = fn(a, folder, &out, &e);
    if (!r)
        return cli_print(&out);
    buf_free(&out);
    return cli_fail(r, &e);
}

/* ---- show
 * ------------------------------------------------------------------------ */

static void put_labels(const struct model_config *c, bool json, struct buf *b)
{
    for (size_t i = 0; i < c->n_labels; i++) {
        buf_puts(b, i == 0 ? "" : json ? "," : ", ");
        if (json)
            json_put_text(b, str_from(c->labels[i]));
        else
            buf_puts(b, c->labels[i]);
    }
}

static void show_json(const struct model_info *i, const char *folder,
                      const struct model_files *f, struct buf *b)
{
    const struct model_config *c = i->config;
    buf_puts(b, "{\"folder\":");
    json_put_text(b, str_from(folder));
    buf_printf(b,
               ",\"family\":\"%s\",\"layers\":%zu,\"hidden\":%zu,\"heads\":%zu,"
               "\"inner\":%zu,\"parameters\":%zu,\"vocab\":%zu,\"tokens\":%zu,"
               "\"tokenizer\":\"%s\",\"max_tokens\":%zu,\"precision\":\"%s\","
               "\"packed\":%s,\"memory\":%zu,\"pooling\":\"%s\","
               "\"normalized\":%s,\"labels\":[",
               model_family_name(c->family), c->layers, c->hidden, c->heads,
               c->inner, i->parameters, c->vocab, i->tokens, i->tokenizer,
               i->max_tokens, precision_name(i->precision),
               i->packed ? "true" : "false", i->bytes,
               i->mean ? "mean" : "first", i->normalized ? "true" : "false");
    if (i->has_labels)
        put_labels(c, true, b);
    buf_puts(b, "],\"kernels\":");
    json_put_text(b, str_from(kernels_reason()));
    buf_puts(b, ",\"files\":[");
    for (size_t k = 0; k < f->n; k++) {
        buf_puts(b, k ? ",{\"path\":" : "{\"path\":");
        json_put_text(b, str_from(f->list[k].path));
        buf_printf(b, ",\"size\":%lld}", (long long)f->list[k].bytes);
    }
    buf_puts(b, "]}\n");
}

static void show_text(const struct model_info *i, const char *folder,
                      const struct model_files *f, struct buf *b)
{
    const struct model_config *c = i->config;
    buf_printf(b,
               "folder      %s\n"
               "family      %s, %zu layers × %zu, %zu heads, inner %zu\n"
               "parameters  %.1f M\n"
               "tokenizer   %s, %zu of %zu tokens; at most %zu a text\n"
               "gives       ",
               folder, model_family_name(c->family), c->layers, c->hidden,
               c->heads, c->inner, (double)i->parameters / MB, i->tokenizer,
               i->tokens, c->vocab, i->max_tokens);
    models_put_gives(i, b);
    if (i->has_labels) {
        buf_puts(b, ": ");
        put_labels(c, false, b);
    }
    buf_printf(b, "\nmemory      %.1f MB in %s, %s\nkernels     %s\n",
               (double)i->bytes / MB, precision_name(i->precision),
               i->packed ? "out of its packed file" : "packed when loaded",
               kernels_reason());
    for (size_t k = 0; k < f->n; k++) {
        bool small = f->list[k].bytes < (int64_t)MB;
        buf_printf(b, "%-11s %s, %.1f %s\n", k ? "" : "files", f->list[k].path,
                   (double)f->list[k].bytes / (small ? 1e3 : MB),
                   small ? "kB" : "MB");
    }
}

static int show(const struct args *a, const char *folder, struct buf *out,
                struct err *e)
{
    enum precision p;
    struct model_files files = {0};
    struct model *m = NULL;
    struct arena *arena = arena_new();
    int r = models_precision(a, PRECISION_F32, &p, e);
    if (!r)
        r = model_load(folder, p, &m, e);
    if (!r)
        r = model_files(arena, folder, &files, e);
    if (!r) {
        models_tell(m);
        (cli_json(a) ? show_json : show_text)(model_info(m), folder, &files,
                                              out);
    }
    model_unref(m);
    arena_free(arena);
    return r;
}

static int run_show(void *ctx, const struct args *a)
{
    (void)ctx;
    return run_one(a, show);
}

static const struct arg_option show_options[] = {
    {'p', "precision", "f32|bf16|int8", "as it would be loaded (default f32)"},
    {0},
};

const struct arg_command cmd_model_show = {
    .name = "model show",
    .words = "MODEL",
    .min_words = 1,
    .max_words = 1,
    .summary = "Show what a language model is made of",
    .about = "MODEL is a name of model list, or a folder.\n",
    .options = show_options,
    .run = run_show,
};

/* ---- verify
 * ------------------------------------------------------------------------ */

static int verify(const struct args *a, const char *folder, struct buf *out,
                  struct err *e)
{
    struct model_report x;
    bool json = cli_json(a);
    int r = model_verify(folder, &x, e);
    if (r)
        return r;
    if (json)
        buf_printf(out,
                   "{\"tensors\":%zu,\"values\":%zu,\"texts\":%zu,"
                   "\"tokens\":%zu",
                   x.tensors, x.values, x.texts, x.tokens);
    else
        buf_printf(out,
                   "%s is whole: %zu numbers in %zu tensors, %zu texts in %zu "
                   "tokens\n",
                   folder, x.values, x.tensors, x.texts, x.tokens);
    for (int i = 0; i < PRECISIONS; i++) {
        enum precision p = (enum precision)i;
        if (json)
            buf_printf(out, ",\"%s\":{\"cosine\":%.6f,\"packed\":%s}",
                       precision_name(p), x.at[p].cosine,
                       x.at[p].packed ? "true" : "false");
        else
            buf_printf(out, "%-4s  cosine %.6f, at least %.4f%s\n",
                       precision_name(p), x.at[p].cosine, model_least_cosine(p),
                       x.at[p].packed ? "; the packed file gives the same"
                                      : "");
    }
    buf_puts(out, json ? "}\n" : "");
    return OTK_OK;
}

static int run_verify(void *ctx, const struct args *a)
{
    (void)ctx;
    return run_one(a, verify);
}

const struct arg_command cmd_model_verify = {
    .name = "model verify",
    .words = "MODEL",
    .min_words = 1,
    .max_words = 1,
    .summary = "Check a language model from its files to its sums",
    .about =
        "Looks at every number of its weights, lets the tokenizer read some "
        "sentences and\ncompares their vectors in bf16 and int8 with those in "
        "f32, by the worst cosine.\nPacked files must give, bit by bit, what "
        "the weights give.\n",
    .run = run_verify,
};

/* ---- pack
 * ------------------------------------------------------------------------ */

static int pack(const struct args *a, const char *folder, struct buf *out,
                struct err *e)
{
    enum precision p;
    char name[PACKED_NAME_BYTES];
    size_t bytes = 0;
    int r = models_precision(a, PRECISION_I8, &p, e);
    if (!r)
        r = model_pack(folder, p, &bytes, e);
    if (r)
        return r;
    packed_name(p, name);
    if (cli_json(a)) {
        buf_puts(out, "{\"folder\":");
        json_put_text(out, str_from(folder));
        buf_printf(out, ",\"file\":\"%s\",\"bytes\":%zu}\n", name, bytes);
    } else {
        buf_printf(out, "%s/%s, %.1f MB\n", folder, name, (double)bytes / MB);
    }
    return OTK_OK;
}

static int run_pack(void *ctx, const struct args *a)
{
    (void)ctx;
    return run_one(a, pack);
}

static const struct arg_option pack_options[] = {
    {'p', "precision", "f32|bf16|int8", "of the file (default int8)"},
    {0},
};

const struct arg_command cmd_model_pack = {
    .name = "model pack",
    .words = "MODEL",
    .min_words = 1,
    .max_words = 1,
    .summary = "Write a language model in the form that loads at once",
    .about = "Writes packed-PRECISION.otk into the model's folder. It is used "
             "by itself when the\nmodel is loaded in that precision; one that "
             "was made of other weights is passed\nover.\n",
    .options = pack_options,
    .run = run_pack,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* otklik model pull */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "desk/settings.h"
#include "model/hub.h"
#include "model/pull.h"

enum { PATH_BYTES = 4096, OUTPUT_BYTES = 1 << 18, MB = 1000000 };

/* ---- pull ------------------------------------------------------------------
 */

static void put_pulled_json(const struct pull_report *x, const char *folder,
                            struct buf *b)
{
    const struct {
        const char *name, *value;
    } top[] = {{"name", x->name},
               {"revision", x->revision},
               {"commit", x->commit},
               {"hub", x->hub},
               {"folder", folder}};
    for (size_t i = 0; i < sizeof(top) / sizeof(top[0]); i++) {
        buf_printf(b, "%s\"%s\":", i ? "," : "{", top[i].name);
        json_put_text(b, str_from(top[i].value));
    }
    buf_printf(b, ",\"already\":%s,\"bytes\":%lld,\"fetched\":%lld,\"files\":[",
               x->already ? "true" : "false", (long long)x->bytes,
               (long long)x->fetched);
    for (size_t i = 0; i < x->n; i++) {
        const struct pull_file *f = &x->files[i];
        buf_puts(b, i ? ",{\"path\":" : "{\"path\":");
        json_put_text(b, str_from(f->path));
        buf_printf(b, ",\"size\":%lld,\"sha256\":\"%s\",\"checked_by\":\"%s\"}",
                   (long long)f->bytes, f->sha256,
                   f->checked ? "sha256" : "size");
    }
    buf_puts(b, "]}\n");
}

static void put_pulled_text(const struct pull_report *x, const char *folder,
                            struct buf *b)
{
    buf_printf(b, "%s %s %s: %zu files, %.1f MB, commit %.12s\n", x->name,
               x->already ? "is already there, in" : "is in", folder, x->n,
               (double)x->bytes / MB, x->commit);
    size_t unchecked = 0;
    for (size_t i = 0; i < x->n; i++) {
        if (x->files[i].checked)
            continue;
        buf_printf(b, "%s%s",
                   unchecked++ ? ", "
                               : "checked by size only, the hub gives no "
                                 "SHA-256 of them: ",
                   x->files[i].path);
    }
    if (unchecked)
        buf_putc(b, '\n');
}

/* Settings of the desk; a model for --to needs no desk. */
static int load_settings(const struct args *a, struct settings *ret,
                         struct conf *ret_conf, struct err *e)
{
    char path[PATH_BYTES];
    const char *folder = cli_folder(a);
    (void)snprintf(path, sizeof(path), "%s/otklik.yaml", folder);
    bool optional = args_text(a, "to") && !args_text(a, "desk");
    if (optional && !file_exists(path))
        folder = NULL;
    return settings_load(folder, a->settings, a->n_settings, ret, ret_conf, e);
}

/* `ctx` is whether the line of the bar is still open. */
static void on_progress(void *ctx, const char *what, double share)
{
    bool *open = ctx;
    *open = share < 1 && isatty(STDERR_FILENO);
    cli_progress(NULL, what, share);
}

static int pull(const struct args *a, const struct settings *s, int64_t max_mb,
                struct buf *out, struct err *e)
{
    char folder[PATH_BYTES];
    bool open = false;
    const char *to = args_text(a, "to");
    const char *mirror = args_text(a, "mirror");
    struct arena *arena = arena_new();
    struct pull_report *report = ARENA_NEW(arena, struct pull_report);
    struct pull p = {
        .hub = mirror ? mirror : s->models.hub,
        .token = getenv("HF_TOKEN"),
        .folder = to ? to : folder,
        .bytes_max = max_mb * MB,
        .stall_seconds = s->models.stall_seconds,
        .progress = on_progress,
        .ctx = &open,
    };
    int r = hub_name_read(arena, str_from(a->words[0]),
                          args_text(a, "revision"), &p.name, e);
    if (!r) {
        int n = snprintf(folder, sizeof(folder), "%s/models/%s", cli_folder(a),
                         p.name.folder);
        if (!to && (n < 0 || (size_t)n >= sizeof(folder)))
            r = err_set(e, OTK_ELIMIT, "%.80s…: path too long", folder);
    }
    if (!r)
        r = pull_model(arena, &p, report, e);
    if (open) /* what went wrong begins a line of its own */
        (void)fputc('\n', stderr);
    if (!r)
        (cli_json(a) ? put_pulled_json : put_pulled_text)(report, p.folder,
                                                          out);
    arena_free(arena);
    return r;
}

static int run_pull(void *ctx, const struct args *a)
{
    enum { MAX_MB = 20000, MOST_MB = 100000000 };
    (void)ctx;
    struct err e = {0};
    struct settings s;
    struct conf conf;
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    int64_t max_mb = MAX_MB;
    if (args_whole(a, "max-mb", MAX_MB, 1, MOST_MB, &max_mb, &e))
        return cli_fail(OTK_EINVAL, &e);
    int r = load_settings(a, &s, &conf, &e);
    if (r)
        return cli_fail(r, &e);
    r = pull(a, &s, max_mb, &out, &e);
    conf_free(&conf);
    if (r) {
        buf_free(&out);
        return cli_fail(r, &e);
    }
    return cli_print(&out);
}

static const struct arg_option pull_options[] = {
    {'r', "revision", "NAME", "branch, tag or commit (default main)"},
    {'t', "to", "FOLDER",
     "where the model goes (default: models/ of the desk)"},
    {'m', "mirror", "URL", "a hub of the same layout, instead of models.hub"},
    {0, "max-mb", "N", "refuse a larger model (default 20000)"},
    {0},
};

const struct arg_command cmd_model_pull = {
    .name = "model pull",
    .words = "NAME",
    .min_words = 1,
    .max_words = 1,
    .takes_settings = true,
    .summary = "Fetch a model from a hub",
    .about =
        "NAME is OWNER/MODEL[@REVISION] as on the hub, or one of\n"
        "  minilm                   sentence-transformers/all-MiniLM-L6-v2\n"
        "  minilm-multilingual      sentence-transformers/"
        "paraphrase-multilingual-MiniLM-L12-v2\n"
        "  distilbert-multilingual  "
        "distilbert/distilbert-base-multilingual-cased\n"
        "  rubert-tiny2             cointegrated/rubert-tiny2\n"
        "  whisper-tiny, -base, -small  openai/whisper-…, for transcribe\n"
        "  whisper-turbo            openai/whisper-large-v3-turbo\n"
        "Fetched are settings, weights as safetensors and the tokenizer; "
        "pickles never.\nWhat was cut off goes on with the next call. A model "
        "that is there is only\ncompared with its pulled.json. HF_TOKEN in the "
        "environment goes to the hub's own\nhost only; https_proxy is "
        "respected.\n",
    .options = pull_options,
    .run = run_pull,
};

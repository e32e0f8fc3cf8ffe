/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/dataset.h"
#include "cli/models.h"
#include "desk/desk.h"
#include "desk/teach.h"
#include "triage/triage.h"

enum { PATH_BYTES = 4096, REPORT_BYTES = 1 << 20 };

static void put_json(const struct triage_info *m, struct buf *b)
{
    buf_printf(b, "{\"version\":\"%s\",\"examples\":%zu,\"tasks\":{",
               m->version, m->n_examples);
    for (size_t t = 0; t < m->n_tasks; t++) {
        const struct triage_task *x = &m->tasks[t];
        buf_puts(b, t ? "," : "");
        json_put_text(b, str_from(x->name));
        buf_printf(b, ":{\"labels\":%zu,\"accuracy\":", x->n_labels);
        json_put_real(b, x->accuracy);
        buf_puts(b, ",\"macro_f1\":");
        json_put_real(b, x->macro_f1);
        buf_puts(b, ",\"ece\":");
        json_put_real(b, x->ece);
        buf_putc(b, '}');
    }
    buf_puts(b, "}}\n");
}

static void put_text(const struct triage_info *m, const char *folder,
                     struct buf *b)
{
    buf_printf(b, "%s from %zu examples in %s\n", m->version, m->n_examples,
               folder);
    for (size_t t = 0; t < m->n_tasks; t++) {
        const struct triage_task *x = &m->tasks[t];
        buf_printf(b,
                   "  %-10s %3zu labels  accuracy %.3f  macro F1 %.3f  ECE "
                   "%.3f  auto from %.2f\n",
                   x->name, x->n_labels, x->accuracy, x->macro_f1, x->ece,
                   x->auto_threshold);
    }
}

static int train_file(const struct args *a,
                      const struct triage_train_options *o, const char *folder,
                      struct err *e)
{
    struct dataset data;
    const char *also = args_text(a, "also");
    int r = dataset_read(a->words[0], args_text(a, "map"),
                         args_text(a, "tasks"), &data, e);
    if (!r && also)
        r = dataset_also(&data, also, args_text(a, "also-map"), e);
    if (!r)
        r = triage_train(&data.d, o, folder, e);
    dataset_free(&data);
    return r;
}

/* Everything the desk has learned; `folder` NULL: its own model. */
static int train_store(const struct args *a,
                       const struct triage_train_options *o, const char *folder,
                       struct err *e)
{
    struct desk *d = NULL;
    struct desk_options opened = {.folder = cli_folder(a),
                                  .records_only = true};
    if (args_text(a, "also"))
        return err_set(e, OTK_EINVAL, "--also goes with a FILE");
    int r = desk_open(&opened, &d, e);
    if (!r)
        r = teach(d, o, folder, e);
    desk_close(d);
    return r;
}

/* Ctrl-C: a transformer stops, and what it has learnt is kept. */
static _Atomic(bool) stop;

static void on_interrupt(int number)
{
    (void)number;
    atomic_store(&stop, true);
}

static void catch_interrupt(void)
{
    struct sigaction s = {.sa_handler = on_interrupt};
    s.sa_flags = (int)SA_RESETHAND; /* the second one ends the program */
    (void)sigaction(SIGINT, &s, NULL);
}

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    int64_t seed = 1;
    char folder[PATH_BYTES];
    char base[PATH_MAX];
    const char *out = args_text(a, "output");
    (void)snprintf(folder, sizeof(folder), "%s%s", out ? out : cli_folder(a),
                   out ? "" : "/models/triage");
    int64_t epochs = 0;
    int r = args_whole(a, "seed", 1, 1, 1000000, &seed, &e);
    if (!r)
        r = args_whole(a, "epochs", 0, 0, 1000, &epochs, &e);
    if (!r && !args_text(a, "base") &&
        (args_has(a, "resume") || args_has(a, "adapter") || args_has(a, "set")))
        r = err_set(&e, OTK_EINVAL,
                    "--resume, --adapter and --set are for --engine "
                    "transformer and go with its --base");
    if (r)
        return cli_fail(OTK_EINVAL, &e);
    if (args_text(a, "base"))
        r = models_find(a, args_text(a, "base"), base, &e);
    if (r)
        return cli_fail(r, &e);
    struct triage_train_options o = {
        .engine = args_text(a, "engine"),
        .base = args_text(a, "base") ? base : NULL,
        .adapter = args_text(a, "adapter"),
        .stop = &stop,
        .resume = args_has(a, "resume"),
        .epochs = (size_t)epochs,
        .settings = args_text(a, "set"),
        .seed = (uint64_t)seed,
        .now_ms = clock_wall(&clock_real),
        .progress = cli_progress,
    };
    struct triage_model *m = NULL;
    if (o.base)
        catch_interrupt();
    r = a->n_words ? train_file(a, &o, folder, &e)
                   : train_store(a, &o, out, &e);
    if (!r)
        r = triage_load(folder, &m, &e);
    if (r)
        return cli_fail(r, &e);
    struct buf b = BUF_INIT(REPORT_BYTES);
    if (cli_json(a))
        put_json(triage_info(m), &b);
    else
        put_text(triage_info(m), folder, &b);
    triage_unref(m);
    if (atomic_load(&stop))
        (void)fprintf(stderr, "stopped early: the same command with --resume "
                              "goes on from there\n");
    return cli_print(&b);
}

static const struct arg_option options[] = {
    {'o', "output", "FOLDER", "the model folder (default: the desk's)"},
    {'e', "engine", "NAME",
     "linear, jaccard, jaccard-chars or transformer (default linear)"},
    {'b', "base", "FOLDER",
     "the language model that a transformer begins with"},
    {0, "adapter", "FOLDER", "a LoRA adapter for it, as peft writes them"},
    {0, "epochs", "N", "how often a transformer sees each text (default 8)"},
    {0, "set", "NAME=VALUE,...", "how a transformer learns, see above"},
    {0, "resume", NULL, "go on where a transformer was stopped"},
    {0, "map", "TO=FROM,...", "columns under other names: text=Question"},
    {0, "also", "FILE", "learn from these texts too, such as articles"},
    {0, "also-map", "TO=FROM,...", "columns of that file: text=Question"},
    {'t', "tasks", "NAMES", "columns to learn (default topic,priority)"},
    {'s', "seed", "N", "the same seed gives the same model (default 1)"},
    {0},
};

const struct arg_command cmd_train = {
    .name = "train",
    .words = "[FILE]",
    .max_words = 1,
    .summary = "Make a model from labelled texts",
    .about =
        "Without FILE it learns from the desk's own examples: the starter set, "
        "imports and\ncorrections. FILE is CSV, JSONL or XLSX with the columns "
        "text, topic and priority;\nthe label \"none\" marks texts that are no "
        "request. A column answer, reply, response\nor resolution is learnt "
        "from too. A knowledge base whose articles have topics makes\na good "
        "--also: confidence is still measured on FILE alone.\n"
        "--set says how a transformer learns, as in --set "
        "learning-rate=3e-5,freeze=2:\nbatch-size, accumulate, max-tokens, "
        "learning-rate, warmup, weight-decay, clip,\ndropout, "
        "label-smoothing, layer-decay, head-rate, freeze, "
        "patience,\nlora-rank, "
        "lora-alpha, class-weights=yes, bf16=yes.\n"
        "Ctrl-C ends the learning of a transformer: what it knows by then "
        "becomes the model,\nand the same command with --resume goes on from "
        "FOLDER.checkpoint.\nThe new model "
        "takes the place of the old one as a whole, and a running desk takes\n"
        "it up by itself.\n",
    .options = options,
    .run = run,
};

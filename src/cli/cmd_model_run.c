/* SPDX-License-Identifier: Apache-2.0 */
/* otklik model run */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/scope.h"
#include "cli/cli.h"
#include "cli/models.h"
#include "model/encoder.h"
#include "text/tokenizer.h"

enum {
    SLICE = 256, /* texts whose results are in memory at a time */
    LABELS_SHOWN = 5,
    OUTPUT_BYTES = 1 << 28, /* of a slice: labels may be many and long */
    THREADS_MAX = 64,
};

struct running {
    const struct args *a;
    struct model *model;
    struct session *session;
    struct tokenizer_scratch *scratch;
    struct encoded list[SLICE];
    size_t n;     /* of them */
    size_t first; /* number of the first of them, from 1 */
    size_t row;   /* numbers that each gives */
    float *rows;
    const float *chances; /* of the text that is printed … */
    size_t *order;        /* … and its labels, the likely ones first */
};

/* ---- results
 * ------------------------------------------------------------------------ */

/* Scores as chances: of one of the labels, or of each by itself. A number is
 * left as it is. */
static void to_chances(const struct model_config *c, float *x)
{
    size_t n = c->n_labels;
    if (c->problem == PROBLEM_REGRESSION ||
        (c->problem == PROBLEM_UNSAID && n == 1))
        return;
    if (c->problem == PROBLEM_MANY_LABELS) {
        for (size_t i = 0; i < n; i++)
            x[i] = 1 / (1 + expf(-x[i]));
        return;
    }
    float most = x[0];
    float sum = 0;
    for (size_t i = 1; i < n; i++)
        most = fmaxf(most, x[i]);
    for (size_t i = 0; i < n; i++)
        sum += x[i] = expf(x[i] - most);
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}

static int by_chance(const void *a, const void *b, void *x)
{
    const float *chances = ((const struct running *)x)->chances;
    size_t i = *(const size_t *)a;
    size_t j = *(const size_t *)b;
    if (chances[i] != chances[j])
        return chances[i] > chances[j] ? -1 : 1;
    return (i > j) - (i < j);
}

static void put_labels(struct running *x, const float *chances, bool json,
                       struct buf *b)
{
    const struct model_config *c = model_info(x->model)->config;
    size_t shown =
        json || c->n_labels < LABELS_SHOWN ? c->n_labels : (size_t)LABELS_SHOWN;
    for (size_t i = 0; i < c->n_labels; i++)
        x->order[i] = i;
    x->chances = chances;
    qsort_r(x->order, c->n_labels, sizeof(*x->order), by_chance, x);
    for (size_t i = 0; i < shown; i++) {
        size_t k = x->order[i];
        if (json) {
            buf_puts(b, i ? "," : "");
            json_put_text(b, str_from(c->labels[k]));
            buf_printf(b, ":%.7g", (double)chances[k]);
        } else {
            buf_printf(b, "%s%s %.4f", i ? ", " : "", c->labels[k],
                       (double)chances[k]);
        }
    }
}

static void put_vector(const float *v, size_t n, bool json, struct buf *b)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%s%.7g", i == 0 ? "" : json ? "," : " ", (double)v[i]);
}

static void put_result(struct running *x, size_t i, struct buf *b)
{
    const struct model_info *info = model_info(x->model);
    bool json = cli_json(x->a);
    float *row = x->rows + i * x->row;
    if (info->has_labels)
        to_chances(info->config, row);
    if (json)
        buf_printf(b, "{\"text\":%zu,\"tokens\":%zu,\"truncated\":%s,%s",
                   x->first + i, x->list[i].n,
                   x->list[i].truncated ? "true" : "false",
                   info->has_labels ? "\"labels\":{" : "\"vector\":[");
    if (info->has_labels)
        put_labels(x, row, json, b);
    else
        put_vector(row, x->row, json, b);
    buf_puts(b, !json ? "\n" : info->has_labels ? "}}\n" : "]}\n");
}

/* ---- texts
 * ------------------------------------------------------------------------ */

/* Ask about the texts that are waiting, and print. */
static int flush(struct running *x, struct err *e)
{
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    bool labels = model_info(x->model)->has_labels;
    int r = (labels ? model_classify : model_embed)(x->model, x->session,
                                                    x->list, x->n, x->rows, e);
    for (size_t i = 0; i < x->n; i++) {
        if (!r)
            put_result(x, i, &out);
        free(x->list[i].ids);
    }
    x->first += x->n;
    x->n = 0;
    if (r)
        buf_free(&out);
    else if (cli_print(&out))
        r = err_set(e, OTK_EIO, "the results were not written");
    return r;
}

/* `place` is where texts come from, for errors. */
static int take(struct running *x, const char *place, struct str text,
                struct err *e)
{
    size_t number = x->first + x->n;
    int r = OTK_OK;
    if (number > MODEL_TEXTS_MAX)
        r = err_set(e, OTK_ELIMIT, "more than %d texts; run the rest by itself",
                    MODEL_TEXTS_MAX);
    else if (str_trim(text).n == 0)
        r = err_set(e, OTK_EFORMAT, "the text is empty");
    else
        r = model_encode(x->model, x->scratch, text, &x->list[x->n], e);
    if (r)
        return err_place(e, r, "%s %zu", place, number);
    x->n++;
    return x->n == SLICE ? flush(x, e) : OTK_OK;
}

static int run_words(struct running *x, struct err *e)
{
    int r = OTK_OK;
    for (int i = 1; !r && i < x->a->n_words; i++)
        r = take(x, "text", str_from(x->a->words[i]), e);
    return r;
}

/* A line without its end; false: there is none. One that is too long is taken
 * a byte beyond the limit, which the tokenizer refuses. */
static bool read_line(FILE *f, struct buf *line)
{
    buf_reset(line);
    int c = EOF;
    while (!buf_check(line) && (c = getc_unlocked(f)) != EOF && c != '\n')
        buf_putc(line, (char)c);
    if (line->len && line->ptr[line->len - 1] == '\r')
        line->len--;
    return c != EOF || line->len > 0;
}

static int run_lines(struct running *x, struct err *e)
{
    const char *path = args_text(x->a, "file");
    bool input = !path || strcmp(path, "-") == 0;
    SCOPED(scope_fclose) FILE *own = input ? NULL : fopen(path, "re");
    FILE *f = input ? stdin : own;
    char place[PATH_MAX + 16];
    struct buf line = BUF_INIT(TOKENIZER_TEXT_MAX + 1);
    int r = OTK_OK;
    if (!f)
        return err_errno(e, OTK_ENOENT, "%s", path);
    (void)snprintf(place, sizeof(place), "%s: line",
                   input ? "standard input" : path);
    while (!r && read_line(f, &line))
        r = take(x, place, buf_str(&line), e);
    if (!r && ferror(f))
        r = err_errno(e, OTK_EIO, "%s", place);
    buf_free(&line);
    return r;
}

static int ask(struct running *x, struct err *e)
{
    const struct model_info *info = model_info(x->model);
    x->first = 1;
    x->row = info->has_labels ? info->config->n_labels : info->config->hidden;
    x->rows = mem_new(SLICE * x->row, sizeof(*x->rows));
    x->order = mem_new(x->row, sizeof(*x->order));
    bool words = x->a->n_words > 1;
    if (words && args_has(x->a, "file"))
        return err_set(e, OTK_EINVAL,
                       "texts on the command line and --file: give one of "
                       "them");
    int r = words ? run_words(x, e) : run_lines(x, e);
    if (!r && x->n)
        r = flush(x, e);
    if (!r && x->first == 1)
        r = err_set(e, OTK_EFORMAT, "%s is empty: there are no texts",
                    args_has(x->a, "file") ? args_text(x->a, "file")
                                           : "standard input");
    return r;
}

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    char folder[PATH_MAX];
    enum precision p;
    int64_t threads = 1;
    struct running *x = MEM_NEW(struct running);
    x->a = a;
    int r = models_precision(a, PRECISION_F32, &p, &e);
    if (!r && args_whole(a, "threads", 1, 1, THREADS_MAX, &threads, &e))
        r = OTK_EINVAL;
    if (!r)
        r = models_find(a, a->words[0], folder, &e);
    if (!r)
        r = model_load(folder, p, &x->model, &e);
    if (!r) {
        models_tell(x->model);
        x->session = session_new((int)threads);
        x->scratch = tokenizer_scratch_new();
        r = ask(x, &e);
    }
    for (size_t i = 0; i < x->n; i++)
        free(x->list[i].ids);
    free(x->rows);
    free(x->order);
    tokenizer_scratch_free(x->scratch);
    session_free(x->session);
    model_unref(x->model);
    free(x);
    return r ? cli_fail(r, &e) : EXIT_OK;
}

static const struct arg_option options[] = {
    {'f', "file", "FILE", "a text a line; - is standard input"},
    {'p', "precision", "f32|bf16|int8", "of the weights (default f32)"},
    {'t', "threads", "N", "1 to 64 (default 1)"},
    {0},
};

const struct arg_command cmd_model_run = {
    .name = "model run",
    .words = "MODEL [TEXT...]",
    .min_words = 1,
    .max_words = -1,
    .summary = "Ask a language model about texts",
    .about =
        "Prints a line a text: its labels with their chances, the likely ones "
        "first, or its\nvector. Without TEXT, lines of --file or of standard "
        "input are read. Up to\n100000 texts of up to 1 MiB; a text that is "
        "longer than the model reads is cut,\nwhich --json tells.\n",
    .options = options,
    .run = run,
};

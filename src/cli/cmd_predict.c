/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/cli.h"
#include "data/table.h"
#include "text/unicode.h"
#include "triage/triage.h"

enum { PATH_BYTES = 4096, TEXT_MAX = 1 << 20, WORDS = 8, NEAREST = 3 };
#define OUTPUT_MAX ((size_t)1 << 30)

static void put_json(const struct triage_model *m,
                     const struct triage_prediction *p, struct str text,
                     struct buf *b)
{
    const struct triage_info *info = triage_info(m);
    buf_puts(b, "{\"text\":");
    json_put_text(b, text);
    for (size_t t = 0; t < info->n_tasks; t++) {
        const struct triage_task *task = &info->tasks[t];
        buf_printf(b, ",\"predicted_%s\":", task->name);
        json_put_text(b, str_from(triage_label(task, &p[t])));
        buf_printf(b, ",\"%s_confidence\":", task->name);
        json_put_real(b, p[t].confidence);
        buf_printf(b, ",\"%s_mode\":\"%s\",\"%s_scores\":", task->name,
                   triage_mode_name(p[t].mode), task->name);
        triage_put_scores(task, &p[t], b);
    }
    buf_puts(b, "}\n");
}

static void put_reason(const struct triage_model *m, struct triage_scratch *s,
                       int task, int label, struct str text, struct buf *b)
{
    struct arena *a = arena_new();
    struct triage_reason why;
    if (label >= 0 && !triage_explain(m, s, task, label, text, WORDS, NEAREST,
                                      a, &why, NULL)) {
        for (size_t i = 0; i < why.n_words; i++)
            buf_printf(b, "    %+6.2f  %s\n", why.words[i].weight,
                       why.words[i].text);
        for (size_t i = 0; i < why.n_nearest; i++)
            buf_printf(b, "    %.2f like (%s): %s\n", why.nearest[i].similarity,
                       why.nearest[i].label, why.nearest[i].text);
    }
    arena_free(a);
}

static void put_text(const struct triage_model *m, struct triage_scratch *s,
                     const struct triage_prediction *p, struct str text,
                     bool explain, struct buf *b)
{
    const struct triage_info *info = triage_info(m);
    int labels[TRIAGE_TASKS_MAX];
    for (size_t t = 0; t < info->n_tasks; t++)
        labels[t] = p[t].label;
    for (size_t t = 0; t < info->n_tasks; t++) {
        const struct triage_task *task = &info->tasks[t];
        buf_printf(b, "%-10s %-20s %.2f  %s\n", task->name,
                   triage_label(task, &p[t]), p[t].confidence,
                   triage_mode_name(p[t].mode));
        if (explain)
            put_reason(m, s, (int)t, labels[t], text, b);
    }
}

static int predict_one(const struct args *a, const struct triage_model *m,
                       struct triage_scratch *s, struct str text,
                       struct buf *out, struct err *e)
{
    struct triage_prediction p[TRIAGE_TASKS_MAX];
    int r = text_check(text, "text", 1, TEXT_MAX, e);
    if (r)
        return r;
    triage_predict(m, s, text, p);
    if (cli_json(a))
        put_json(m, p, text, out);
    else
        put_text(m, s, p, text, args_has(a, "explain"), out);
    return OTK_OK;
}

static int predict_file(const struct args *a, const struct triage_model *m,
                        struct triage_scratch *s, const char *path,
                        struct buf *out, struct err *e)
{
    struct table t;
    int r = table_read_file(path, NULL, &t, e);
    int column = -1;
    if (!r && (column = table_column(&t, STR("text"))) < 0)
        r = err_set(e, OTK_ENOENT, "%s has no column 'text'", path);
    for (size_t i = 0; !r && i < t.n_rows; i++) {
        struct triage_prediction p[TRIAGE_TASKS_MAX];
        struct str text = table_cell(&t, i, column);
        struct err why = {0};
        if (text_check(text, "text", 1, TEXT_MAX, &why)) {
            (void)fprintf(stderr, "%s:%zu: %s\n", path, t.numbers[i], why.msg);
            continue;
        }
        triage_predict(m, s, text, p);
        put_json(m, p, text, out);
    }
    for (size_t i = 0; !r && i < t.n_bad && i < TABLE_BAD_MAX; i++)
        (void)fprintf(stderr, "%s:%zu: %s\n", path, t.bad[i].number,
                      t.bad[i].reason);
    (void)a;
    table_free(&t);
    return r;
}

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    char folder[PATH_BYTES];
    const char *model = args_text(a, "model");
    (void)snprintf(folder, sizeof(folder), "%s%s",
                   model ? model : cli_folder(a),
                   model ? "" : "/models/triage");
    struct triage_model *m = NULL;
    struct triage_scratch *s = triage_scratch_new();
    struct buf out = BUF_INIT(OUTPUT_MAX);
    int r = triage_load(folder, &m, &e);
    if (!r && args_has(a, "file"))
        r = predict_file(a, m, s, args_text(a, "file"), &out, &e);
    else if (!r && a->n_words == 0)
        r = err_set(&e, OTK_EINVAL, "say what: otklik predict TEXT");
    for (int i = 0; !r && i < a->n_words; i++)
        r = predict_one(a, m, s, str_from(a->words[i]), &out, &e);
    triage_scratch_free(s);
    triage_unref(m);
    if (r) {
        buf_free(&out);
        return cli_fail(r, &e);
    }
    return cli_print(&out);
}

static const struct arg_option options[] = {
    {'m', "model", "FOLDER", "the model folder (default: the desk's)"},
    {'f', "file", "FILE", "texts from a CSV, JSONL or XLSX; JSON lines out"},
    {'x', "explain", NULL, "say why: words and similar tickets"},
    {0},
};

const struct arg_command cmd_predict = {
    .name = "predict",
    .words = "[TEXT...]",
    .max_words = -1,
    .summary = "Say topic and priority of texts",
    .about = "",
    .options = options,
    .run = run,
};

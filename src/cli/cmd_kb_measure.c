/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "cli/cli.h"
#include "data/table.h"
#include "knowledge/import.h"
#include "knowledge/measure.h"

enum { REPORT_BYTES = 1 << 20 };

static int index_of_file(const char *path, const char *mapping, struct arena *a,
                         struct knowledge_index **ret, struct err *e)
{
    struct table t;
    struct import m = {0};
    int r = table_read_file(path, NULL, &t, e);
    if (!r && mapping)
        r = table_map(&t, mapping, e);
    if (!r)
        r = import_read(&t, a, &m, e);
    struct knowledge_article *list =
        ARENA_ARRAY(a, struct knowledge_article, m.n_rows + 1);
    for (size_t i = 0; !r && i < m.n_rows; i++)
        list[i] = m.rows[i].article;
    if (!r)
        r = knowledge_index_new(list, m.n_rows, ret, e);
    table_free(&t);
    return r;
}

static int read_questions(const char *path, struct table *t, struct arena *a,
                          struct measure_question **ret, size_t *ret_n,
                          struct err *e)
{
    int r = table_read_file(path, NULL, t, e);
    if (r)
        return r;
    int text = table_column(t, STR("text"));
    int keys = table_column(t, STR("keys"));
    if (keys < 0)
        keys = table_column(t, STR("kb_ids"));
    if (text < 0 || keys < 0)
        return err_set(e, OTK_EFORMAT,
                       "%s needs the columns 'text' and 'keys' (of right "
                       "articles, separated by spaces)",
                       path);
    *ret = ARENA_ARRAY(a, struct measure_question, t->n_rows + 1);
    *ret_n = 0;
    for (size_t i = 0; i < t->n_rows; i++) {
        (*ret)[(*ret_n)++] = (struct measure_question){
            table_cell(t, i, text), str_trim(table_cell(t, i, keys))};
    }
    return OTK_OK;
}

static void put_text(const struct measured *m, struct buf *b)
{
    buf_printf(b,
               "questions %zu\nhit@1   %.3f\nhit@3   %.3f\nhit@10  %.3f\nMRR  "
               "   %.3f\n\nthreshold  unanswerable refused  answerable "
               "refused\n",
               m->n, m->hit1, m->hit3, m->hit10, m->mrr);
    for (int i = 0; i < MEASURE_POINTS; i++)
        buf_printf(b, "     %.2f                 %.3f               %.3f\n",
                   m->curve[i].threshold, m->curve[i].refused_unanswerable,
                   m->curve[i].refused_answerable);
    buf_printf(b,
               "\nat under 10 %% wrongly refused: %.3f of the unanswerable "
               "refused\nconfidence is off by %.3f on average\n",
               m->refused_at_10, m->confidence_error);
    if (m->strangers)
        buf_printf(
            b, "of %zu questions without keys %.3f refused at under 10 %%\n",
            m->strangers, m->strangers_refused_at_10);
}

static void put_json(const struct measured *m, struct buf *b)
{
    const struct {
        const char *name;
        double x;
    } reals[] = {{"hit1", m->hit1},
                 {"hit3", m->hit3},
                 {"hit10", m->hit10},
                 {"mrr", m->mrr},
                 {"refused_at_10", m->refused_at_10},
                 {"strangers_refused_at_10", m->strangers_refused_at_10},
                 {"confidence_error", m->confidence_error}};
    buf_printf(b, "{\"questions\":%zu,\"strangers\":%zu", m->n, m->strangers);
    for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
        buf_printf(b, ",\"%s\":", reals[i].name);
        json_put_real(b, reals[i].x);
    }
    buf_puts(b, ",\"curve\":[");
    for (int i = 0; i < MEASURE_POINTS; i++)
        buf_printf(b,
                   "%s{\"threshold\":%.2f,\"refused_unanswerable\":%.4f,"
                   "\"refused_answerable\":%.4f}",
                   i ? "," : "", m->curve[i].threshold,
                   m->curve[i].refused_unanswerable,
                   m->curve[i].refused_answerable);
    buf_puts(b, "]}\n");
}

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    struct arena *arena = arena_new();
    struct knowledge_index *x = NULL;
    struct table t = {0};
    struct measure_question *questions = NULL;
    size_t n = 0;
    struct measured m;
    int r = index_of_file(a->words[0], args_text(a, "map"), arena, &x, &e);
    if (!r)
        r = read_questions(a->words[1], &t, arena, &questions, &n, &e);
    if (!r)
        measure_search(x, questions, n, &m);
    knowledge_index_unref(x);
    table_free(&t);
    arena_free(arena);
    if (r)
        return cli_fail(r, &e);
    struct buf b = BUF_INIT(REPORT_BYTES);
    if (cli_json(a))
        put_json(&m, &b);
    else
        put_text(&m, &b);
    return cli_print(&b);
}

static const struct arg_option options[] = {
    {0, "map", "TO=FROM,...", "columns under other names: answer=Body"},
    {0},
};

const struct arg_command cmd_kb_measure = {
    .name = "kb measure",
    .words = "ARTICLES QUESTIONS",
    .min_words = 2,
    .max_words = 2,
    .summary = "Measure search: hit@k and the refusal curve",
    .about =
        "ARTICLES is what `kb import` takes; QUESTIONS has the columns text "
        "and keys. A\nquestion is made unanswerable by taking its articles "
        "away; a row without keys is\none that no article answers.\n",
    .options = options,
    .run = run,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "cli/cli.h"
#include "data/table.h"
#include "knowledge/import.h"
#include "knowledge/measure.h"
#include "knowledge/vectors.h"

enum { REPORT_BYTES = 1 << 20 };

/* What --model, --precision and --weight say; *ret is NULL without a model. */
static int open_model(const struct args *a, struct knowledge_dense *room,
                      const struct knowledge_dense **ret, struct err *e)
{
    const char *model = args_text(a, "model");
    const char *precision = args_text(a, "precision");
    const char *weight = args_text(a, "weight");
    enum precision p = PRECISION_I8;
    room->weight = -1;
    if (weight && (str_to_real(str_from(weight), &room->weight) ||
                   room->weight < 0 || room->weight > 1))
        return err_set(e, OTK_EINVAL, "--weight %s: not a number from 0 to 1",
                       weight);
    int r = precision ? precision_from(str_from(precision), &p, e) : OTK_OK;
    if (!r && model)
        r = vectors_open(model, p, NULL, &room->vectors, e);
    *ret = model ? room : NULL;
    return r;
}

static int index_of_file(const char *path, const char *mapping,
                         const struct knowledge_dense *dense, struct arena *a,
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
        r = knowledge_index_new(list, m.n_rows, dense, ret, e);
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
    int without = table_column(t, STR("without"));
    if (text < 0 || keys < 0)
        return err_set(e, OTK_EFORMAT,
                       "%s needs the columns 'text' and 'keys' (of right "
                       "articles, separated by spaces)",
                       path);
    *ret = ARENA_ARRAY(a, struct measure_question, t->n_rows + 1);
    *ret_n = 0;
    for (size_t i = 0; i < t->n_rows; i++) {
        (*ret)[(*ret_n)++] = (struct measure_question){
            .text = table_cell(t, i, text),
            .keys = str_trim(table_cell(t, i, keys)),
            .without = without < 0 ? STR("") : table_cell(t, i, without)};
    }
    return OTK_OK;
}

static const char *const languages[] = {"ru", "en", "other"};

static void put_refused(const struct measured *m, const char *of,
                        const struct measured_refused *r, struct buf *b)
{
    buf_printf(b,
               "at under 10 %% wrongly refused, of %s: %.3f of the "
               "unanswerable refused",
               of, r->unanswerable);
    if (m->strangers)
        buf_printf(b, ", %.3f of %zu questions without keys", r->strangers,
                   m->strangers);
    buf_puts(b, "\n");
}

/* `weights` of vectors by language; NULL: there are none. */
static void put_text(const struct measured *m, const double *weights,
                     struct buf *b)
{
    buf_printf(b,
               "questions %zu\nhit@1   %.3f\nhit@3   %.3f\nhit@10  %.3f\nMRR  "
               "   %.3f\n\nthreshold  unanswerable refused  answerable "
               "refused  right first refused\n",
               m->n, m->hit1, m->hit3, m->hit10, m->mrr);
    for (int i = 0; i < MEASURE_POINTS; i++)
        buf_printf(b,
                   "     %.2f                 %.3f               %.3f"
                   "                %.3f\n",
                   m->curve[i].threshold, m->curve[i].refused_unanswerable,
                   m->curve[i].refused_answerable, m->curve[i].refused_right);
    buf_puts(b, "\n");
    if (m->misnamed)
        buf_printf(b, "%zu questions have keys that no article has\n",
                   m->misnamed);
    put_refused(m, "all answerable", &m->at_10, b);
    put_refused(m, "right first hits", &m->at_10_right, b);
    buf_printf(b, "confidence is off by %.3f on average\n",
               m->confidence_error);
    if (weights)
        buf_printf(b, "vectors count %.2f in ru, %.2f in en, %.2f in others\n",
                   weights[0], weights[1], weights[2]);
}

static void put_json(const struct measured *m, const double *weights,
                     struct buf *b)
{
    const struct {
        const char *name;
        double x;
    } reals[] = {{"hit1", m->hit1},
                 {"hit3", m->hit3},
                 {"hit10", m->hit10},
                 {"mrr", m->mrr},
                 {"refused_at_10", m->at_10.unanswerable},
                 {"strangers_refused_at_10", m->at_10.strangers},
                 {"refused_at_10_right", m->at_10_right.unanswerable},
                 {"strangers_refused_at_10_right", m->at_10_right.strangers},
                 {"confidence_error", m->confidence_error}};
    buf_printf(b, "{\"questions\":%zu,\"strangers\":%zu,\"misnamed\":%zu", m->n,
               m->strangers, m->misnamed);
    for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
        buf_printf(b, ",\"%s\":", reals[i].name);
        json_put_real(b, reals[i].x);
    }
    for (int i = 0; weights && i < 3; i++)
        buf_printf(b, "%s\"%s\":%.2f%s", i ? "," : ",\"weights\":{",
                   languages[i], weights[i], i == 2 ? "}" : "");
    buf_puts(b, ",\"curve\":[");
    for (int i = 0; i < MEASURE_POINTS; i++)
        buf_printf(b,
                   "%s{\"threshold\":%.2f,\"refused_unanswerable\":%.4f,"
                   "\"refused_answerable\":%.4f,\"refused_right\":%.4f}",
                   i ? "," : "", m->curve[i].threshold,
                   m->curve[i].refused_unanswerable,
                   m->curve[i].refused_answerable, m->curve[i].refused_right);
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
    struct knowledge_dense room = {0};
    const struct knowledge_dense *dense = NULL;
    int r = open_model(a, &room, &dense, &e);
    if (!r)
        r = index_of_file(a->words[0], args_text(a, "map"), dense, arena, &x,
                          &e);
    if (!r)
        r = read_questions(a->words[1], &t, arena, &questions, &n, &e);
    if (!r)
        measure_search(x, questions, n, &m);
    if (!r && m.n && m.misnamed == m.n)
        r = err_set(&e, OTK_EFORMAT,
                    "%s: no question has the key of an article of %s; where "
                    "the articles have no column of keys, add one, or name it "
                    "by --map key=COLUMN",
                    a->words[1], a->words[0]);
    double weights[3] = {0};
    for (int i = 0; !r && i < 3; i++)
        weights[i] = knowledge_index_weight(x, str_from(languages[i]));
    knowledge_index_unref(x);
    vectors_unref(room.vectors);
    table_free(&t);
    arena_free(arena);
    if (r)
        return cli_fail(r, &e);
    struct buf b = BUF_INIT(REPORT_BYTES);
    (cli_json(a) ? put_json : put_text)(&m, dense ? weights : NULL, &b);
    return cli_print(&b);
}

static const struct arg_option options[] = {
    {0, "model", "FOLDER", "a language model that search asks too"},
    {0, "precision", "P", "of it: f32, bf16 or int8 (default int8)"},
    {0, "weight", "W", "of its vectors, 0-1 (default: as a desk finds it)"},
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
        "away, and those of the\ncolumn without where there is one; a row "
        "without keys is one that no article\nanswers. Wrongly refused is said "
        "of all answerable questions and of those whose\nfirst hit is right: "
        "refusing a wrong answer loses nothing.\n",
    .options = options,
    .run = run,
};

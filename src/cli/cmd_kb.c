/* SPDX-License-Identifier: Apache-2.0 */
/* otklik kb import|search|export */
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "data/table.h"
#include "db/db.h"
#include "desk/desk.h"
#include "knowledge/import.h"

#define OUTPUT_MAX ((size_t)1 << 30)

/* ---- import
 * ----------------------------------------------------------------------------
 */

struct importing {
    const struct args *args;
    struct import m;
    int64_t now;
    bool dry;
    size_t counts[3]; /* new, changed, same */
    struct buf *out;
};

static const char *const change_names[] = {"new", "changed", "same"};

static int put_all(struct db_tx *tx, void *arg, struct err *e)
{
    struct importing *x = arg;
    int r = OTK_OK;
    for (size_t i = 0; !r && i < x->m.n_rows; i++) {
        const struct import_row *row = &x->m.rows[i];
        enum article_change c;
        r = x->dry ? article_compare(tx, &row->article, &c, e)
                   : article_put(tx, &row->article, 0, x->now, &c, NULL, e);
        if (r)
            break;
        x->counts[c]++;
        if (x->dry && !cli_json(x->args))
            buf_printf(x->out, "%6zu  %-8s" STR_FMT "\n", row->number,
                       change_names[c], STR_ARG(row->article.title));
    }
    return r;
}

static void report(const struct importing *x, const char *path)
{
    struct buf *b = x->out;
    if (!cli_json(x->args)) {
        buf_printf(b, "%s%zu new, %zu changed, %zu the same, %zu bad\n",
                   x->dry ? "would be: " : "", x->counts[0], x->counts[1],
                   x->counts[2], x->m.n_bad);
        for (size_t i = 0; i < x->m.n_bad; i++)
            (void)fprintf(stderr, "%s:%zu: %s\n", path, x->m.bad[i].number,
                          x->m.bad[i].reason);
        return;
    }
    buf_printf(b,
               "{\"dry_run\":%s,\"new\":%zu,\"changed\":%zu,\"same\":%zu,"
               "\"bad\":[",
               x->dry ? "true" : "false", x->counts[0], x->counts[1],
               x->counts[2]);
    for (size_t i = 0; i < x->m.n_bad; i++) {
        buf_printf(b, "%s{\"row\":%zu,\"reason\":", i ? "," : "",
                   x->m.bad[i].number);
        json_put_text(b, str_from(x->m.bad[i].reason));
        buf_putc(b, '}');
    }
    buf_puts(b, "]}\n");
}

static int run_import(void *ctx, const struct args *a)
{
    (void)ctx;
    enum { LONG_MS = 600000 };
    struct err e = {0};
    struct desk *d = NULL;
    struct table t = {0};
    struct arena *arena = arena_new();
    struct buf out = BUF_INIT(OUTPUT_MAX);
    struct importing x = {.args = a,
                          .now = clock_wall(&clock_real),
                          .dry = args_has(a, "dry-run"),
                          .out = &out};
    struct desk_options o = {.folder = cli_folder(a), .records_only = true};
    const char *map = args_text(a, "map");
    int r = table_read_file(a->words[0], args_text(a, "sheet"), &t, &e);
    if (!r && map)
        r = table_map(&t, map, &e);
    if (!r)
        r = import_read(&t, arena, &x.m, &e);
    if (!r)
        r = desk_open(&o, &d, &e);
    if (!r)
        r = db_write(desk_db(d), LONG_MS, put_all, &x, &e);
    desk_close(d);
    table_free(&t);
    if (!r)
        report(&x, a->words[0]);
    bool bad = x.m.n_bad > 0;
    arena_free(arena);
    if (r) {
        buf_free(&out);
        return cli_fail(r, &e);
    }
    int code = cli_print(&out);
    return code == EXIT_OK && bad ? EXIT_BAD_INPUT : code;
}

/* ---- search
 * -----------------------------------------------------------------------------
 */

/* What was asked, and what was found. */
struct asking {
    const struct knowledge_index *index;
    struct knowledge_scratch *scratch;
    struct str question;
    struct knowledge_hit *hits;
    size_t n;
    bool sure;
};

static struct str passage(const struct asking *x, size_t i)
{
    return knowledge_passage(x->index, x->scratch, x->hits[i].article,
                             x->question);
}

static void put_lines(const struct asking *x, struct buf *b)
{
    if (!x->sure)
        buf_puts(b, "No answer is sure enough; nearest:\n");
    for (size_t i = 0; i < x->n; i++)
        buf_printf(b, "%.2f  " STR_FMT "  " STR_FMT "\n      " STR_FMT "\n",
                   x->hits[i].confidence, STR_ARG(x->hits[i].article->key),
                   STR_ARG(x->hits[i].article->title), STR_ARG(passage(x, i)));
}

static void put_object(const struct asking *x, struct buf *b)
{
    buf_printf(b, "{\"answered\":%s,\"items\":[", x->sure ? "true" : "false");
    for (size_t i = 0; i < x->n; i++) {
        const struct knowledge_hit *h = &x->hits[i];
        buf_printf(b, "%s{\"id\":\"%lld\",\"key\":", i ? "," : "",
                   (long long)h->article->id);
        json_put_text(b, h->article->key);
        buf_puts(b, ",\"title\":");
        json_put_text(b, h->article->title);
        buf_puts(b, ",\"passage\":");
        json_put_text(b, passage(x, i));
        buf_puts(b, ",\"confidence\":");
        json_put_real(b, h->confidence);
        buf_puts(b, ",\"score\":");
        json_put_real(b, h->score);
        buf_putc(b, '}');
    }
    buf_puts(b, "]}\n");
}

static int run_search(void *ctx, const struct args *a)
{
    (void)ctx;
    enum { HITS = 50 };
    struct err e = {0};
    struct desk *d = NULL;
    int64_t limit = 5;
    struct knowledge_hit hits[HITS];
    struct buf out = BUF_INIT(OUTPUT_MAX);
    struct desk_options o = {.folder = cli_folder(a)};
    if (args_whole(a, "limit", 5, 1, HITS, &limit, &e))
        return cli_fail(OTK_EINVAL, &e);
    int r = desk_open(&o, &d, &e);
    if (r)
        return cli_fail(r, &e);
    double from = desk_settings(d).knowledge.answer_threshold;
    struct knowledge_index *index = desk_knowledge(d);
    struct asking x = {
        .index = index, .scratch = knowledge_scratch_new(), .hits = hits};
    struct buf question = BUF_INIT(OUTPUT_MAX);
    for (int i = 0; i < a->n_words; i++) {
        buf_puts(&question, i ? " " : "");
        buf_puts(&question, a->words[i]);
    }
    x.question = buf_str(&question);
    struct knowledge_query q = {.text = x.question, .with_staff = true};
    x.n = knowledge_search(index, x.scratch, &q, hits, (size_t)limit);
    x.sure = x.n && hits[0].confidence >= from;
    (cli_json(a) ? put_object : put_lines)(&x, &out);
    buf_free(&question);
    knowledge_scratch_free(x.scratch);
    knowledge_index_unref(index);
    desk_close(d);
    return cli_print(&out);
}

/* ---- export
 * -----------------------------------------------------------------------------
 */

struct exporting {
    struct arena *arena;
    struct buf *out;
    bool json;
};

static int write_all(struct db_tx *tx, void *arg, struct err *e)
{
    struct exporting *x = arg;
    struct knowledge_article *list;
    size_t n;
    static const char *const names[] = {
        "key", "language", "topic", "audience", "title", "questions", "answer"};
    int r = article_list(tx, 0, INT32_MAX, true, x->arena, &list, &n, e);
    struct str cells[7];
    for (int c = 0; c < 7; c++)
        cells[c] = str_from(names[c]);
    if (!r && !x->json)
        csv_put_row(x->out, cells, 7);
    for (size_t i = 0; !r && i < n; i++) {
        const struct knowledge_article *k = &list[i];
        const struct str own[] = {
            k->key,
            k->language,
            k->topic,
            k->audience == AUDIENCE_STAFF ? STR("staff") : STR("public"),
            k->title,
            k->questions,
            k->answer};
        if (!x->json) {
            csv_put_row(x->out, own, 7);
            continue;
        }
        for (int c = 0; c < 7; c++) {
            buf_printf(x->out, "%s\"%s\":", c ? "," : "{", names[c]);
            json_put_text(x->out, own[c]);
        }
        buf_puts(x->out, "}\n");
    }
    return r;
}

static int run_export(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    struct desk *d = NULL;
    struct buf out = BUF_INIT(OUTPUT_MAX);
    struct exporting x = {arena_new(), &out, cli_json(a)};
    struct desk_options o = {.folder = cli_folder(a), .records_only = true};
    int r = desk_open(&o, &d, &e);
    if (!r)
        r = db_read(desk_db(d), 0, write_all, &x, &e);
    desk_close(d);
    arena_free(x.arena);
    if (r) {
        buf_free(&out);
        return cli_fail(r, &e);
    }
    return cli_print(&out);
}

static const struct arg_option import_options[] = {
    {'n', "dry-run", NULL, "say what would happen, change nothing"},
    {0, "map", "TO=FROM,...", "columns under other names: answer=Body"},
    {0, "sheet", "NAME", "of a spreadsheet (default: the first)"},
    {0},
};

const struct arg_command cmd_kb_import = {
    .name = "kb import",
    .words = "FILE",
    .min_words = 1,
    .max_words = 1,
    .summary = "Take articles from CSV, JSONL or XLSX",
    .about = "Columns: question (or title), answer; and if there are key, "
             "questions, topic,\nlanguage, audience. Bad rows are listed with "
             "their numbers, good ones are kept.\nThe same file can be "
             "imported again.\n",
    .options = import_options,
    .run = run_import,
};

static const struct arg_option search_options[] = {
    {'n', "limit", "N", "how many (default 5)"},
    {0},
};

const struct arg_command cmd_kb_search = {
    .name = "kb search",
    .words = "TEXT...",
    .min_words = 1,
    .max_words = -1,
    .summary = "Search the articles",
    .about = "",
    .options = search_options,
    .run = run_search,
};

const struct arg_command cmd_kb_export = {
    .name = "kb export",
    .words = "",
    .summary = "Write all articles as CSV, or JSON lines with --json",
    .about = "",
    .run = run_export,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* otklik import: what an organisation has already. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/cli.h"
#include "data/table.h"
#include "db/db.h"
#include "desk/audit.h"
#include "desk/catalog.h"
#include "desk/catalog_edit.h"
#include "desk/desk.h"
#include "desk/row_import.h"
#include "text/stem.h"

enum { BATCH = 500, REPORT_BYTES = 16 << 20, CATALOG_BYTES = 8 << 20 };

struct bad {
    size_t number;
    const char *reason;
};

struct importing {
    const struct args *args;
    const char *path;
    struct table t;
    struct row_import x;
    size_t from; /* of the batch */
    bool dry;
    size_t counts[3], batch[3]; /* new, changed, same */
    struct arena *kept;         /* of reasons */
    struct bad *bad;
    size_t n_bad, batch_bad;
};

static void note_bad(struct importing *m, size_t row, const struct err *e)
{
    m->bad[m->n_bad + m->batch_bad++] = (struct bad){
        m->t.numbers[row],
        arena_printf(m->kept, "%s%s%s", e->field, e->field[0] ? ": " : "",
                     e->msg),
    };
}

/* A dry run does the same and takes it back. */
static int put_batch(struct db_tx *tx, void *arg, struct err *e)
{
    struct importing *m = arg;
    size_t to = m->from + BATCH < m->t.n_rows ? m->from + BATCH : m->t.n_rows;
    int r = OTK_OK;
    memset(m->batch, 0, sizeof(m->batch));
    m->batch_bad = 0;
    for (size_t i = m->from; !r && i < to; i++) {
        struct err why = {0};
        enum import_verdict v = IMPORT_SAME;
        arena_reset(m->x.arena);
        r = row_import_put(tx, &m->x, i, &v, &why);
        if (r == OTK_EFORMAT || r == OTK_ELIMIT) {
            note_bad(m, i, &why);
            r = OTK_OK;
        } else if (r) {
            *e = why;
        } else {
            m->batch[v]++;
        }
    }
    return !r && m->dry ? OTK_EDENIED : r;
}

static int put_all(struct importing *m, struct desk *d, struct err *e)
{
    enum { LONG_MS = 600000 };
    int r = OTK_OK;
    for (m->from = 0; !r && m->from < m->t.n_rows; m->from += BATCH) {
        r = db_write(desk_db(d), LONG_MS, put_batch, m, e);
        if (r == OTK_EDENIED && m->dry)
            r = OTK_OK;
        for (int i = 0; !r && i < 3; i++)
            m->counts[i] += m->batch[i];
        m->n_bad += r ? 0 : m->batch_bad;
    }
    return r;
}

/* Bad rows of the file itself come with those of its contents. */
static void report(const struct importing *m, struct buf *b)
{
    size_t n_file = m->t.n_bad < TABLE_BAD_MAX ? m->t.n_bad : TABLE_BAD_MAX;
    if (!cli_json(m->args)) {
        buf_printf(b, "%s%zu new, %zu changed, %zu the same, %zu bad\n",
                   m->dry ? "would be: " : "", m->counts[0], m->counts[1],
                   m->counts[2], m->n_bad + m->t.n_bad);
        for (size_t i = 0; i < n_file; i++)
            (void)fprintf(stderr, "%s:%zu: %s\n", m->path, m->t.bad[i].number,
                          m->t.bad[i].reason);
        for (size_t i = 0; i < m->n_bad; i++)
            (void)fprintf(stderr, "%s:%zu: %s\n", m->path, m->bad[i].number,
                          m->bad[i].reason);
        return;
    }
    buf_printf(b,
               "{\"dry_run\":%s,\"new\":%zu,\"changed\":%zu,\"same\":%zu,"
               "\"bad\":[",
               m->dry ? "true" : "false", m->counts[0], m->counts[1],
               m->counts[2]);
    for (size_t i = 0; i < n_file + m->n_bad; i++) {
        bool of_file = i < n_file;
        buf_printf(b, "%s{\"row\":%zu,\"reason\":", i ? "," : "",
                   of_file ? m->t.bad[i].number : m->bad[i - n_file].number);
        json_put_text(b, str_from(of_file ? m->t.bad[i].reason
                                          : m->bad[i - n_file].reason));
        buf_putc(b, '}');
    }
    buf_puts(b, "]}\n");
}

/* Topics that examples name and the desk does not have: a model that learns
 * them files nothing under them. */
static void warn_topics(const struct importing *m)
{
    struct str last = {0};
    int column = table_column(&m->t, STR("topic"));
    for (size_t i = 0; m->x.kind == IMPORT_EXAMPLES && i < m->t.n_rows; i++) {
        struct str topic = str_trim(table_cell(&m->t, i, column));
        if (topic.n == 0 || str_is(topic, "none") || str_eq(topic, last) ||
            catalog_topic(m->x.catalog, topic))
            continue;
        (void)fprintf(stderr,
                      "note: the desk has no topic '" STR_FMT
                      "' (and perhaps others); add it by `otklik import` of a "
                      "YAML file, see docs/cli.md\n",
                      STR_ARG(topic));
        return;
    }
}

static int import_rows(struct importing *m, struct desk *d, struct err *e)
{
    const char *map = args_text(m->args, "map");
    int r = table_read_file(m->path, args_text(m->args, "sheet"), &m->t, e);
    if (!r && map)
        r = table_map(&m->t, map, e);
    m->x.table = &m->t;
    m->x.text_max = (size_t)desk_settings(d).triage.text_max;
    if (!r)
        r = row_import_begin(&m->x, e);
    m->bad = ARENA_ARRAY(m->kept, struct bad, m->t.n_rows + 1);
    if (!r)
        r = put_all(m, d, e);
    if (!r)
        warn_topics(m);
    return r;
}

/* ---- the catalog
 * ------------------------------------------------------------------ */

struct catalog_text {
    const char *path;
    struct buf *text;
    bool dry;
};

static int apply(struct db_tx *tx, void *arg, struct err *e)
{
    const struct catalog_text *x = arg;
    int64_t now = clock_wall(&clock_real);
    int r = catalog_apply(tx, x->path, buf_str(x->text), now, e);
    if (!r)
        r = audit_add(tx, (struct actor){0}, "catalog.change", "catalog",
                      STR(""), now, e);
    return !r && x->dry ? OTK_EDENIED : r;
}

static int import_catalog(struct importing *m, struct desk *d, struct err *e)
{
    struct buf text = BUF_INIT(CATALOG_BYTES);
    struct catalog_text x = {m->path, &text, m->dry};
    int r = file_read(m->path, &text, e);
    if (!r)
        r = db_write(desk_db(d), 0, apply, &x, e);
    if (r == OTK_EDENIED && m->dry)
        r = OTK_OK;
    buf_free(&text);
    return r;
}

static bool is_catalog(const char *path)
{
    struct str s = str_from(path);
    return str_ends(s, ".yaml") || str_ends(s, ".yml");
}

static enum import_kind kind_of(const struct args *a)
{
    const char *as = args_text(a, "as");
    if (as && strcmp(as, "people") == 0)
        return IMPORT_PEOPLE;
    return as && strcmp(as, "tickets") == 0 ? IMPORT_TICKETS : IMPORT_EXAMPLES;
}

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    struct desk *d = NULL;
    struct buf out = BUF_INIT(REPORT_BYTES);
    struct desk_options o = {.folder = cli_folder(a), .records_only = true};
    struct importing m = {
        .args = a, .path = a->words[0], .dry = args_has(a, "dry-run")};
    int r = desk_open(&o, &d, &e);
    if (r)
        return cli_fail(r, &e);
    struct catalog *catalog = desk_catalog(d);
    m.kept = arena_new();
    m.x = (struct row_import){.kind = kind_of(a),
                              .catalog = catalog,
                              .stemmer = stemmer_new(),
                              .arena = arena_new(),
                              .now = clock_wall(&clock_real)};
    bool yaml = is_catalog(m.path);
    r = yaml ? import_catalog(&m, d, &e) : import_rows(&m, d, &e);
    if (!r && yaml)
        buf_printf(&out, cli_json(a) ? "{\"dry_run\":%s}\n" : "%s\n",
                   cli_json(a) ? (m.dry ? "true" : "false")
                   : m.dry     ? "it would be taken"
                               : "the catalog is changed");
    else if (!r)
        report(&m, &out);
    bool bad = m.n_bad || m.t.n_bad;
    stemmer_free(m.x.stemmer);
    arena_free(m.x.arena);
    arena_free(m.kept);
    table_free(&m.t);
    catalog_unref(catalog);
    desk_close(d);
    if (r) {
        buf_free(&out);
        return cli_fail(r, &e);
    }
    int code = cli_print(&out);
    return code == EXIT_OK && bad ? EXIT_BAD_INPUT : code;
}

static const struct arg_option options[] = {
    {0, "as", "examples|people|tickets",
     "what the rows are (default examples)"},
    {0, "map", "TO=FROM,...", "columns under other names: text=Question"},
    {0, "sheet", "NAME", "sheet of a spreadsheet (default: the first)"},
    {'n', "dry-run", NULL, "say what would happen, change nothing"},
    {0},
};

const struct arg_command cmd_import = {
    .name = "import",
    .words = "FILE",
    .min_words = 1,
    .max_words = 1,
    .summary = "Bring labelled texts, people, tickets or the catalog",
    .about =
        "FILE is CSV, JSONL or XLSX. Examples (text, topic, priority, answer) "
        "are what\n`otklik train` learns from; people have name, email, phone, "
        "organisation, note,\nexternal_id; tickets text, external_id, subject, "
        "state, topic, priority, created_at,\nname, email, phone, answer. Bad "
        "rows are listed with their numbers, good ones are\nkept; the same "
        "file again changes nothing.\n\nA YAML file changes the catalog "
        "(topics, teams, skills, staff, schedules, SLAs) in\nthe form of "
        "starter/desk.yaml.\n",
    .options = options,
    .run = run,
};

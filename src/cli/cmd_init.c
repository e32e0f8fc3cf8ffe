/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/embed.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rand.h"
#include "cli/cli.h"
#include "data/table.h"
#include "db/db.h"
#include "desk/access.h"
#include "desk/catalog_edit.h"
#include "desk/corpus.h"
#include "desk/desk.h"
#include "desk/teach.h"
#include "knowledge/import.h"
#include "triage/train.h"

extern const struct embed starter_files[]; /* of starter/ */

enum { PATH_BYTES = 4096, SETTINGS_BYTES = 64 * 1024 };

/* Demo logins get this password; only `init --demo` sets it. */
static const char demo_password[] = "otklik-demo";

struct starting {
    struct arena *arena;
    struct import articles;
    int64_t now;
    bool demo;
};

static int write_settings(const char *folder, struct err *e)
{
    struct settings values = {0};
    struct conf conf;
    struct buf b = BUF_INIT(SETTINGS_BYTES);
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/otklik.yaml", folder);
    if (file_exists(path))
        return err_set(e, OTK_ECONFLICT, "%s is a desk already", folder);
    int r = file_make_dir(folder, e);
    if (r)
        return r;
    conf_init(&conf, settings_table, &values);
    buf_puts(&b, "# Settings of this desk. Every line may be left out; "
                 "environment variables\n# (OTKLIK_HTTP_PORT) and words on the "
                 "command line (http.port=80) come after it.\n\n");
    conf_print(&conf, &b);
    r = file_write(path, buf_str(&b), 0640, e);
    conf_free(&conf);
    buf_free(&b);
    return r;
}

static int read_articles(struct starting *s, struct table *t, struct err *e)
{
    const struct embed *f = embed_find(starter_files, "knowledge.csv");
    int r = table_read(embed_bytes(f), TABLE_CSV, NULL, t, e);
    return r ? r : import_read(t, s->arena, &s->articles, e);
}

static int put_canned(struct db_tx *tx, int64_t now, struct err *e)
{
    struct table t;
    const struct embed *f = embed_find(starter_files, "canned.csv");
    int r = table_read(embed_bytes(f), TABLE_CSV, NULL, &t, e);
    int key = table_column(&t, STR("key"));
    int language = table_column(&t, STR("language"));
    int title = table_column(&t, STR("title"));
    int body = table_column(&t, STR("body"));
    for (size_t i = 0; !r && i < t.n_rows; i++)
        r = db_exec(tx, e,
                    "INSERT INTO canned_replies (key, language, title, body, "
                    "updated_at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO "
                    "NOTHING",
                    "ssssi", table_cell(&t, i, key),
                    table_cell(&t, i, language), table_cell(&t, i, title),
                    table_cell(&t, i, body), now);
    table_free(&t);
    return r;
}

/* Both languages' tickets: what the first model learns from. */
static int put_lessons(struct db_tx *tx, int64_t now, struct err *e)
{
    static const char *const files[] = {"tickets.ru.csv", "tickets.en.csv"};
    int r = OTK_OK;
    for (int i = 0; !r && i < 2; i++) {
        struct table t;
        const struct embed *f = embed_find(starter_files, files[i]);
        r = table_read(embed_bytes(f), TABLE_CSV, NULL, &t, e);
        int text = table_column(&t, STR("text"));
        int topic = table_column(&t, STR("topic"));
        int priority = table_column(&t, STR("priority"));
        for (size_t k = 0; !r && k < t.n_rows; k++) {
            enum corpus_put done;
            struct lesson l = {.text = table_cell(&t, k, text),
                               .topic = table_cell(&t, k, topic)};
            if (!str_is(l.topic, TRIAGE_NONE))
                l.priority = table_cell(&t, k, priority);
            r = corpus_put(tx, &l, now, &done, e);
        }
        table_free(&t);
    }
    return r;
}

static int put_all(struct db_tx *tx, void *arg, struct err *e)
{
    struct starting *s = arg;
    const struct embed *desk = embed_find(starter_files, "desk.yaml");
    int r = catalog_apply(tx, "desk.yaml", embed_bytes(desk), s->now, e);
    for (size_t i = 0; !r && i < s->articles.n_rows; i++) {
        enum article_change change;
        r = article_put(tx, &s->articles.rows[i].article, 0, s->now, &change,
                        NULL, e);
    }
    if (!r)
        r = put_canned(tx, s->now, e);
    if (!r)
        r = put_lessons(tx, s->now, e);
    static const char *const logins[] = {"admin", "anna", "zhenya", NULL};
    for (const char *const *l = logins; !r && s->demo && *l; l++)
        r = password_set(tx, str_from(*l), str_from(demo_password), e);
    return r;
}

static int fill_desk(const char *folder, bool demo, bool train, struct err *e)
{
    struct desk *d = NULL;
    struct table t = {0};
    struct starting s = {
        .arena = arena_new(), .now = clock_wall(&clock_real), .demo = demo};
    struct desk_options o = {.folder = folder, .records_only = true};
    enum { LONG_MS = 60000 };
    int r = read_articles(&s, &t, e);
    if (!r)
        r = desk_open(&o, &d, e);
    if (!r)
        r = db_write(desk_db(d), LONG_MS, put_all, &s, e);
    struct triage_train_options how = {.now_ms = s.now,
                                       .progress = cli_progress};
    if (!r && train)
        r = teach(d, &how, NULL, e);
    desk_close(d);
    table_free(&t);
    arena_free(s.arena);
    return r;
}

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    const char *folder = a->words[0];
    bool demo = args_has(a, "demo");
    int r = write_settings(folder, &e);
    if (!r)
        r = fill_desk(folder, demo, !args_has(a, "no-model"), &e);
    if (r)
        return cli_fail(r, &e);
    (void)printf("A desk is in %s. Start it: otklik serve --desk %s\n", folder,
                 folder);
    if (!demo)
        (void)printf("Give its admin a password first: otklik user passwd "
                     "admin --desk %s\n",
                     folder);
    return EXIT_OK;
}

static const struct arg_option options[] = {
    {0, "demo", NULL, "with passwords for demo logins: never for real work"},
    {0, "no-model", NULL, "do not train a model from the starter tickets"},
    {0},
};

const struct arg_command cmd_init = {
    .name = "init",
    .words = "FOLDER",
    .min_words = 1,
    .max_words = 1,
    .summary = "Make a new desk with starter data",
    .about = "Writes otklik.yaml, the database, articles, staff and topics of "
             "an IT support desk\nin Russian and English, and trains a model "
             "from the starter tickets in seconds.\n",
    .options = options,
    .run = run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* otklik key add|list|revoke */
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "db/db.h"
#include "desk/access.h"
#include "desk/desk.h"

enum { OUTPUT_BYTES = 1 << 20 };

struct keys {
    const struct args *args;
    int64_t now;
    struct buf *out;
};

static int add(struct db_tx *tx, void *arg, struct err *e)
{
    struct keys *k = arg;
    char key[SECRET_BYTES];
    int64_t id, days;
    const char *scopes = args_text(k->args, "scopes");
    int r = args_whole(k->args, "days", 0, 0, 36500, &days, e);
    if (r)
        return r;
    r = key_add(tx, str_from(k->args->words[0]),
                scopes ? str_from(scopes) : STR("requests triage"),
                days ? k->now + days * MS_DAY : 0, k->now, key, &id, e);
    if (!r && cli_json(k->args))
        buf_printf(k->out, "{\"id\":\"%lld\",\"key\":\"%s\"}\n", (long long)id,
                   key);
    else if (!r)
        buf_printf(k->out, "%s\n", key);
    return r;
}

static void put_when(struct buf *b, const char *name, int64_t ms)
{
    char text[TIME_TEXT];
    time_print(ms, text);
    buf_printf(b, ",\"%s\":%s%s%s", name, ms ? "\"" : "", ms ? text : "null",
               ms ? "\"" : "");
}

static int list(struct db_tx *tx, void *arg, struct err *e)
{
    struct keys *k = arg;
    struct db_rows *rows;
    bool json = cli_json(k->args);
    int r = db_query(tx, &rows, e,
                     "SELECT id, name, hint, scopes, created_at, expires_at, "
                     "revoked_at FROM api_keys ORDER BY id",
                     "");
    if (r)
        return r;
    buf_puts(k->out, json ? "[" : "");
    for (int i = 0; (r = db_next(rows, e)) > 0; i++) {
        if (!json) {
            buf_printf(
                k->out, "%4lld  " STR_FMT "…  %-30.*s %-8s " STR_FMT "\n",
                (long long)db_int(rows, 0), STR_ARG(db_text(rows, 2)),
                STR_ARG(db_text(rows, 3)), db_is_null(rows, 6) ? "" : "revoked",
                STR_ARG(db_text(rows, 1)));
            continue;
        }
        buf_printf(k->out, "%s{\"id\":\"%lld\",\"name\":", i ? "," : "",
                   (long long)db_int(rows, 0));
        json_put_text(k->out, db_text(rows, 1));
        buf_puts(k->out, ",\"scopes\":");
        json_put_text(k->out, db_text(rows, 3));
        put_when(k->out, "created_at", db_int(rows, 4));
        put_when(k->out, "expires_at", db_int(rows, 5));
        put_when(k->out, "revoked_at", db_int(rows, 6));
        buf_putc(k->out, '}');
    }
    buf_puts(k->out, json ? "]\n" : "");
    db_rows_free(rows);
    return r;
}

static int revoke(struct db_tx *tx, void *arg, struct err *e)
{
    struct keys *k = arg;
    int64_t id;
    if (str_to_int(str_from(k->args->words[0]), &id))
        return err_set(e, OTK_EFORMAT, "'%s' is not a number of a key",
                       k->args->words[0]);
    return key_revoke(tx, id, k->now, e);
}

static int with_desk(const struct args *a, db_fn *fn)
{
    struct err e = {0};
    struct desk *d = NULL;
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    struct desk_options o = {.folder = cli_folder(a), .records_only = true};
    struct keys k = {a, clock_wall(&clock_real), &out};
    int r = desk_open(&o, &d, &e);
    if (!r)
        r = db_write(desk_db(d), 0, fn, &k, &e);
    desk_close(d);
    if (r) {
        buf_free(&out);
        return cli_fail(r, &e);
    }
    return cli_print(&out);
}

static int run_add(void *ctx, const struct args *a)
{
    (void)ctx;
    return with_desk(a, add);
}

static int run_list(void *ctx, const struct args *a)
{
    (void)ctx;
    return with_desk(a, list);
}

static int run_revoke(void *ctx, const struct args *a)
{
    (void)ctx;
    return with_desk(a, revoke);
}

static const struct arg_option add_options[] = {
    {'s', "scopes", "NAMES", "\"requests tickets knowledge triage admin\""},
    {0, "days", "N", "how long it is good (default: for ever)"},
    {0},
};

const struct arg_command cmd_key_add = {
    .name = "key add",
    .words = "NAME",
    .min_words = 1,
    .max_words = 1,
    .summary = "Make an API key; it is shown once",
    .about = "",
    .options = add_options,
    .run = run_add,
};

const struct arg_command cmd_key_list = {
    .name = "key list",
    .words = "",
    .summary = "List the API keys",
    .about = "",
    .run = run_list,
};

const struct arg_command cmd_key_revoke = {
    .name = "key revoke",
    .words = "NUMBER",
    .min_words = 1,
    .max_words = 1,
    .summary = "Revoke an API key",
    .about = "",
    .run = run_revoke,
};

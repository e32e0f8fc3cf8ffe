/* SPDX-License-Identifier: Apache-2.0 */
/* otklik key add|list|revoke */
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "desk/access.h"

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

static void put_json(struct buf *b, const struct key *k)
{
    buf_printf(b, "{\"id\":\"%lld\",\"name\":", (long long)k->id);
    json_put_text(b, k->name);
    buf_puts(b, ",\"scopes\":");
    json_put_text(b, k->scopes);
    put_when(b, "created_at", k->created_at);
    put_when(b, "expires_at", k->expires_at);
    put_when(b, "revoked_at", k->revoked_at);
    buf_putc(b, '}');
}

static void put_line(struct buf *b, const struct key *k)
{
    buf_printf(b, "%4lld  " STR_FMT "…  %-30.*s %-8s " STR_FMT "\n",
               (long long)k->id, STR_ARG(k->hint), STR_ARG(k->scopes),
               k->revoked_at ? "revoked" : "", STR_ARG(k->name));
}

static int list(struct db_tx *tx, void *arg, struct err *e)
{
    const struct keys *k = arg;
    bool json = cli_json(k->args);
    struct arena *a = arena_new();
    struct key *keys;
    size_t n;
    int r = key_list(tx, a, &keys, &n, e);
    buf_puts(k->out, json ? "[" : "");
    for (size_t i = 0; !r && i < n; i++) {
        buf_puts(k->out, json && i ? "," : "");
        if (json)
            put_json(k->out, &keys[i]);
        else
            put_line(k->out, &keys[i]);
    }
    buf_puts(k->out, json ? "]\n" : "");
    arena_free(a);
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

static int on_keys(const struct args *a, bool writes, db_fn *fn)
{
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    struct keys k = {a, clock_wall(&clock_real), &out};
    return cli_on_records(a, writes, fn, &k, &out);
}

static int run_add(void *ctx, const struct args *a)
{
    (void)ctx;
    return on_keys(a, true, add);
}

static int run_list(void *ctx, const struct args *a)
{
    (void)ctx;
    return on_keys(a, false, list);
}

static int run_revoke(void *ctx, const struct args *a)
{
    (void)ctx;
    return on_keys(a, true, revoke);
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

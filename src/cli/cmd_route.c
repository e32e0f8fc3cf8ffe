/* SPDX-License-Identifier: Apache-2.0 */
/* otklik route explain|simulate */
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "desk/loads.h"
#include "desk/routing.h"
#include "desk/ticket.h"

enum { OUTPUT_BYTES = 4 << 20 };

struct asking {
    const struct args *args;
    struct arena *arena;
    struct catalog *catalog;
    struct route_ask ask;
    int64_t ticket_id; /* 0: a simulation */
    struct ticket ticket;
    struct route_load *loads;
};

static int read_store(struct db_tx *tx, void *arg, struct err *e)
{
    struct asking *x = arg;
    int r = x->ticket_id ? ticket_get(tx, x->ticket_id, x->arena, &x->ticket, e)
                         : OTK_OK;
    return r ? r : loads_read(tx, x->catalog, x->arena, &x->loads, e);
}

static void put_candidates(const struct asking *x,
                           const struct route_candidate *all, struct buf *b)
{
    bool json = cli_json(x->args);
    for (size_t i = 0; i < x->catalog->n_staff; i++) {
        const struct catalog_staff *s = all[i].staff;
        const char *verdict =
            route_verdict_text(all[i].verdict, x->ask.language);
        if (!json) {
            buf_printf(b, "  %-10.*s level %d  %2d/%-2d  %s\n",
                       STR_ARG(s->login), all[i].level, all[i].open,
                       s->max_open, verdict);
            continue;
        }
        buf_puts(b, i ? ",{\"login\":" : "{\"login\":");
        json_put_text(b, s->login);
        buf_printf(b, ",\"level\":%d,\"open\":%d,\"max_open\":%d,\"verdict\":",
                   all[i].level, all[i].open, s->max_open);
        json_put_text(b, str_from(verdict));
        buf_putc(b, '}');
    }
}

static void report(const struct asking *x, struct buf *b)
{
    struct route route;
    struct route_candidate *all =
        ARENA_ARRAY(x->arena, struct route_candidate, x->catalog->n_staff + 1);
    route_choose(x->catalog, x->loads, &x->ask, x->arena, &route, all);
    if (!cli_json(x->args)) {
        if (x->ticket_id)
            buf_printf(b, "written on the ticket: " STR_FMT "\n",
                       STR_ARG(x->ticket.reason));
        buf_printf(b, "now: %s\n", route.reason);
        put_candidates(x, all, b);
        return;
    }
    buf_puts(b, "{\"reason\":");
    json_put_text(b, str_from(route.reason));
    buf_puts(b, ",\"assignee\":");
    if (route.staff)
        json_put_text(b, route.staff->login);
    else
        buf_puts(b, "null");
    buf_puts(b, ",\"candidates\":[");
    put_candidates(x, all, b);
    buf_puts(b, "]}\n");
}

/* What is asked for: of a ticket, or of the options. */
static int set_ask(struct asking *x, struct err *e)
{
    const struct args *a = x->args;
    const char *topic = x->ticket_id ? NULL : args_text(a, "topic");
    const char *priority = x->ticket_id ? NULL : args_text(a, "priority");
    const char *language = x->ticket_id ? NULL : args_text(a, "language");
    if (x->ticket_id) {
        x->ask.topic = catalog_topic_id(x->catalog, x->ticket.topic_id);
        x->ask.priority =
            catalog_priority_id(x->catalog, x->ticket.priority_id);
        x->ask.language = arena_copy(x->arena, x->ticket.language);
        return OTK_OK;
    }
    x->ask.language = language ? language : "";
    x->ask.topic = catalog_topic(x->catalog, str_from(topic));
    x->ask.priority = catalog_priority(x->catalog, priority ? str_from(priority)
                                                            : STR("normal"));
    if (!x->ask.topic)
        return err_field(e, OTK_ENOENT, "--topic", "no topic '%s'",
                         topic ? topic : "");
    if (priority && !x->ask.priority)
        return err_field(e, OTK_ENOENT, "--priority", "no priority '%s'",
                         priority);
    return OTK_OK;
}

static int run(const struct args *a, bool of_ticket)
{
    struct err e = {0};
    struct desk *d = NULL;
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    struct asking x = {.args = a, .arena = arena_new()};
    struct desk_options o = {.folder = cli_folder(a), .records_only = true};
    int r = OTK_OK;
    if (of_ticket &&
        (str_to_int(str_from(a->words[0]), &x.ticket_id) || x.ticket_id < 1))
        r = err_set(&e, OTK_EINVAL, "'%s' is not a ticket's number",
                    a->words[0]);
    if (!r)
        r = desk_open(&o, &d, &e);
    if (!r) {
        x.catalog = desk_catalog(d);
        x.ask.at = clock_wall(&clock_real);
        r = db_read(desk_db(d), 0, read_store, &x, &e);
    }
    if (!r)
        r = set_ask(&x, &e);
    if (!r)
        report(&x, &out);
    catalog_unref(x.catalog);
    desk_close(d);
    arena_free(x.arena);
    if (r) {
        buf_free(&out);
        return cli_fail(r, &e);
    }
    return cli_print(&out);
}

static int run_explain(void *ctx, const struct args *a)
{
    (void)ctx;
    return run(a, true);
}

static int run_simulate(void *ctx, const struct args *a)
{
    (void)ctx;
    return run(a, false);
}

const struct arg_command cmd_route_explain = {
    .name = "route explain",
    .words = "TICKET",
    .min_words = 1,
    .max_words = 1,
    .summary = "Say why a ticket is where it is, and who would get it now",
    .about = "",
    .run = run_explain,
};

static const struct arg_option simulate_options[] = {
    {'t', "topic", "KEY", "topic of the ticket (needed)"},
    {'p', "priority", "KEY", "its priority (default normal)"},
    {'l', "language", "ru|en", "language of the person"},
    {0},
};

const struct arg_command cmd_route_simulate = {
    .name = "route simulate",
    .words = "",
    .summary = "Say who would get such a ticket now, and why not the others",
    .about = "",
    .options = simulate_options,
    .run = run_simulate,
};

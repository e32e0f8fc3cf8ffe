/* SPDX-License-Identifier: Apache-2.0 */
/* otklik user add|list|passwd */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "desk/staff.h"

enum { LINE_BYTES = 512, OUTPUT_BYTES = 4 << 20 };

/* A line from the terminal without showing it, or from a pipe. */
static int read_password(struct err *e, char ret[LINE_BYTES])
{
    struct termios shown, hidden;
    bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
    if (terminal) {
        (void)fputs("Password: ", stderr);
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    bool ok = fgets(ret, LINE_BYTES, stdin) != NULL;
    if (terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        (void)fputc('\n', stderr);
    }
    if (!ok)
        return err_set(e, OTK_EFORMAT, "no password came on standard input");
    ret[strcspn(ret, "\r\n")] = '\0';
    return OTK_OK;
}

struct user {
    const struct args *args;
    struct str login, password;
    int64_t now;
    struct buf *out;
};

static int passwd(struct db_tx *tx, void *arg, struct err *e)
{
    const struct user *u = arg;
    return staff_password(tx, u->login, u->password, (struct actor){0}, u->now,
                          e);
}

static int add(struct db_tx *tx, void *arg, struct err *e)
{
    const struct user *u = arg;
    const char *name = args_text(u->args, "name");
    const char *role = args_text(u->args, "role");
    struct staff_login who = {
        .login = u->login,
        .name = name ? str_from(name) : u->login,
        .role = role ? str_from(role) : STR("agent"),
    };
    return staff_add(tx, &who, u->password, (struct actor){0}, u->now, e);
}

static void put_json(struct buf *b, const struct staff_login *s)
{
    buf_puts(b, "{\"login\":");
    json_put_text(b, s->login);
    buf_puts(b, ",\"name\":");
    json_put_text(b, s->name);
    buf_puts(b, ",\"role\":");
    json_put_text(b, s->role);
    buf_printf(b, ",\"is_active\":%s,\"has_password\":%s}",
               s->is_active ? "true" : "false",
               s->has_password ? "true" : "false");
}

static void put_line(struct buf *b, const struct staff_login *s)
{
    buf_printf(b, "%-12.*s %-8.*s %s  " STR_FMT "\n", STR_ARG(s->login),
               STR_ARG(s->role),
               s->has_password ? "may sign in" : "no password",
               STR_ARG(s->name));
}

static int list(struct db_tx *tx, void *arg, struct err *e)
{
    const struct user *u = arg;
    bool json = cli_json(u->args);
    struct arena *a = arena_new();
    struct staff_login *staff;
    size_t n;
    int r = staff_list(tx, a, &staff, &n, e);
    buf_puts(u->out, json ? "[" : "");
    for (size_t i = 0; !r && i < n; i++) {
        buf_puts(u->out, json && i ? "," : "");
        if (json)
            put_json(u->out, &staff[i]);
        else
            put_line(u->out, &staff[i]);
    }
    buf_puts(u->out, json ? "]\n" : "");
    arena_free(a);
    return r;
}

/* `add` and `passwd` want a password, which only comes on standard input. */
static int with_password(const struct args *a, db_fn *fn)
{
    struct err e = {0};
    char password[LINE_BYTES] = "";
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    int r = read_password(&e, password);
    if (r)
        return cli_fail(r, &e);
    struct user u = {
        .args = a,
        .login = str_from(a->words[0]),
        .password = str_from(password),
        .now = clock_wall(&clock_real),
        .out = &out,
    };
    return cli_on_records(a, true, fn, &u, &out);
}

static int run_add(void *ctx, const struct args *a)
{
    (void)ctx;
    return with_password(a, add);
}

static int run_passwd(void *ctx, const struct args *a)
{
    (void)ctx;
    return with_password(a, passwd);
}

static int run_list(void *ctx, const struct args *a)
{
    (void)ctx;
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    struct user u = {.args = a, .out = &out};
    return cli_on_records(a, false, list, &u, &out);
}

static const struct arg_option add_options[] = {
    {'n', "name", "NAME", "how people see it (default: the login)"},
    {'r', "role", "admin|agent|viewer", "what may be done (default agent)"},
    {0},
};

const struct arg_command cmd_user_add = {
    .name = "user add",
    .words = "LOGIN",
    .min_words = 1,
    .max_words = 1,
    .summary = "Add a member of staff; the password comes on standard input",
    .about = "",
    .options = add_options,
    .run = run_add,
};

const struct arg_command cmd_user_list = {
    .name = "user list",
    .words = "",
    .summary = "List the staff",
    .about = "",
    .run = run_list,
};

const struct arg_command cmd_user_passwd = {
    .name = "user passwd",
    .words = "LOGIN",
    .min_words = 1,
    .max_words = 1,
    .summary = "Set a password, from standard input; ends the sessions",
    .about = "",
    .run = run_passwd,
};

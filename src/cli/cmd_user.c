/* SPDX-License-Identifier: Apache-2.0 */
/* otklik user add|list|passwd */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/rand.h"
#include "cli/cli.h"
#include "db/db.h"
#include "desk/access.h"
#include "desk/audit.h"
#include "desk/catalog.h"
#include "desk/desk.h"

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
    struct user *u = arg;
    int r = password_set(tx, u->login, u->password, u->now, e);
    if (!r)
        r = db_exec(tx, e,
                    "DELETE FROM sessions WHERE person_id = (SELECT person_id "
                    "FROM staff WHERE login = ?1)",
                    "s", u->login);
    return r;
}

static int add(struct db_tx *tx, void *arg, struct err *e)
{
    struct user *u = arg;
    const char *name = args_text(u->args, "name");
    const char *role = args_text(u->args, "role");
    int64_t person;
    int r = db_insert(tx, &person, e,
                      "INSERT INTO people (name, created_at, updated_at) "
                      "VALUES (?1, ?2, ?2)",
                      "si", name ? str_from(name) : u->login, u->now);
    if (!r)
        r = db_exec(tx, e,
                    "INSERT INTO staff (person_id, login, password_hash, "
                    "role) VALUES (?1, ?2, '', ?3)",
                    "ist", person, u->login, role ? role : "agent");
    if (r == OTK_ECONFLICT)
        return err_set(e, r, "login '" STR_FMT "' exists already",
                       STR_ARG(u->login));
    if (!r)
        r = passwd(tx, u, e);
    if (!r)
        r = audit_add(tx, (struct actor){0}, "staff.add", "staff", STR(""),
                      u->now, e);
    return r ? r : catalog_touch(tx, e);
}

static int list(struct db_tx *tx, void *arg, struct err *e)
{
    struct user *u = arg;
    struct db_rows *rows;
    bool json = cli_json(u->args);
    int r = db_query(tx, &rows, e,
                     "SELECT s.login, p.name, s.role, s.is_active, "
                     "s.password_hash <> '' FROM staff s JOIN people p ON p.id "
                     "= s.person_id ORDER BY s.login",
                     "");
    if (r)
        return r;
    buf_puts(u->out, json ? "[" : "");
    for (int i = 0; (r = db_next(rows, e)) > 0; i++) {
        if (!json) {
            buf_printf(u->out, "%-12.*s %-8.*s %s  " STR_FMT "\n",
                       STR_ARG(db_text(rows, 0)), STR_ARG(db_text(rows, 2)),
                       db_int(rows, 4) ? "may sign in" : "no password",
                       STR_ARG(db_text(rows, 1)));
            continue;
        }
        buf_puts(u->out, i ? ",{\"login\":" : "{\"login\":");
        json_put_text(u->out, db_text(rows, 0));
        buf_puts(u->out, ",\"name\":");
        json_put_text(u->out, db_text(rows, 1));
        buf_puts(u->out, ",\"role\":");
        json_put_text(u->out, db_text(rows, 2));
        buf_printf(u->out, ",\"is_active\":%s,\"has_password\":%s}",
                   db_int(rows, 3) ? "true" : "false",
                   db_int(rows, 4) ? "true" : "false");
    }
    buf_puts(u->out, json ? "]\n" : "");
    db_rows_free(rows);
    return r;
}

static int with_desk(const struct args *a, db_fn *fn, bool writes,
                     bool wants_password)
{
    struct err e = {0};
    struct desk *d = NULL;
    char password[LINE_BYTES] = "";
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    struct desk_options o = {.folder = cli_folder(a), .records_only = true};
    int r = desk_open(&o, &d, &e);
    if (!r && wants_password)
        r = read_password(&e, password);
    struct user u = {
        .args = a,
        .login = str_from(a->n_words ? a->words[0] : ""),
        .password = str_from(password),
        .now = clock_wall(&clock_real),
        .out = &out,
    };
    if (!r && writes)
        r = db_write(desk_db(d), 0, fn, &u, &e);
    else if (!r)
        r = db_read(desk_db(d), 0, fn, &u, &e);
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
    return with_desk(a, add, true, true);
}

static int run_passwd(void *ctx, const struct args *a)
{
    (void)ctx;
    return with_desk(a, passwd, true, true);
}

static int run_list(void *ctx, const struct args *a)
{
    (void)ctx;
    return with_desk(a, list, false, false);
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

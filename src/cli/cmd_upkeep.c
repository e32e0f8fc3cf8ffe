/* SPDX-License-Identifier: Apache-2.0 */
/* otklik version, config show|check, doctor, backup */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/cli.h"
#include "db/db.h"
#include "desk/audit.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "knowledge/knowledge.h"
#include "triage/triage.h"

enum { OUTPUT_BYTES = 1 << 20, PATH_BYTES = 4096 };

static int run_version(void *ctx, const struct args *a)
{
    (void)ctx;
    (void)printf(cli_json(a) ? "{\"version\":\"%s\"}\n" : "otklik %s\n",
                 OTK_VERSION);
    return EXIT_OK;
}

/* ---- settings
 * ------------------------------------------------------------------------ */

static int run_config(const struct args *a, bool show)
{
    struct err e = {0};
    struct settings s;
    struct conf c;
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    int r =
        settings_load(cli_folder(a), a->settings, a->n_settings, &s, &c, &e);
    if (r)
        return cli_fail(r, &e);
    if (show && cli_json(a))
        conf_print_json(&c, &out);
    else if (show)
        conf_print(&c, &out);
    else
        buf_puts(&out, cli_json(a) ? "{\"ok\":true}\n" : "ok\n");
    conf_free(&c);
    return cli_print(&out);
}

static int run_config_show(void *ctx, const struct args *a)
{
    (void)ctx;
    return run_config(a, true);
}

static int run_config_check(void *ctx, const struct args *a)
{
    (void)ctx;
    return run_config(a, false);
}

/* ---- doctor
 * ----------------------------------------------------------------------------
 */

struct doctor {
    struct buf *out;
    bool json;
    int wrong, n;
};

static void say(struct doctor *x, bool ok, const char *what, const char *how)
{
    x->wrong += !ok;
    if (!x->json) {
        buf_printf(x->out, "%s %s%s%s\n", ok ? "ok   " : "WRONG", what,
                   how[0] ? ": " : "", how);
        return;
    }
    buf_printf(x->out, "%s{\"ok\":%s,\"what\":", x->n++ ? "," : "",
               ok ? "true" : "false");
    json_put_text(x->out, str_from(what));
    buf_puts(x->out, ",\"text\":");
    json_put_text(x->out, str_from(how));
    buf_putc(x->out, '}');
}

static int verify_audit(struct db_tx *tx, void *arg, struct err *e)
{
    return audit_verify(tx, arg, e);
}

static void examine(struct doctor *x, struct desk *d)
{
    struct err e = {0};
    char text[200];
    int64_t rows = 0;
    say(x, db_verify(desk_db(d), &e) == 0, "the store is sound", e.msg);
    e = (struct err){0};
    int r = db_read(desk_db(d), 0, verify_audit, &rows, &e);
    (void)snprintf(text, sizeof(text), "%lld rows", (long long)rows);
    say(x, r == 0, "the audit chain is whole", r ? e.msg : text);
    struct triage_model *m = desk_model(d);
    say(x, m != NULL, "a model is there",
        m ? triage_info(m)->version
          : "make one: otklik train FILE (or: otklik init)");
    triage_unref(m);
    struct knowledge_index *k = desk_knowledge(d);
    (void)snprintf(text, sizeof(text), "%zu published",
                   k ? knowledge_index_len(k) : 0);
    say(x, k && knowledge_index_len(k), "there are articles",
        k && knowledge_index_len(k) ? text : "import some: otklik kb import");
    knowledge_index_unref(k);
    struct catalog *c = desk_catalog(d);
    (void)snprintf(text, sizeof(text), "%zu", c->n_staff);
    say(x, c->n_staff > 0, "there is staff",
        c->n_staff ? text : "add somebody: otklik user add");
    catalog_unref(c);
    struct statvfs disk;
    bool known = statvfs(desk_folder(d), &disk) == 0;
    double free_gb =
        known ? (double)disk.f_bavail * (double)disk.f_frsize / 1e9 : 0;
    (void)snprintf(text, sizeof(text), "%.1f GB free", free_gb);
    say(x, free_gb >= 1, "the disk has room", text);
}

static int run_doctor(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    struct desk *d = NULL;
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    struct doctor x = {.out = &out, .json = cli_json(a)};
    struct desk_options o = {.folder = cli_folder(a)};
    buf_puts(&out, x.json ? "[" : "");
    int r = desk_open(&o, &d, &e);
    say(&x, r == 0, "the desk opens", r ? e.msg : desk_folder(d));
    if (!r)
        examine(&x, d);
    buf_puts(&out, x.json ? "]\n" : "");
    desk_close(d);
    int code = cli_print(&out);
    return code == EXIT_OK && x.wrong ? EXIT_FOUND_WRONG : code;
}

/* ---- backup
 * ------------------------------------------------------------------------------
 */

static int run_backup(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    struct desk *d = NULL;
    char folder[PATH_BYTES];
    char path[PATH_BYTES + 64];
    char when[TIME_TEXT];
    struct desk_options o = {.folder = cli_folder(a)};
    int r = desk_open(&o, &d, &e);
    if (r)
        return cli_fail(r, &e);
    time_print(clock_wall(&clock_real), when);
    (void)snprintf(folder, sizeof(folder), "%s/backups", desk_folder(d));
    if (a->n_words)
        (void)snprintf(path, sizeof(path), "%s", a->words[0]);
    else
        (void)snprintf(path, sizeof(path), "%s/otklik-%s.db", folder, when);
    if (a->n_words == 0)
        r = file_make_dir(folder, &e);
    if (!r)
        r = db_backup(desk_db(d), path, &e);
    desk_close(d);
    if (r)
        return cli_fail(r, &e);
    (void)printf(cli_json(a) ? "{\"path\":\"%s\"}\n" : "%s\n", path);
    return EXIT_OK;
}

const struct arg_command cmd_version = {
    .name = "version",
    .words = "",
    .summary = "Print the version",
    .about = "",
    .run = run_version,
};
const struct arg_command cmd_config_show = {
    .name = "config show",
    .words = "",
    .takes_settings = true,
    .summary = "Print all settings as they hold now",
    .about = "",
    .run = run_config_show,
};
const struct arg_command cmd_config_check = {
    .name = "config check",
    .words = "",
    .takes_settings = true,
    .summary = "Check otklik.yaml, the environment and overrides",
    .about = "",
    .run = run_config_check,
};
const struct arg_command cmd_doctor = {
    .name = "doctor",
    .words = "",
    .summary = "Check what a start needs, and say how to mend it",
    .about = "",
    .run = run_doctor,
};
const struct arg_command cmd_backup = {
    .name = "backup",
    .words = "[FILE]",
    .max_words = 1,
    .summary = "Copy the store while the desk runs",
    .about = "Without FILE the copy goes into the desk's folder backups/.\n",
    .run = run_backup,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* otklik backup: a copy of the whole desk while it runs. */
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/cli.h"
#include "desk/backup.h"
#include "desk/desk.h"

enum { PATH_BYTES = 4096, OUTPUT_BYTES = 16384 };

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    struct desk *d = NULL;
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    char folder[PATH_BYTES];
    char path[PATH_BYTES + 64];
    char when[TIME_TEXT];
    struct desk_options o = {.folder = cli_folder(a), .records_only = true};
    int r = desk_open(&o, &d, &e);
    if (r)
        return cli_fail(r, &e);
    time_print(clock_wall(&clock_real), when);
    (void)snprintf(folder, sizeof(folder), "%s/backups", desk_folder(d));
    if (a->n_words)
        (void)snprintf(path, sizeof(path), "%s", a->words[0]);
    else
        (void)snprintf(path, sizeof(path), "%s/otklik-%s", folder, when);
    if (a->n_words == 0)
        r = file_make_dir(folder, &e);
    if (!r)
        r = backup_make(d, path, &e);
    desk_close(d);
    if (r)
        return cli_fail(r, &e);
    if (cli_json(a)) {
        buf_puts(&out, "{\"path\":");
        json_put_text(&out, str_from(path));
        buf_puts(&out, "}\n");
    } else {
        buf_printf(&out, "%s\n", path);
    }
    return cli_print(&out);
}

const struct arg_command cmd_backup = {
    .name = "backup",
    .words = "[FOLDER]",
    .max_words = 1,
    .summary = "Copy the whole desk while it runs",
    .about = "The copy is a folder with the store, settings, models and "
             "attachments. Without FOLDER\nit goes into the desk's folder "
             "backups/. Take it back with `otklik restore`.\n",
    .run = run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* otklik restore: a backup takes the place of the desk. */
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "cli/cli.h"
#include "desk/backup.h"

enum { OUTPUT_BYTES = 16384 };

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    const char *folder = cli_folder(a);
    int r = backup_restore(folder, a->words[0], args_has(a, "force"), &e);
    if (r)
        return cli_fail(r, &e);
    if (cli_json(a)) {
        buf_puts(&out, "{\"desk\":");
        json_put_text(&out, str_from(folder));
        buf_puts(&out, "}\n");
    } else {
        buf_printf(&out, "%s is restored from %s\n", folder, a->words[0]);
    }
    return cli_print(&out);
}

static const struct arg_option options[] = {
    {0, "force", NULL, "put it in the place of a desk; the old one is kept"},
    {0},
};

const struct arg_command cmd_restore = {
    .name = "restore",
    .words = "BACKUP",
    .min_words = 1,
    .max_words = 1,
    .summary = "Put a backup in the place of the desk",
    .about = "BACKUP is a folder of `otklik backup`, or a lone otklik.db as "
             "upgrades leave them in\nbackups/. Stop the desk first. Store "
             "and models that were there are kept beside.\n",
    .options = options,
    .run = run,
};

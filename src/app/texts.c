/* SPDX-License-Identifier: Apache-2.0 */
/* otklik install-texts: completion and man pages, made from the tables. */
#include <stdio.h>
#include <string.h>

#include "app/modules.h"
#include "base/buf.h"
#include "base/file.h"
#include "cli/cli.h"

enum { PATH_BYTES = 4096, TEXT_BYTES = 1 << 20 };

static int write_text(const char *top, const char *folder, const char *name,
                      struct buf *text, struct err *e)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/%s", top, folder);
    int r = file_make_dir(path, e);
    (void)snprintf(path, sizeof(path), "%s/%s/%s", top, folder, name);
    if (!r)
        r = file_write(path, buf_str(text), 0644, e);
    buf_free(text);
    return r;
}

static int write_page(const char *top, const struct arg_command *c,
                      struct err *e)
{
    struct buf b = BUF_INIT(TEXT_BYTES);
    char name[128];
    (void)snprintf(name, sizeof(name), "otklik%s%s.1", c ? "-" : "",
                   c ? c->name : "");
    for (char *s = name; *s; s++)
        *s = *s == ' ' ? '-' : *s;
    args_man(&program, c, &b);
    return write_text(top, "man/man1", name, &b, e);
}

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    const char *top = a->words[0];
    struct buf bash = BUF_INIT(TEXT_BYTES);
    struct buf zsh = BUF_INIT(TEXT_BYTES);
    (void)args_completion(&program, "bash", &bash);
    (void)args_completion(&program, "zsh", &zsh);
    int r = write_text(top, "bash-completion/completions", "otklik", &bash, &e);
    if (!r)
        r = write_text(top, "zsh/site-functions", "_otklik", &zsh, &e);
    if (!r)
        r = write_page(top, NULL, &e);
    for (const struct arg_command *c = program.commands; !r && c->name; c++)
        r = write_page(top, c, &e);
    return r ? cli_fail(r, &e) : EXIT_OK;
}

const struct arg_command cmd_install_texts = {
    .name = "install-texts",
    .words = "FOLDER",
    .min_words = 1,
    .max_words = 1,
    .summary = "Write shell completion and man pages below FOLDER",
    .about = "",
    .run = run,
};

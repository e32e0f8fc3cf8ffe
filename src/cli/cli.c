/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "desk/desk.h"

const struct arg_option cli_common[] = {
    {'d', "desk", "FOLDER", "the desk's folder ($OTKLIK_DESK, or here)"},
    {'j', "json", NULL, "print JSON"},
    {0},
};

int cli_fail(int code, const struct err *e)
{
    (void)fprintf(stderr, "otklik: %s%s%s\n", e->field, e->field[0] ? ": " : "",
                  e->msg[0] ? e->msg : err_name(code));
    switch (code) {
    case OTK_EFORMAT:
    case OTK_ELIMIT: return EXIT_BAD_INPUT;
    case OTK_ENOENT: return EXIT_NOT_FOUND;
    case OTK_EAGAIN:
    case OTK_EUNSURE: return EXIT_TRY_LATER;
    case OTK_EINVAL: return EXIT_WRONG_USAGE;
    default: return EXIT_FAILED;
    }
}

int cli_print(struct buf *b)
{
    int r = EXIT_OK;
    if (buf_check(b)) {
        (void)fputs("otklik: the output is too long\n", stderr);
        r = EXIT_FAILED;
    } else if (fwrite(b->ptr, 1, b->len, stdout) != b->len ||
               fflush(stdout) == EOF) {
        perror("otklik: standard output");
        r = EXIT_FAILED;
    }
    buf_free(b);
    return r;
}

bool cli_json(const struct args *a)
{
    return args_has(a, "json");
}

const char *cli_folder(const struct args *a)
{
    const char *folder = args_text(a, "desk");
    if (!folder)
        folder = getenv("OTKLIK_DESK");
    return folder && folder[0] ? folder : ".";
}

int cli_on_records(const struct args *a, bool writes, db_fn *fn, void *arg,
                   struct buf *out)
{
    struct err e = {0};
    struct desk *d = NULL;
    struct desk_options o = {.folder = cli_folder(a), .records_only = true};
    int r = desk_open(&o, &d, &e);
    if (!r && writes)
        r = db_write(desk_db(d), 0, fn, arg, &e);
    else if (!r)
        r = db_read(desk_db(d), 0, fn, arg, &e);
    desk_close(d);
    if (r) {
        buf_free(out);
        return cli_fail(r, &e);
    }
    return cli_print(out);
}

/* Columns that a line has for a bar behind so many others. */
static int bar_width(int others)
{
    enum { COLUMNS = 80, LEAST = 5, MOST = 30 };
    struct winsize w = {0};
    int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0
                      ? w.ws_col
                      : COLUMNS;
    int left = columns - others - 1; /* in the last one a line would wrap */
    return left < LEAST ? LEAST : left > MOST ? MOST : left;
}

void cli_progress(void *ctx, const char *what, double share)
{
    (void)ctx;
    if (!isatty(STDERR_FILENO))
        return;
    char head[200];
    int n = snprintf(head, sizeof(head), "%-12s [", what);
    int width = bar_width(n + (int)sizeof("] 100 %") - 1);
    int done = (int)(share * width);
    (void)fprintf(stderr, "\r%s", head);
    for (int i = 0; i < width; i++)
        (void)fputc(i < done ? '#' : ' ', stderr);
    /* what a longer line left behind is wiped out */
    (void)fprintf(stderr, "] %3.0f %%\033[K%s", 100 * share,
                  share >= 1 ? "\n" : "");
    (void)fflush(stderr);
}

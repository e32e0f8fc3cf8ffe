/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "app/modules.h"
#include "base/buf.h"
#include "cli/cli.h"

enum { HELP_BYTES = 1 << 20 };

static int print_help(const struct args_program *p, const struct args *a)
{
    struct buf b = BUF_INIT(HELP_BYTES);
    if (a->command)
        args_command_help(p, a->command, &b);
    else
        args_help(p, &b);
    return cli_print(&b);
}

int main(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    (void)signal(SIGPIPE, SIG_IGN);
    if (sodium_init() < 0) {
        (void)fputs("otklik: libsodium did not start\n", stderr);
        return EXIT_FAILED;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        argv[1] = "version";
    int code = EXIT_WRONG_USAGE;
    if (args_read(&program, argc - 1, argv + 1, &a, &e))
        (void)fprintf(stderr, "otklik: %s\n", e.msg);
    else if (a.help)
        code = print_help(&program, &a);
    else
        code = a.command->run(NULL, &a);
    args_free(&a);
    return code;
}

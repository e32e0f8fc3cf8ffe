/* SPDX-License-Identifier: Apache-2.0 */
/* otklik version */
#include <stdio.h>

#include "cli/cli.h"

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    (void)printf(cli_json(a) ? "{\"version\":\"%s\"}\n" : "otklik %s\n",
                 OTK_VERSION);
    return EXIT_OK;
}

const struct arg_command cmd_version = {
    .name = "version",
    .words = "",
    .summary = "Print the version",
    .about = "",
    .run = run,
};

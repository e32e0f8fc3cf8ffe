/* SPDX-License-Identifier: Apache-2.0 */
/* otklik worker: the jobs of a desk, without pages and API. */
#include <stdio.h>

#include "app/modules.h"
#include "app/upkeep.h"
#include "base/log.h"
#include "cli/cli.h"
#include "desk/desk.h"
#include "desk/desk_jobs.h"

enum { THREADS_MAX = 64 };

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    struct desk *d = NULL;
    int64_t threads = 2;
    sigset_t ends;
    struct desk_options o = {
        .folder = cli_folder(a),
        .overrides = a->settings,
        .n_overrides = a->n_settings,
    };
    if (args_whole(a, "threads", 2, 1, THREADS_MAX, &threads, &e))
        return cli_fail(OTK_EINVAL, &e);
    upkeep_block_signals(&ends);
    int r = desk_open(&o, &d, &e);
    if (r)
        return cli_fail(r, &e);
    (void)printf("Working on %s\n", cli_folder(a));
    (void)fflush(stdout);
    r = upkeep_run(d, (int)threads, &ends, &e);
    desk_close(d);
    return r < 0 ? cli_fail(r, &e) : EXIT_OK;
}

static const struct arg_option options[] = {
    {'t', "threads", "N", "how many jobs at once (default 2)"},
    {0},
};

const struct arg_command cmd_worker = {
    .name = "worker",
    .words = "",
    .takes_settings = true,
    .summary = "Do the jobs of a desk: intake, outbox, queue, retention",
    .about = "Any number of workers may run beside `otklik serve`; start it "
             "with jobs.threads=0\nto leave all jobs to them.\n",
    .options = options,
    .run = run,
};

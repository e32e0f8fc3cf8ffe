/* SPDX-License-Identifier: Apache-2.0 */
/* otklik serve: the desk, the API and the jobs in one process. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "app/modules.h"
#include "app/upkeep.h"
#include "base/log.h"
#include "cli/cli.h"
#include "desk/desk.h"

extern const struct embed web_files[]; /* of web/dist */

static void greet(const struct desk *d, int port, bool demo)
{
    const struct settings s = desk_settings(d);
    (void)printf("Otklik is at http://%s:%d\n", s.http.address, port);
    if (demo)
        (void)printf("  ask:      http://%s:%d/\n"
                     "  desk:     http://%s:%d/desk   (admin, anna or zhenya; "
                     "password otklik-demo)\n"
                     "  API:      http://%s:%d/docs\n",
                     s.http.address, port, s.http.address, port, s.http.address,
                     port);
    (void)fflush(stdout);
}

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    struct desk *d = NULL;
    struct api *api = NULL;
    struct desk_options o = {
        .folder = cli_folder(a),
        .overrides = a->settings,
        .n_overrides = a->n_settings,
    };
    sigset_t ends;
    upkeep_block_signals(&ends);
    int r = desk_open(&o, &d, &e);
    struct api_options ao = {.desk = d, .pages = web_files};
    if (!r)
        r = api_start(&ao, &api, &e);
    if (r) {
        desk_close(d);
        return cli_fail(r, &e);
    }
    greet(d, api_port(api), args_has(a, "demo"));
    r = upkeep_run(d, (int)desk_settings(d).jobs.threads, &ends, &e);
    if (r >= 0)
        log_info("serve", "ends by %s", r == SIGINT ? "Ctrl-C" : "a signal");
    api_stop(api);
    desk_close(d);
    return r < 0 ? cli_fail(r, &e) : EXIT_OK;
}

static const struct arg_option options[] = {
    {0, "demo", NULL, "print the demo logins"},
    {0},
};

const struct arg_command cmd_serve = {
    .name = "serve",
    .words = "",
    .takes_settings = true,
    .summary = "Run the desk: pages, API, jobs",
    .about = "",
    .options = options,
    .run = run,
};

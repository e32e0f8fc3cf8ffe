/* SPDX-License-Identifier: Apache-2.0 */
/* otklik serve: the desk, the API and the jobs in one process. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "app/modules.h"
#include "app/upkeep.h"
#include "base/log.h"
#include "channel/phone.h"
#include "cli/cli.h"
#include "desk/desk.h"

extern const struct embed web_files[]; /* of web/dist */

/* The telephone, when it is wanted; NULL else. */
static int start_phone(struct desk *d, struct phone **ret, struct err *e)
{
    return desk_settings(d).phone.enabled ? phone_start(d, ret, e) : OTK_OK;
}

static void greet(const struct desk *d, int port, const struct phone *phone,
                  bool demo)
{
    const struct settings s = desk_settings(d);
    (void)printf("Otklik is at http://%s:%d\n", s.http.address, port);
    if (phone)
        (void)printf("Calls are answered at sip:%s:%d\n", s.phone.address,
                     phone_port(phone));
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
    struct phone *phone = NULL;
    struct desk_options o = {
        .folder = cli_folder(a),
        .overrides = a->settings,
        .n_overrides = a->n_settings,
    };
    sigset_t ends;
    upkeep_block_signals(&ends);
    int r = desk_open(&o, &d, &e);
    if (!r)
        r = start_phone(d, &phone, &e);
    struct api_options ao = {
        .desk = d,
        .pages = web_files,
        .more_metrics = phone ? phone_put_metrics : NULL,
        .more_metrics_arg = phone,
    };
    if (!r)
        r = api_start(&ao, &api, &e);
    if (r) {
        phone_stop(phone);
        desk_close(d);
        return cli_fail(r, &e);
    }
    greet(d, api_port(api), phone, args_has(a, "demo"));
    r = upkeep_run(d, (int)desk_settings(d).jobs.threads, &ends, &e);
    if (r >= 0)
        log_info("serve", "ends by %s", r == SIGINT ? "Ctrl-C" : "a signal");
    api_stop(api); /* first: it shows the telephone's numbers */
    phone_stop(phone);
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

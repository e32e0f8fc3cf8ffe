/* SPDX-License-Identifier: Apache-2.0 */
/* otklik config show|check */
#include "base/buf.h"
#include "cli/cli.h"
#include "desk/settings.h"

enum { OUTPUT_BYTES = 1 << 20 };

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
        conf_print_json(&c, NULL, &out);
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

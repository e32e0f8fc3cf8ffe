/* SPDX-License-Identifier: Apache-2.0 */
#include "app/modules.h"

#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"

static struct arg_command commands[48];

/* C has no way to put other files' structs into a constant table. */
__attribute__((constructor)) static void list_commands(void)
{
    const struct arg_command *const all[] = {
        &cmd_init,       &cmd_serve,         &cmd_worker,
        &cmd_doctor,     &cmd_config_show,   &cmd_config_check,
        &cmd_import,     &cmd_train,         &cmd_evaluate,
        &cmd_predict,    &cmd_kb_import,     &cmd_kb_search,
        &cmd_kb_export,  &cmd_kb_measure,    &cmd_user_add,
        &cmd_user_list,  &cmd_user_passwd,   &cmd_key_add,
        &cmd_key_list,   &cmd_key_revoke,    &cmd_backup,
        &cmd_restore,    &cmd_route_explain, &cmd_route_simulate,
        &cmd_model_new,  &cmd_model_pull,    &cmd_model_add,
        &cmd_model_list, &cmd_model_show,    &cmd_model_verify,
        &cmd_model_pack, &cmd_model_run,     &cmd_model_export,
        &cmd_transcribe, &cmd_version,       &cmd_install_texts,
    };
    size_t n = sizeof(all) / sizeof(all[0]);
    for (size_t i = 0; i < n; i++)
        memcpy(&commands[i], all[i], sizeof(commands[i]));
}

const struct args_program program = {
    .name = "otklik",
    .summary = "the AI front line of a support desk",
    .common = cli_common,
    .commands = commands,
    .footer = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 bad input,\n"
              "4 not found, 5 try again later, 6 something is to be mended.\n",
};

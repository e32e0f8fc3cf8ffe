/*
 * cli/cli.h - what commands share: where the desk is, how they speak and end
 *
 * One file a command; each exports a struct arg_command with its options.
 * Results go to stdout, everything else to stderr.
 */
#ifndef OTK_CLI_CLI_H
#define OTK_CLI_CLI_H

#include <stdbool.h>

#include "base/args.h"
#include "base/err.h"
#include "db/db.h"

struct buf;

/* Exit codes, as docs/cli.md lists them. */
enum cli_exit {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_WRONG_USAGE = 2,
    EXIT_BAD_INPUT = 3,
    EXIT_NOT_FOUND = 4,
    EXIT_TRY_LATER = 5,
    EXIT_FOUND_WRONG = 6, /* doctor, config check: there is something to mend */
};

extern const struct arg_option cli_common[];

/* Say what went wrong; the exit code for it. */
int cli_fail(int code, const struct err *e);

/* Print and empty a buffer on stdout; EXIT_OK, or EXIT_FAILED (disk full). */
int cli_print(struct buf *b);

bool cli_json(const struct args *a);

/* --desk, else $OTKLIK_DESK, else the current folder. */
const char *cli_folder(const struct args *a);

/*
 * Open the records of the desk, let `fn` read them or, with `writes`, change
 * them, and print what it put into `out`; the exit code.
 */
int cli_on_records(const struct args *a, bool writes, db_fn *fn, void *arg,
                   struct buf *out);

/* Progress on a terminal, nothing otherwise: for triage_train() and others. */
void cli_progress(void *ctx, const char *what, double share);

extern const struct arg_command cmd_train, cmd_evaluate, cmd_predict,
    cmd_version, cmd_init, cmd_doctor, cmd_config_show, cmd_config_check,
    cmd_import, cmd_kb_import, cmd_kb_search, cmd_kb_export, cmd_kb_measure,
    cmd_user_add, cmd_user_list, cmd_user_passwd, cmd_key_add, cmd_key_list,
    cmd_key_revoke, cmd_backup, cmd_restore, cmd_route_explain,
    cmd_route_simulate, cmd_model_new, cmd_model_pull, cmd_model_add,
    cmd_model_list, cmd_model_show, cmd_model_verify, cmd_model_pack,
    cmd_model_run, cmd_model_export, cmd_transcribe;

#endif

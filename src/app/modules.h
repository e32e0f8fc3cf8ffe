/* app/modules.h - every command in one list */
#ifndef OTK_APP_MODULES_H
#define OTK_APP_MODULES_H

#include "base/args.h"

extern const struct args_program program;

extern const struct arg_command cmd_serve, cmd_worker, cmd_install_texts;

#endif

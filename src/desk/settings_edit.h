/*
 * desk/settings_edit.h - changing settings of a running desk
 *
 * The values are written into otklik.yaml, where all else stays as it is,
 * comments too; the change is in the audit. Every program that serves the desk
 * takes it up (live_settings.h).
 */
#ifndef OTK_DESK_SETTINGS_EDIT_H
#define OTK_DESK_SETTINGS_EDIT_H

#include <stddef.h>

#include "base/str.h"
#include "desk/actor.h"

struct desk;
struct err;

struct settings_edit {
    struct str name, value; /* as on a command line */
};

/*
 * All of them or none. With the field: OTK_EFORMAT, OTK_ELIMIT: no such
 * setting, or it cannot have this value; OTK_EDENIED, OTK_ECONFLICT: see
 * live_settings_may_edit(); OTK_EDENIED also when the
 * file cannot be written; OTK_EAGAIN: nothing was changed.
 */
int settings_change(struct desk *d, const struct settings_edit *edits, size_t n,
                    struct actor by, struct err *e);

#endif

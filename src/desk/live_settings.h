/*
 * desk/live_settings.h - the settings of a running desk
 *
 * otklik.yaml is the one place where settings are kept; the environment and
 * the command line come after it. A running program looks at the file again
 * and takes up at once what may change at once; the rest holds until it ends
 * (enum conf_change).
 *
 * Threads: any.
 */
#ifndef OTK_DESK_LIVE_SETTINGS_H
#define OTK_DESK_LIVE_SETTINGS_H

#include "desk/settings.h"

struct buf;
struct err;
struct live_settings;

/* As settings_load(); `overrides` must stay. */
int live_settings_open(const char *folder, const char *const *overrides,
                       int n_overrides, struct live_settings **ret,
                       struct err *e);
void live_settings_free(struct live_settings *l); /* NULL is fine */

/* As they hold now. Texts in it stay until live_settings_free(). */
struct settings live_settings_get(struct live_settings *l);

/* Look whether the file is another one; cheap when not. A file that is wrong
 * changes nothing, and is complained about once. */
int live_settings_refresh(struct live_settings *l, struct err *e);

/* JSON by name: value, source, what may stand there, and what will hold after
 * the next start when that is something else. */
void live_settings_print(struct live_settings *l, struct buf *b);

/* May the file's value be changed, and would it count? With a field:
 * OTK_EFORMAT: no such setting; OTK_EDENIED: by hand only; OTK_ECONFLICT: the
 * environment or the command line says it. *ret indexes settings_table. */
int live_settings_may_edit(struct live_settings *l, struct str name,
                           size_t *ret, struct err *e);

#endif

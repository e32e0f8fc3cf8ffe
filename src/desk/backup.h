/*
 * desk/backup.h - a whole desk as a folder, and back
 *
 * A backup holds otklik.db (a consistent copy, made while the desk runs),
 * otklik.yaml, models/ and files/ (attachments; hard links where the disk
 * allows). It is made under another name and renamed at its end, so that a
 * folder of that name is a whole backup.
 */
#ifndef OTK_DESK_BACKUP_H
#define OTK_DESK_BACKUP_H

#include <stdbool.h>

struct desk;
struct err;

/* OTK_ECONFLICT: `folder` is there already. */
int backup_make(struct desk *d, const char *folder, struct err *e);

/*
 * `from`: such a folder, or a lone store file (as upgrades leave them). The
 * desk must not run. What was there is kept beside, under a name with the
 * time; OTK_ECONFLICT when there is something and `force` is not set.
 */
int backup_restore(const char *folder, const char *from, bool force,
                   struct err *e);

#endif

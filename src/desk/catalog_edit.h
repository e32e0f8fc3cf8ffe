/*
 * desk/catalog_edit.h - changing the catalog by a document
 *
 * One form for all ways in and out: what `otklik init` begins with
 * (starter/desk.yaml), what `otklik import desk.yaml` takes, what the API
 * takes and gives at /api/v1/catalog (JSON is YAML). Sections: schedules,
 * teams, skills, priorities, slas, topics, staff; each a mapping from key to
 * fields. What the document names is added or changed, what it leaves out
 * stays; `active: false` retires a topic or a member of staff. Errors name
 * the line.
 */
#ifndef OTK_DESK_CATALOG_EDIT_H
#define OTK_DESK_CATALOG_EDIT_H

#include <stdint.h>

#include "base/str.h"

struct buf;
struct db_tx;
struct err;

/* `path` is only named in errors. Inside db_write(). */
int catalog_apply(struct db_tx *tx, const char *path, struct str yaml,
                  int64_t now_ms, struct err *e);

/* The whole catalog in that form, as JSON. */
int catalog_print(struct db_tx *tx, struct buf *b, struct err *e);

#endif

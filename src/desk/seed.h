/*
 * desk/seed.h - a desk out of a file: teams, topics, SLAs, staff
 *
 * desk.yaml says what a new desk begins with; loading it again changes what
 * differs and removes nothing. Errors name the line.
 */
#ifndef OTK_DESK_SEED_H
#define OTK_DESK_SEED_H

#include <stdint.h>

#include "base/str.h"

struct db_tx;
struct err;

/* `path` is only named in errors. Inside db_write(). */
int seed_load(struct db_tx *tx, const char *path, struct str yaml,
              int64_t now_ms, struct err *e);

#endif

/* desk/loads.h - how many tickets lie on whose desk and whether some wait, out
 * of the store */
#ifndef OTK_DESK_LOADS_H
#define OTK_DESK_LOADS_H

#include "desk/routing.h"

struct arena;
struct db_tx;
struct err;

/* One entry a member of staff, in the catalog's order. */
int loads_read(struct db_tx *tx, const struct catalog *c, struct arena *a,
               struct route_load **ret, struct err *e);

/* Are there tickets of this topic in the queue? */
int loads_waiting(struct db_tx *tx, const struct catalog_topic *topic,
                  bool *ret, struct err *e);

#endif

/*
 * desk/view.h - saved views: a filter with a name
 *
 * A view is one's own or everybody's. The filter is a JSON object of query
 * parameters as the list of tickets takes them ({"state": "new,open"}).
 */
#ifndef OTK_DESK_VIEW_H
#define OTK_DESK_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

enum { VIEW_NAME_MAX = 100, VIEWS_MAX = 200 };

struct view {
    int64_t id, owner_id; /* 0: everybody's */
    struct str name, filter;
};

/* OTK_ELIMIT: the owner has too many. */
int view_add(struct db_tx *tx, const struct view *v, int64_t now_ms,
             int64_t *ret_id, struct err *e);
/* Those that `person` may see; OTK_ENOENT for another's. */
int view_get(struct db_tx *tx, int64_t id, int64_t person, struct arena *a,
             struct view *ret, struct err *e);
int view_list(struct db_tx *tx, int64_t person, struct arena *a,
              struct view **ret, size_t *ret_n, struct err *e);
int view_drop(struct db_tx *tx, int64_t id, struct err *e);

#endif

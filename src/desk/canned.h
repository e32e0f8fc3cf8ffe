/*
 * desk/canned.h - canned replies: texts that are written once
 *
 * A body may hold {{person.name}}, {{staff.name}}, {{ticket.number}},
 * {{ticket.subject}} and {{desk.name}}; canned_render() fills them. A name
 * that is not known stays as it is written, so that the writer sees it.
 */
#ifndef OTK_DESK_CANNED_H
#define OTK_DESK_CANNED_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

enum { CANNED_KEY_MAX = 100, CANNED_TITLE_MAX = 200, CANNED_BODY_MAX = 20000 };

struct canned {
    int64_t id, updated_at;
    struct str key, language, title, body;
};

/* Every field; OTK_EFORMAT or OTK_ELIMIT with its name. */
int canned_check(const struct canned *c, struct err *e);
/* Add, or change by key. */
int canned_put(struct db_tx *tx, const struct canned *c, int64_t now_ms,
               int64_t *ret_id, struct err *e);
/* By title; `language` empty: all. */
int canned_list(struct db_tx *tx, struct str language, struct arena *a,
                struct canned **ret, size_t *ret_n, struct err *e);
/* OTK_ENOENT. */
int canned_drop(struct db_tx *tx, int64_t id, struct err *e);

struct canned_values {
    struct str person, staff, number, subject, desk;
};
struct str canned_render(struct arena *a, struct str body,
                         const struct canned_values *v);

#endif

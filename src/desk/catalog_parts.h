/*
 * desk/catalog_parts.h - the parts of catalog editing, for each other
 *
 * catalog_document.c reads a document's nodes; catalog_schedule.c and
 * catalog_staff.c store the two sections that are more than one table;
 * catalog_edit.c stores the others and puts all together.
 */
#ifndef OTK_DESK_CATALOG_PARTS_H
#define OTK_DESK_CATALOG_PARTS_H

#include <stdint.h>
#include <yaml.h>

#include "base/str.h"

struct arena;
struct db_tx;
struct err;

/* A document on its way into the tables. */
struct edit {
    struct db_tx *tx;
    const char *path;
    yaml_document_t doc;
    struct arena *arena;
    int64_t now;
    struct err *e;
};

/* "seed.yaml:7: name must be one text"; returns OTK_EFORMAT. */
int edit_fail(struct edit *s, const yaml_node_t *at, const char *field,
              const char *what);

/* The text of a node; empty when it is none. */
struct str edit_scalar(const yaml_node_t *n);
/* A value of a mapping, or NULL; its text. */
yaml_node_t *edit_child(struct edit *s, const yaml_node_t *map,
                        const char *key);
struct str edit_text(struct edit *s, const yaml_node_t *map, const char *key);
/* The mapping `key` of an entry; *ret is NULL when it is not said. */
int edit_part(struct edit *s, const yaml_node_t *v, const char *key,
              const yaml_node_t **ret);
/* `active`: 1 when it is not said. */
int edit_active(struct edit *s, const yaml_node_t *map, int64_t *ret);

/* Refuse a field that is a slip of the pen; `names` ends with NULL. */
int edit_known(struct edit *s, const yaml_node_t *map,
               const char *const *names);

/* Every entry of the mapping `name` of the document. */
typedef int each_fn(struct edit *s, struct str key, const yaml_node_t *value);
int edit_each(struct edit *s, const yaml_node_t *root, const char *name,
              each_fn *fn);

/* The id of a "team", "topic", "skill", "sla", "schedule" or "priority" by its
 * key, 0 when `key` is empty. */
int edit_id(struct edit *s, const char *what, struct str key,
            const yaml_node_t *at, int64_t *ret);

/* One entry of the section. */
each_fn edit_schedule, edit_staff;

#endif

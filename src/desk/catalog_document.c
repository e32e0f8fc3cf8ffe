/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "db/db.h"
#include "desk/catalog_parts.h"

enum { TEXT_MAX = 200 };

int edit_fail(struct edit *s, const yaml_node_t *at, const char *field,
              const char *what)
{
    char text[TEXT_MAX];
    (void)snprintf(text, sizeof(text), "%s %s", field, what);
    (void)err_set(s->e, OTK_EFORMAT, "%s", text);
    return err_place(s->e, OTK_EFORMAT, "%s:%zu", s->path,
                     at ? at->start_mark.line + 1 : 1);
}

struct str edit_scalar(const yaml_node_t *n)
{
    if (!n || n->type != YAML_SCALAR_NODE)
        return (struct str){0};
    return (struct str){(const char *)n->data.scalar.value,
                        n->data.scalar.length};
}

yaml_node_t *edit_child(struct edit *s, const yaml_node_t *map, const char *key)
{
    if (!map || map->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         p < map->data.mapping.pairs.top; p++) {
        if (str_is(edit_scalar(yaml_document_get_node(&s->doc, p->key)), key))
            return yaml_document_get_node(&s->doc, p->value);
    }
    return NULL;
}

int edit_part(struct edit *s, const yaml_node_t *v, const char *key,
              const yaml_node_t **ret)
{
    const yaml_node_t *n = edit_child(s, v, key);
    *ret = n && n->type == YAML_MAPPING_NODE ? n : NULL;
    bool empty = n && n->type == YAML_SCALAR_NODE && edit_scalar(n).n == 0;
    return !n || *ret || empty ? OTK_OK
                               : edit_fail(s, n, key, "must be a mapping");
}

struct str edit_text(struct edit *s, const yaml_node_t *map, const char *key)
{
    return edit_scalar(edit_child(s, map, key));
}

/* Is a field one text? The shape of the others is looked at by who reads it. */
static bool is_text(const char *field)
{
    static const char *const others[] = {
        "schedules", "teams", "skills",   "priorities", "slas",    "topics",
        "staff",     "hours", "holidays", "workdays",   "targets", "absences"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(field, others[i]) == 0)
            return false;
    }
    return true;
}

int edit_known(struct edit *s, const yaml_node_t *map, const char *const *names)
{
    if (!map || map->type != YAML_MAPPING_NODE)
        return edit_fail(s, map, "an entry", "must be a mapping");
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         p < map->data.mapping.pairs.top; p++) {
        const yaml_node_t *at = yaml_document_get_node(&s->doc, p->key);
        const yaml_node_t *value = yaml_document_get_node(&s->doc, p->value);
        const char *const *n = names;
        while (*n && !str_is(edit_scalar(at), *n))
            n++;
        if (*n && value->type != YAML_SCALAR_NODE && is_text(*n))
            return edit_fail(s, at, *n, "must be one text");
        if (!*n) {
            char name[TEXT_MAX / 2];
            (void)snprintf(name, sizeof(name), "'" STR_FMT "'",
                           STR_ARG(edit_scalar(at)));
            return edit_fail(s, at, "there is no field", name);
        }
    }
    return OTK_OK;
}

int edit_active(struct edit *s, const yaml_node_t *map, int64_t *ret)
{
    struct str t = edit_text(s, map, "active");
    *ret = !str_is(t, "false");
    return t.n && !str_is(t, "true") && !str_is(t, "false")
               ? edit_fail(s, map, "active", "is true or false")
               : OTK_OK;
}

int edit_each(struct edit *s, const yaml_node_t *root, const char *name,
              each_fn *fn)
{
    const yaml_node_t *map = edit_child(s, root, name);
    if (!map)
        return OTK_OK;
    if (map->type != YAML_MAPPING_NODE)
        return edit_fail(s, map, name, "must be a mapping");
    int r = OTK_OK;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         !r && p < map->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(&s->doc, p->key);
        r = fn(s, edit_scalar(key), yaml_document_get_node(&s->doc, p->value));
    }
    return r;
}

int edit_id(struct edit *s, const char *what, struct str key,
            const yaml_node_t *at, int64_t *ret)
{
    static const struct {
        const char *what, *sql;
    } rows[] = {
        {"team", "SELECT id FROM teams WHERE key = ?1"},
        {"topic", "SELECT id FROM topics WHERE key = ?1"},
        {"skill", "SELECT id FROM skills WHERE key = ?1"},
        {"sla", "SELECT id FROM slas WHERE name = ?1"},
        {"schedule", "SELECT id FROM schedules WHERE name = ?1"},
        {"priority", "SELECT id FROM priorities WHERE key = ?1"},
    };
    size_t i = 0;
    *ret = 0;
    if (key.n == 0)
        return OTK_OK;
    while (strcmp(rows[i].what, what) != 0)
        i++;
    int r = db_int_of(s->tx, ret, s->e, rows[i].sql, "s", key);
    return r == OTK_ENOENT ? edit_fail(s, at, "there is no such", what) : r;
}

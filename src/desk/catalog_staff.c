/* SPDX-License-Identifier: Apache-2.0 */
/* Staff: who they are, what they can do, when they are away. */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/catalog_parts.h"

enum { OPEN_MAX = 1000 };

static int find_person(struct edit *s, struct str login, struct str name,
                       int64_t *ret)
{
    int r =
        db_int_of(s->tx, ret, s->e,
                  "SELECT person_id FROM staff WHERE login = ?1", "s", login);
    if (r != OTK_ENOENT)
        return r;
    return db_insert(s->tx, ret, s->e,
                     "INSERT INTO people (name, created_at, updated_at) VALUES "
                     "(?1, ?2, ?2)",
                     "si", name, s->now);
}

static int load_levels(struct edit *s, int64_t person, const yaml_node_t *v)
{
    const yaml_node_t *map;
    int r = edit_part(s, v, "skills", &map);
    if (r || !map)
        return r;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         !r && p < map->data.mapping.pairs.top; p++) {
        const yaml_node_t *value = yaml_document_get_node(&s->doc, p->value);
        int64_t skill, level;
        r = edit_id(s, "skill",
                    edit_scalar(yaml_document_get_node(&s->doc, p->key)), value,
                    &skill);
        if (!r && (str_to_int(edit_scalar(value), &level) || level < 0 ||
                   level > LEVEL_MAX))
            return edit_fail(s, value, "a level",
                             "is 1 to 5, or 0 to take it away");
        if (!r && level == 0)
            r = db_exec(s->tx, s->e,
                        "DELETE FROM staff_skills WHERE person_id = ?1 AND "
                        "skill_id = ?2",
                        "ii", person, skill);
        else if (!r)
            r = db_exec(s->tx, s->e,
                        "INSERT INTO staff_skills (person_id, skill_id, "
                        "level) VALUES (?1, ?2, ?3) ON CONFLICT (person_id, "
                        "skill_id) DO UPDATE SET level = excluded.level",
                        "iii", person, skill, level);
    }
    return r;
}

/* "2026-01-31" is its first moment, in UTC. */
static int read_moment(struct edit *s, const yaml_node_t *map, const char *key,
                       int64_t *ret)
{
    enum { DAY_TEXT = 10 };
    struct str t = edit_text(s, map, key);
    char whole[TIME_TEXT + 8];
    if (t.n == DAY_TEXT) {
        (void)snprintf(whole, sizeof(whole), STR_FMT "T00:00:00Z", STR_ARG(t));
        t = str_from(whole);
    }
    return time_parse(t, ret)
               ? edit_fail(s, map, key, "must read 2026-01-31 or RFC 3339")
               : OTK_OK;
}

/* The list takes the place of what was there. */
static int load_absences(struct edit *s, int64_t person, yaml_node_t *list)
{
    static const char *const fields[] = {"from", "to", "reason", NULL};
    if (!list)
        return OTK_OK;
    if (list->type != YAML_SEQUENCE_NODE)
        return edit_fail(s, list, "absences", "is a list");
    int r = db_exec(s->tx, s->e, "DELETE FROM absences WHERE person_id = ?1",
                    "i", person);
    for (const yaml_node_item_t *i = list->data.sequence.items.start;
         !r && i < list->data.sequence.items.top; i++) {
        const yaml_node_t *v = yaml_document_get_node(&s->doc, *i);
        int64_t from = 0;
        int64_t to = 0;
        r = edit_known(s, v, fields);
        if (!r)
            r = read_moment(s, v, "from", &from);
        if (!r)
            r = read_moment(s, v, "to", &to);
        if (!r && to <= from)
            r = edit_fail(s, v, "an absence", "ends after it begins");
        if (!r)
            r = db_exec(s->tx, s->e,
                        "INSERT INTO absences (person_id, from_at, to_at, "
                        "reason) VALUES (?1, ?2, ?3, ?4)",
                        "iiis", person, from, to, edit_text(s, v, "reason"));
    }
    return r;
}

static int check_staff(struct edit *s, const yaml_node_t *v)
{
    static const char *const fields[] = {
        "name",     "role",   "team",     "schedule", "languages",
        "max_open", "skills", "absences", "active",   NULL};
    struct str role = edit_text(s, v, "role");
    struct str limit = edit_text(s, v, "max_open");
    int64_t max_open = 0;
    int r = edit_known(s, v, fields);
    if (!r && edit_text(s, v, "name").n == 0)
        r = edit_fail(s, v, "a member of staff", "wants a name");
    if (!r && role.n && !str_is(role, "admin") && !str_is(role, "agent") &&
        !str_is(role, "viewer"))
        r = edit_fail(s, v, "role", "is admin, agent or viewer");
    if (!r && limit.n &&
        (str_to_int(limit, &max_open) || max_open < 0 || max_open > OPEN_MAX))
        r = edit_fail(s, v, "max_open", "is 0 to 1000");
    return r;
}

int edit_staff(struct edit *s, struct str login, const yaml_node_t *v)
{
    struct str role = edit_text(s, v, "role");
    struct str name = edit_text(s, v, "name");
    int64_t max_open = 10;
    int64_t team, schedule;
    int64_t person = 0;
    int64_t active = 1;
    int r = check_staff(s, v);
    if (!r)
        r = edit_active(s, v, &active);
    (void)str_to_int(edit_text(s, v, "max_open"), &max_open);
    if (!r)
        r = edit_id(s, "team", edit_text(s, v, "team"), v, &team);
    if (!r)
        r = edit_id(s, "schedule", edit_text(s, v, "schedule"), v, &schedule);
    if (!r)
        r = find_person(s, login, name, &person);
    if (!r)
        r = db_exec(s->tx, s->e, "UPDATE people SET name = ?2 WHERE id = ?1",
                    "is", person, name);
    if (!r)
        r = db_exec(s->tx, s->e,
                    "INSERT INTO staff (person_id, login, password_hash, role, "
                    "team_id, schedule_id, languages, max_open, is_active) "
                    "VALUES (?1, ?2, '', ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT "
                    "(login) DO UPDATE SET role = excluded.role, team_id = "
                    "excluded.team_id, schedule_id = excluded.schedule_id, "
                    "languages = excluded.languages, max_open = "
                    "excluded.max_open, is_active = excluded.is_active",
                    "issIIsii", person, login, role.n ? role : STR("agent"),
                    db_or_null(&team), db_or_null(&schedule),
                    edit_text(s, v, "languages"), max_open, active);
    if (!r)
        r = load_levels(s, person, v);
    return r ? r : load_absences(s, person, edit_child(s, v, "absences"));
}
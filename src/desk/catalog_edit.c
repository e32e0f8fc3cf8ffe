/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/catalog_edit.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/schedule.h"
#include "text/unicode.h"

enum {
    FILE_MAX = 1 << 20,
    TEXT_MAX = 200,
    SCALAR_MAX = 400, /* bytes of a name, a key, a list of hours */
    OPEN_MAX = 1000,
    MINUTES_MAX = 1000000, /* of a promise: two years */
};

struct edit {
    struct db_tx *tx;
    const char *path;
    yaml_document_t doc;
    struct arena *arena;
    int64_t now;
    struct err *e;
};

static int fail(struct edit *s, const yaml_node_t *at, const char *fmt,
                const char *what)
{
    char text[TEXT_MAX];
    (void)snprintf(text, sizeof(text), "%s %s", fmt, what);
    (void)err_set(s->e, OTK_EFORMAT, "%s", text);
    return err_place(s->e, OTK_EFORMAT, "%s:%zu", s->path,
                     at ? at->start_mark.line + 1 : 1);
}

static struct str scalar(const yaml_node_t *n)
{
    if (!n || n->type != YAML_SCALAR_NODE)
        return (struct str){0};
    return (struct str){(const char *)n->data.scalar.value,
                        n->data.scalar.length};
}

static yaml_node_t *child(struct edit *s, const yaml_node_t *map,
                          const char *key)
{
    if (!map || map->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         p < map->data.mapping.pairs.top; p++) {
        if (str_is(scalar(yaml_document_get_node(&s->doc, p->key)), key))
            return yaml_document_get_node(&s->doc, p->value);
    }
    return NULL;
}

/* The mapping `key` of an entry; *ret is NULL when it is not said. */
static int part_of(struct edit *s, const yaml_node_t *v, const char *key,
                   const yaml_node_t **ret)
{
    const yaml_node_t *n = child(s, v, key);
    *ret = n && n->type == YAML_MAPPING_NODE ? n : NULL;
    bool empty = n && n->type == YAML_SCALAR_NODE && scalar(n).n == 0;
    return !n || *ret || empty ? OTK_OK : fail(s, n, key, "must be a mapping");
}

static struct str text_of(struct edit *s, const yaml_node_t *map,
                          const char *key)
{
    return scalar(child(s, map, key));
}

/* "30m", "4h", "2d" or minutes; -1: not said, -2: nonsense. */
static int minutes_of(struct str t)
{
    int64_t n;
    if (t.n == 0)
        return -1;
    int by = 1;
    char last = t.p[t.n - 1];
    if (last == 'h')
        by = 60;
    else if (last == 'd')
        by = 24 * 60;
    if (last == 'm' || by > 1)
        t = str_sub(t, 0, t.n - 1);
    return str_to_int(t, &n) || n < 0 || n > MINUTES_MAX / by ? -2
                                                              : (int)n * by;
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

/* Refuse a field that is a slip of the pen; `names` ends with NULL. */
static int known(struct edit *s, const yaml_node_t *map,
                 const char *const *names)
{
    if (!map || map->type != YAML_MAPPING_NODE)
        return fail(s, map, "an entry", "must be a mapping");
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         p < map->data.mapping.pairs.top; p++) {
        const yaml_node_t *at = yaml_document_get_node(&s->doc, p->key);
        const yaml_node_t *value = yaml_document_get_node(&s->doc, p->value);
        const char *const *n = names;
        while (*n && !str_is(scalar(at), *n))
            n++;
        if (*n && value->type != YAML_SCALAR_NODE && is_text(*n))
            return fail(s, at, *n, "must be one text");
        if (!*n) {
            char name[TEXT_MAX / 2];
            (void)snprintf(name, sizeof(name), "'" STR_FMT "'",
                           STR_ARG(scalar(at)));
            return fail(s, at, "there is no field", name);
        }
    }
    return OTK_OK;
}

/* `active`: true when it is not said. */
static int read_active(struct edit *s, const yaml_node_t *map, int64_t *ret)
{
    struct str t = text_of(s, map, "active");
    *ret = !str_is(t, "false");
    return t.n && !str_is(t, "true") && !str_is(t, "false")
               ? fail(s, map, "active", "is true or false")
               : OTK_OK;
}

typedef int each_fn(struct edit *s, struct str key, const yaml_node_t *value);

/* Every entry of the mapping `name` of the document. */
static int each(struct edit *s, const yaml_node_t *root, const char *name,
                each_fn *fn)
{
    const yaml_node_t *map = child(s, root, name);
    if (!map)
        return OTK_OK;
    if (map->type != YAML_MAPPING_NODE)
        return fail(s, map, name, "must be a mapping");
    int r = OTK_OK;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         !r && p < map->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(&s->doc, p->key);
        r = fn(s, scalar(key), yaml_document_get_node(&s->doc, p->value));
    }
    return r;
}

/* The id of a row by key, 0 when `key` is empty. */
static int id_of(struct edit *s, const char *sql, struct str key,
                 const yaml_node_t *at, const char *what, int64_t *ret)
{
    *ret = 0;
    if (key.n == 0)
        return OTK_OK;
    int r = db_int_of(s->tx, ret, s->e, sql, "s", key);
    return r == OTK_ENOENT ? fail(s, at, "there is no such", what) : r;
}

static const char team_id[] = "SELECT id FROM teams WHERE key = ?1";
static const char topic_id[] = "SELECT id FROM topics WHERE key = ?1";
static const char skill_id[] = "SELECT id FROM skills WHERE key = ?1";
static const char sla_id[] = "SELECT id FROM slas WHERE name = ?1";
static const char schedule_id[] = "SELECT id FROM schedules WHERE name = ?1";
static const char priority_id[] = "SELECT id FROM priorities WHERE key = ?1";

/* ---- schedules
 * ------------------------------------------------------------------- */

/* "09:30" in minutes; -1: nonsense. */
static int clock_minutes(struct str t)
{
    int64_t h, m;
    if (t.n != 5 || t.p[2] != ':' || str_to_int(str_sub(t, 0, 2), &h) ||
        str_to_int(str_sub(t, 3, 2), &m) || h < 0 || h > 24 || m < 0 ||
        m > 59 || h * 60 + m > 24 * 60)
        return -1;
    return (int)(h * 60 + m);
}

/* The hours of a week, checked as whoever loads them will. */
static int read_days(struct edit *s, const yaml_node_t *v,
                     const yaml_node_t *hours, struct schedule_hours *ret,
                     size_t *ret_n)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu",
                                        "fri", "sat", "sun", NULL};
    struct schedule *whole = NULL;
    int r = hours ? known(s, hours, names) : OTK_OK;
    for (int d = 0; !r && d < 7; d++) {
        struct str spans = text_of(s, hours, names[d]);
        struct str one;
        while (str_next(&spans, ',', &one)) {
            one = str_trim(one);
            size_t dash = str_find(one, '-');
            int from = clock_minutes(str_sub(one, 0, dash));
            int to = clock_minutes(str_sub(one, dash + 1, one.n));
            if (from < 0 || to <= from)
                return fail(s, hours, names[d], "must read 09:00-18:00");
            if (*ret_n == SCHEDULE_HOURS_MAX)
                return fail(s, hours, "hours", "are too many");
            ret[(*ret_n)++] = (struct schedule_hours){d, from, to};
        }
    }
    if (r)
        return r;
    r = schedule_new(text_of(s, v, "time_zone"), ret, *ret_n, NULL, 0, &whole,
                     s->e);
    if (r)
        return err_place(s->e, r, "%s:%zu", s->path, v->start_mark.line + 1);
    schedule_free(whole);
    return OTK_OK;
}

static int put_days(struct edit *s, int64_t id, const struct schedule_hours *h,
                    size_t n)
{
    int r =
        db_exec(s->tx, s->e,
                "DELETE FROM schedule_hours WHERE schedule_id = ?1", "i", id);
    for (size_t i = 0; !r && i < n; i++)
        r = db_exec(s->tx, s->e,
                    "INSERT INTO schedule_hours (schedule_id, weekday, "
                    "from_minute, to_minute) VALUES (?1, ?2, ?3, ?4)",
                    "iiii", id, (int64_t)h[i].weekday, (int64_t)h[i].from,
                    (int64_t)h[i].to);
    return r;
}

/* Days off (`field` "holidays"), or worked out of turn ("workdays"). */
static int load_exceptions(struct edit *s, int64_t id, const yaml_node_t *v,
                           const char *field)
{
    const yaml_node_t *map;
    int64_t n = 0;
    int64_t is_open = strcmp(field, "workdays") == 0;
    int r = part_of(s, v, field, &map);
    if (r || !map)
        return r;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         !r && p < map->data.mapping.pairs.top; p++) {
        const yaml_node_t *at = yaml_document_get_node(&s->doc, p->key);
        struct date day;
        if (!date_parse(scalar(at), &day))
            return fail(s, at, field, "must read {2026-01-31: name}");
        r = db_exec(s->tx, s->e,
                    "INSERT INTO holidays (schedule_id, day, name, is_open) "
                    "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (schedule_id, day) DO "
                    "UPDATE SET name = excluded.name, is_open = "
                    "excluded.is_open",
                    "issi", id, scalar(at),
                    scalar(yaml_document_get_node(&s->doc, p->value)), is_open);
    }
    if (!r)
        r = db_int_of(s->tx, &n, s->e,
                      "SELECT COUNT(*) FROM holidays WHERE schedule_id = ?1",
                      "i", id);
    return !r && n > SCHEDULE_DAYS_MAX ? fail(s, map, field, "are too many")
                                       : r;
}

static int load_schedule(struct edit *s, struct str key, const yaml_node_t *v)
{
    static const char *const fields[] = {"time_zone", "hours", "holidays",
                                         "workdays", NULL};
    struct schedule_hours hours[SCHEDULE_HOURS_MAX];
    const yaml_node_t *week = NULL;
    size_t n = 0;
    int64_t id;
    int r = known(s, v, fields);
    if (!r)
        r = part_of(s, v, "hours", &week);
    if (r)
        return r;
    r = read_days(s, v, week, hours, &n);
    if (r)
        return r;
    r = db_int_of(s->tx, &id, s->e,
                  "INSERT INTO schedules (name, time_zone) VALUES (?1, ?2) ON "
                  "CONFLICT (name) DO UPDATE SET time_zone = "
                  "excluded.time_zone RETURNING id",
                  "ss", key, text_of(s, v, "time_zone"));
    if (!r)
        r = put_days(s, id, hours, n);
    if (!r)
        r = load_exceptions(s, id, v, "holidays");
    return r ? r : load_exceptions(s, id, v, "workdays");
}

/* ---- the rest, table by table
 * ------------------------------------------------------ */

static int load_team(struct edit *s, struct str key, const yaml_node_t *v)
{
    static const char *const fields[] = {"name", "schedule", NULL};
    int64_t schedule;
    int r = known(s, v, fields);
    if (!r)
        r = id_of(s, schedule_id, text_of(s, v, "schedule"), v, "schedule",
                  &schedule);
    if (r)
        return r;
    return db_exec(s->tx, s->e,
                   "INSERT INTO teams (key, name, schedule_id) VALUES (?1, "
                   "?2, ?3) ON CONFLICT (key) DO UPDATE SET name = "
                   "excluded.name, schedule_id = excluded.schedule_id",
                   "ssI", key, text_of(s, v, "name"), db_or_null(&schedule));
}

static int load_skill(struct edit *s, struct str key, const yaml_node_t *v)
{
    return db_exec(s->tx, s->e,
                   "INSERT INTO skills (key, name) VALUES (?1, ?2) ON "
                   "CONFLICT (key) DO UPDATE SET name = excluded.name",
                   "ss", key, scalar(v));
}

/* {"ru":"…","en":"…"} out of the node's name_ru, name_en. */
static struct str names_json(struct edit *s, const yaml_node_t *v)
{
    static const char *const languages[] = {"ru", "en"};
    struct buf b = BUF_INIT(2000);
    buf_putc(&b, '{');
    for (size_t i = 0; i < 2; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "name_%s", languages[i]);
        struct str name = text_of(s, v, key);
        if (name.n == 0)
            continue;
        buf_printf(&b, "%s\"%s\":", b.len > 1 ? "," : "", languages[i]);
        json_put_text(&b, name);
    }
    buf_putc(&b, '}');
    struct str kept = arena_str(s->arena, buf_str(&b));
    buf_free(&b);
    return kept;
}

static int load_priority(struct edit *s, struct str key, const yaml_node_t *v)
{
    static const char *const fields[] = {"name_ru", "name_en", "rank",
                                         "min_level", NULL};
    int64_t rank, level;
    int r = known(s, v, fields);
    if (r)
        return r;
    if (str_to_int(text_of(s, v, "rank"), &rank) ||
        str_to_int(text_of(s, v, "min_level"), &level) || level < 1 ||
        level > LEVEL_MAX)
        return fail(s, v, "a priority", "wants rank and min_level (1-5)");
    return db_exec(s->tx, s->e,
                   "INSERT INTO priorities (key, name, names_json, rank, "
                   "min_level) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (key) "
                   "DO UPDATE SET name = excluded.name, names_json = "
                   "excluded.names_json, rank = excluded.rank, min_level = "
                   "excluded.min_level",
                   "sssii", key, text_of(s, v, "name_en"), names_json(s, v),
                   rank, level);
}

static int load_target(struct edit *s, int64_t sla, struct str priority,
                       const yaml_node_t *v)
{
    static const char *const names[] = {"first", "next", "solution", NULL};
    int64_t id = 0;
    int64_t m[3];
    int r = known(s, v, names);
    if (!r)
        r = id_of(s, priority_id, priority, v, "priority", &id);
    for (int i = 0; !r && i < 3; i++) {
        m[i] = minutes_of(text_of(s, v, names[i]));
        if (m[i] == -2)
            return fail(s, v, names[i], "must read 30m, 4h or 2d");
    }
    if (r)
        return r;
    return db_exec(s->tx, s->e,
                   "INSERT INTO sla_targets (sla_id, priority_id, "
                   "first_minutes, next_minutes, solution_minutes) VALUES "
                   "(?1, ?2, ?3, ?4, ?5) ON CONFLICT (sla_id, priority_id) DO "
                   "UPDATE SET first_minutes = excluded.first_minutes, "
                   "next_minutes = excluded.next_minutes, solution_minutes = "
                   "excluded.solution_minutes",
                   "iiIII", sla, id, m[0] < 0 ? NULL : &m[0],
                   m[1] < 0 ? NULL : &m[1], m[2] < 0 ? NULL : &m[2]);
}

static int load_sla(struct edit *s, struct str key, const yaml_node_t *v)
{
    static const char *const fields[] = {"schedule", "targets", NULL};
    int64_t schedule, id;
    int r = known(s, v, fields);
    if (!r)
        r = id_of(s, schedule_id, text_of(s, v, "schedule"), v, "schedule",
                  &schedule);
    if (!r)
        r = db_int_of(s->tx, &id, s->e,
                      "INSERT INTO slas (name, schedule_id) VALUES (?1, ?2) "
                      "ON CONFLICT (name) DO UPDATE SET schedule_id = "
                      "excluded.schedule_id RETURNING id",
                      "sI", key, db_or_null(&schedule));
    const yaml_node_t *map = NULL;
    if (!r)
        r = part_of(s, v, "targets", &map);
    if (r || !map)
        return r;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         !r && p < map->data.mapping.pairs.top; p++)
        r = load_target(s, id, scalar(yaml_document_get_node(&s->doc, p->key)),
                        yaml_document_get_node(&s->doc, p->value));
    return r;
}

static int load_topic(struct edit *s, struct str key, const yaml_node_t *v)
{
    static const char *const fields[] = {"name_ru", "name_en", "parent", "team",
                                         "skill",   "sla",     "active", NULL};
    int64_t team, skill, sla;
    int64_t active = 1;
    int r = known(s, v, fields);
    if (!r)
        r = read_active(s, v, &active);
    if (!r)
        r = id_of(s, team_id, text_of(s, v, "team"), v, "team", &team);
    if (!r)
        r = id_of(s, skill_id, text_of(s, v, "skill"), v, "skill", &skill);
    if (!r)
        r = id_of(s, sla_id, text_of(s, v, "sla"), v, "sla", &sla);
    if (r)
        return r;
    return db_exec(
        s->tx, s->e,
        "INSERT INTO topics (key, name, names_json, team_id, skill_id, sla_id, "
        "is_active) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key) DO "
        "UPDATE SET name = excluded.name, names_json = excluded.names_json, "
        "team_id = excluded.team_id, skill_id = excluded.skill_id, sla_id = "
        "excluded.sla_id, is_active = excluded.is_active",
        "sssIIIi", key, text_of(s, v, "name_en"), names_json(s, v),
        db_or_null(&team), db_or_null(&skill), db_or_null(&sla), active);
}

/* When all topics are there: a parent may stand below its children. */
static int load_parent(struct edit *s, struct str key, const yaml_node_t *v)
{
    int64_t parent;
    int r = id_of(s, topic_id, text_of(s, v, "parent"), v, "topic", &parent);
    return r ? r
             : db_exec(s->tx, s->e,
                       "UPDATE topics SET parent_id = ?2 WHERE key = ?1", "sI",
                       key, db_or_null(&parent));
}

/* ---- staff
 * ------------------------------------------------------------------------------
 */

static int find_person(struct edit *s, struct str login, struct str name,
                       int64_t *ret)
{
    int r =
        db_int_of(s->tx, ret, s->e,
                  "SELECT person_id FROM staff WHERE login = ?1", "s", login);
    if (r != OTK_ENOENT)
        return r;
    return db_int_of(s->tx, ret, s->e,
                     "INSERT INTO people (name, created_at, updated_at) VALUES "
                     "(?1, ?2, ?2) RETURNING id",
                     "si", name, s->now);
}

static int load_levels(struct edit *s, int64_t person, const yaml_node_t *v)
{
    const yaml_node_t *map;
    int r = part_of(s, v, "skills", &map);
    if (r || !map)
        return r;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         !r && p < map->data.mapping.pairs.top; p++) {
        const yaml_node_t *value = yaml_document_get_node(&s->doc, p->value);
        int64_t skill, level;
        r = id_of(s, skill_id, scalar(yaml_document_get_node(&s->doc, p->key)),
                  value, "skill", &skill);
        if (!r && (str_to_int(scalar(value), &level) || level < 0 ||
                   level > LEVEL_MAX))
            return fail(s, value, "a level", "is 1 to 5, or 0 to take it away");
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
    struct str t = text_of(s, map, key);
    char whole[TIME_TEXT + 8];
    if (t.n == DAY_TEXT) {
        (void)snprintf(whole, sizeof(whole), STR_FMT "T00:00:00Z", STR_ARG(t));
        t = str_from(whole);
    }
    return time_parse(t, ret)
               ? fail(s, map, key, "must read 2026-01-31 or RFC 3339")
               : OTK_OK;
}

/* The list takes the place of what was there. */
static int load_absences(struct edit *s, int64_t person, yaml_node_t *list)
{
    static const char *const fields[] = {"from", "to", "reason", NULL};
    if (!list)
        return OTK_OK;
    if (list->type != YAML_SEQUENCE_NODE)
        return fail(s, list, "absences", "is a list");
    int r = db_exec(s->tx, s->e, "DELETE FROM absences WHERE person_id = ?1",
                    "i", person);
    for (const yaml_node_item_t *i = list->data.sequence.items.start;
         !r && i < list->data.sequence.items.top; i++) {
        const yaml_node_t *v = yaml_document_get_node(&s->doc, *i);
        int64_t from = 0;
        int64_t to = 0;
        r = known(s, v, fields);
        if (!r)
            r = read_moment(s, v, "from", &from);
        if (!r)
            r = read_moment(s, v, "to", &to);
        if (!r && to <= from)
            r = fail(s, v, "an absence", "ends after it begins");
        if (!r)
            r = db_exec(s->tx, s->e,
                        "INSERT INTO absences (person_id, from_at, to_at, "
                        "reason) VALUES (?1, ?2, ?3, ?4)",
                        "iiis", person, from, to, text_of(s, v, "reason"));
    }
    return r;
}

static int check_staff(struct edit *s, const yaml_node_t *v)
{
    static const char *const fields[] = {
        "name",     "role",   "team",     "schedule", "languages",
        "max_open", "skills", "absences", "active",   NULL};
    struct str role = text_of(s, v, "role");
    struct str limit = text_of(s, v, "max_open");
    int64_t max_open = 0;
    int r = known(s, v, fields);
    if (!r && text_of(s, v, "name").n == 0)
        r = fail(s, v, "a member of staff", "wants a name");
    if (!r && role.n && !str_is(role, "admin") && !str_is(role, "agent") &&
        !str_is(role, "viewer"))
        r = fail(s, v, "role", "is admin, agent or viewer");
    if (!r && limit.n &&
        (str_to_int(limit, &max_open) || max_open < 0 || max_open > OPEN_MAX))
        r = fail(s, v, "max_open", "is 0 to 1000");
    return r;
}

static int load_staff(struct edit *s, struct str login, const yaml_node_t *v)
{
    struct str role = text_of(s, v, "role");
    struct str name = text_of(s, v, "name");
    int64_t max_open = 10;
    int64_t team, schedule;
    int64_t person = 0;
    int64_t active = 1;
    int r = check_staff(s, v);
    if (!r)
        r = read_active(s, v, &active);
    (void)str_to_int(text_of(s, v, "max_open"), &max_open);
    if (!r)
        r = id_of(s, team_id, text_of(s, v, "team"), v, "team", &team);
    if (!r)
        r = id_of(s, schedule_id, text_of(s, v, "schedule"), v, "schedule",
                  &schedule);
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
                    text_of(s, v, "languages"), max_open, active);
    if (!r)
        r = load_levels(s, person, v);
    return r ? r : load_absences(s, person, child(s, v, "absences"));
}

/* YAML reads these as line ends, or not at all: what is printed would not be
 * what was taken. */
static bool is_odd(uint32_t cp)
{
    return (cp >= 0x80 && cp < 0xa0) || cp == 0x2028 || cp == 0x2029 ||
           cp == 0xfeff || cp == 0xfffe || cp == 0xffff;
}

static int check_text(struct edit *s, const yaml_node_t *at)
{
    struct str t = scalar(at);
    int r = text_check(t, "text", 0, SCALAR_MAX, s->e);
    if (r) /* also too long: the document is wrong, not too large */
        return err_place(s->e, OTK_EFORMAT, "%s:%zu", s->path,
                         at->start_mark.line + 1);
    for (size_t i = 0; i < t.n;) {
        uint32_t cp = 0;
        i += utf8_decode(str_sub(t, i, UTF8_MAX), &cp);
        if (is_odd(cp)) {
            char name[16];
            (void)snprintf(name, sizeof(name), "U+%04X", cp);
            return fail(s, at, "a text has the control character", name);
        }
    }
    return OTK_OK;
}

static int check_texts(struct edit *s)
{
    int r = OTK_OK;
    for (const yaml_node_t *n = s->doc.nodes.start; !r && n < s->doc.nodes.top;
         n++)
        r = check_text(s, n);
    return r;
}

/* What was written must be what a desk can work with. */
static int check_whole(struct edit *s)
{
    struct catalog *c = NULL;
    int r = catalog_load(s->tx, &c, s->e);
    catalog_unref(c);
    return r ? err_place(s->e, r, "%s", s->path) : OTK_OK;
}

int catalog_apply(struct db_tx *tx, const char *path, struct str yaml,
                  int64_t now_ms, struct err *e)
{
    static const struct {
        const char *name;
        each_fn *fn;
    } parts[] = {
        {"schedules", load_schedule}, {"teams", load_team},
        {"skills", load_skill},       {"priorities", load_priority},
        {"slas", load_sla},           {"topics", load_topic},
        {"topics", load_parent},      {"staff", load_staff},
    };
    yaml_parser_t parser;
    struct err none = {0};
    struct edit s = {.tx = tx, .path = path, .now = now_ms, .e = e ? e : &none};
    if (yaml.n > FILE_MAX)
        return err_set(e, OTK_ELIMIT, "%s is too long", path);
    if (!yaml_parser_initialize(&parser))
        bug("libyaml could not start");
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml.p,
                                 yaml.n);
    if (!yaml_parser_load(&parser, &s.doc)) {
        int r = err_set(e, OTK_EFORMAT, "%s:%zu: %s", path,
                        parser.problem_mark.line + 1,
                        parser.problem ? parser.problem : "not YAML");
        yaml_parser_delete(&parser);
        return r;
    }
    static const char *const sections[] = {"schedules",  "teams", "skills",
                                           "priorities", "slas",  "topics",
                                           "staff",      NULL};
    s.arena = arena_new();
    const yaml_node_t *root = yaml_document_get_root_node(&s.doc);
    int r = root ? known(&s, root, sections)
                 : err_set(s.e, OTK_EFORMAT, "%s: nothing is in it", path);
    if (!r)
        r = check_texts(&s);
    for (size_t i = 0; !r && i < sizeof(parts) / sizeof(parts[0]); i++)
        r = each(&s, root, parts[i].name, parts[i].fn);
    if (!r)
        r = check_whole(&s);
    if (!r)
        r = catalog_touch(tx, e);
    arena_free(s.arena);
    yaml_document_delete(&s.doc);
    yaml_parser_delete(&parser);
    return r;
}

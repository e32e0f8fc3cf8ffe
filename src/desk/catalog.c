/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/catalog.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "db/db.h"
#include "desk/schedule.h"

struct owned {              /* what users of the snapshot do not see */
    struct catalog catalog; /* first */
    _Atomic int references;
    struct arena *arena;
};

static struct owned *owned_of(struct catalog *c)
{
    return (struct owned *)c;
}

int catalog_generation(struct db_tx *tx, int64_t *ret, struct err *e)
{
    *ret = 0;
    int r = db_int_of(tx, ret, e,
                      "SELECT CAST(value AS BIGINT) FROM settings WHERE key = "
                      "'catalog.generation'",
                      "");
    return r == OTK_ENOENT ? OTK_OK : r;
}

int catalog_touch(struct db_tx *tx, struct err *e)
{
    return db_exec(tx, e,
                   "INSERT INTO settings (key, value) VALUES "
                   "('catalog.generation', '1') ON CONFLICT (key) DO UPDATE "
                   "SET value = CAST(CAST(settings.value AS BIGINT) + 1 AS "
                   "TEXT)",
                   "");
}

/* ---- reading tables
 * -------------------------------------------------------------- */

/* Room for the rows of a query: counted first, in the same snapshot. */
static int open_table(struct db_tx *tx, struct arena *a, const char *count,
                      const char *select, size_t size, void **ret,
                      struct db_rows **ret_rows, struct err *e)
{
    int64_t n = 0;
    int r = db_int_of(tx, &n, e, count, "");
    if (r)
        return r;
    *ret = arena_alloc(a, (size_t)n + 1, size);
    return db_query(tx, ret_rows, e, select, "");
}

#define OPEN(tx, a, table, columns, order, ret, rows, e)                       \
    open_table(tx, a, "SELECT COUNT(*) FROM " table,                           \
               "SELECT " columns " FROM " table " ORDER BY " order,            \
               sizeof(**(ret)), (void **)(ret), rows, e)

/* One more than fits is read, so that schedule_new() refuses too many. */
static int read_hours(struct db_tx *tx, int64_t id, struct schedule_hours *ret,
                      size_t *ret_n, struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT weekday, from_minute, to_minute FROM "
                     "schedule_hours WHERE schedule_id = ?1 LIMIT ?2",
                     "ii", id, (int64_t)SCHEDULE_HOURS_MAX + 1);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        ret[(*ret_n)++] = (struct schedule_hours){
            (int)db_int(rows, 0), (int)db_int(rows, 1), (int)db_int(rows, 2)};
    db_rows_free(rows);
    return r;
}

static int read_days(struct db_tx *tx, int64_t id, struct schedule_day *ret,
                     size_t *ret_n, struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT day, is_open FROM holidays WHERE schedule_id = ?1 "
                     "LIMIT ?2",
                     "ii", id, (int64_t)SCHEDULE_DAYS_MAX + 1);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        ret[*ret_n].is_open = db_int(rows, 1) != 0;
        *ret_n += date_parse(db_text(rows, 0), &ret[*ret_n].date);
    }
    db_rows_free(rows);
    return r;
}

static int load_hours(struct db_tx *tx, int64_t id, struct str zone,
                      struct schedule **ret, struct err *e)
{
    struct schedule_hours *hours =
        mem_new(SCHEDULE_HOURS_MAX + 1, sizeof(*hours));
    struct schedule_day *days = mem_new(SCHEDULE_DAYS_MAX + 1, sizeof(*days));
    size_t n_hours = 0;
    size_t n_days = 0;
    int r = read_hours(tx, id, hours, &n_hours, e);
    if (!r)
        r = read_days(tx, id, days, &n_days, e);
    if (!r)
        r = schedule_new(zone, hours, n_hours, days, n_days, ret, e);
    free(hours);
    free(days);
    return r;
}

static int load_schedules(struct db_tx *tx, struct owned *o, struct err *e)
{
    struct catalog *c = &o->catalog;
    struct db_rows *rows;
    int r = OPEN(tx, o->arena, "schedules", "id, name, time_zone", "id",
                 &c->schedules, &rows, e);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        struct catalog_schedule *s = &c->schedules[c->n_schedules];
        s->id = db_int(rows, 0);
        s->name = arena_str(o->arena, db_text(rows, 1));
        r = load_hours(tx, s->id, db_text(rows, 2), &s->hours, e);
        if (r)
            break;
        c->n_schedules++;
    }
    db_rows_free(rows);
    return r;
}

static const struct schedule *hours_of(const struct catalog *c, int64_t id)
{
    for (size_t i = 0; i < c->n_schedules; i++) {
        if (c->schedules[i].id == id)
            return c->schedules[i].hours;
    }
    return NULL;
}

/* {"ru": "…", "en": "…"}; what is no such object names nothing. */
static struct catalog_names read_names(struct arena *a, struct str json)
{
    enum { NAMES_BYTES = 4096 };
    json_t *object;
    if (json_read(json, NAMES_BYTES, &object, NULL))
        return (struct catalog_names){0};
    struct catalog_label *items =
        ARENA_ARRAY(a, struct catalog_label, json_object_size(object) + 1);
    size_t n = 0;
    const char *language;
    json_t *text;
    json_object_foreach(object, language, text)
    {
        if (!json_is_string(text))
            continue;
        items[n++] = (struct catalog_label){
            .language = arena_str(a, str_from(language)),
            .text = arena_str(a, str_from(json_string_value(text))),
        };
    }
    json_decref(object);
    return (struct catalog_names){items, n};
}

static int load_teams(struct db_tx *tx, struct owned *o, struct err *e)
{
    struct catalog *c = &o->catalog;
    struct db_rows *rows;
    int r =
        OPEN(tx, o->arena, "teams", "id, key, name, names_json, schedule_id",
             "id", &c->teams, &rows, e);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        c->teams[c->n_teams++] = (struct catalog_team){
            .id = db_int(rows, 0),
            .key = arena_str(o->arena, db_text(rows, 1)),
            .name = arena_str(o->arena, db_text(rows, 2)),
            .names = read_names(o->arena, db_text(rows, 3)),
            .hours = hours_of(c, db_int(rows, 4)),
        };
    db_rows_free(rows);
    return r;
}

static int load_skills(struct db_tx *tx, struct owned *o, struct err *e)
{
    struct catalog *c = &o->catalog;
    struct db_rows *rows;
    int r = OPEN(tx, o->arena, "skills", "id, key, name, names_json", "id",
                 &c->skills, &rows, e);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0 && c->n_skills < SKILLS_MAX)
        c->skills[c->n_skills++] = (struct catalog_skill){
            .id = db_int(rows, 0),
            .key = arena_str(o->arena, db_text(rows, 1)),
            .name = arena_str(o->arena, db_text(rows, 2)),
            .names = read_names(o->arena, db_text(rows, 3)),
        };
    db_rows_free(rows);
    return r < 0 ? r : OTK_OK;
}

static int load_priorities(struct db_tx *tx, struct owned *o, struct err *e)
{
    struct catalog *c = &o->catalog;
    struct db_rows *rows;
    int r = OPEN(tx, o->arena, "priorities",
                 "id, key, name, names_json, rank, min_level", "rank",
                 &c->priorities, &rows, e);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        c->priorities[c->n_priorities++] = (struct catalog_priority){
            .id = db_int(rows, 0),
            .key = arena_str(o->arena, db_text(rows, 1)),
            .name = arena_str(o->arena, db_text(rows, 2)),
            .names = read_names(o->arena, db_text(rows, 3)),
            .rank = (int)db_int(rows, 4),
            .min_level = (int)db_int(rows, 5),
        };
    db_rows_free(rows);
    return r;
}

static int minutes_or_none(struct db_rows *rows, int col)
{
    return db_is_null(rows, col) ? -1 : (int)db_int(rows, col);
}

static int load_targets(struct db_tx *tx, struct owned *o, struct err *e)
{
    struct catalog *c = &o->catalog;
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT sla_id, priority_id, first_minutes, "
                     "next_minutes, solution_minutes FROM sla_targets",
                     "");
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        for (size_t s = 0; s < c->n_slas; s++) {
            for (size_t p = 0; p < c->n_priorities; p++) {
                if (c->slas[s].id == db_int(rows, 0) &&
                    c->priorities[p].id == db_int(rows, 1))
                    c->slas[s].targets[p] = (struct sla_target){
                        minutes_or_none(rows, 2), minutes_or_none(rows, 3),
                        minutes_or_none(rows, 4)};
            }
        }
    }
    db_rows_free(rows);
    return r;
}

static int load_slas(struct db_tx *tx, struct owned *o, struct err *e)
{
    struct catalog *c = &o->catalog;
    struct db_rows *rows;
    int r =
        OPEN(tx, o->arena, "slas", "id, schedule_id", "id", &c->slas, &rows, e);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        struct catalog_sla *s = &c->slas[c->n_slas++];
        s->id = db_int(rows, 0);
        s->hours = hours_of(c, db_int(rows, 1));
        s->targets =
            ARENA_ARRAY(o->arena, struct sla_target, c->n_priorities + 1);
        for (size_t p = 0; p < c->n_priorities; p++)
            s->targets[p] = (struct sla_target){-1, -1, -1};
    }
    db_rows_free(rows);
    return r ? r : load_targets(tx, o, e);
}

/* ---- topics
 * -------------------------------------------------------------------------- */

static int skill_index(const struct catalog *c, int64_t id)
{
    for (size_t i = 0; i < c->n_skills; i++) {
        if (c->skills[i].id == id)
            return (int)i;
    }
    return -1;
}

static const struct catalog_sla *sla_of(const struct catalog *c, int64_t id)
{
    for (size_t i = 0; i < c->n_slas; i++) {
        if (c->slas[i].id == id)
            return &c->slas[i];
    }
    return NULL;
}

/* What a topic lacks it has from its ancestors; a loop in them ends. */
static void inherit(struct catalog *c, struct catalog_topic *t)
{
    const struct catalog_topic *from = t;
    t->skill = -1;
    for (size_t depth = 0; from && depth <= c->n_topics; depth++) {
        if (!t->team)
            t->team = catalog_team_id(c, from->team_id);
        if (!t->sla)
            t->sla = sla_of(c, from->sla_id);
        if (t->skill < 0)
            t->skill = skill_index(c, from->skill_id);
        from = catalog_topic_id(c, from->parent_id);
    }
}

static int load_topics(struct db_tx *tx, struct owned *o, struct err *e)
{
    struct catalog *c = &o->catalog;
    struct db_rows *rows;
    int r = OPEN(tx, o->arena, "topics",
                 "id, parent_id, team_id, skill_id, sla_id, key, name, "
                 "names_json, is_active",
                 "id", &c->topics, &rows, e);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0)
        c->topics[c->n_topics++] = (struct catalog_topic){
            .id = db_int(rows, 0),
            .parent_id = db_int(rows, 1),
            .team_id = db_int(rows, 2),
            .skill_id = db_int(rows, 3),
            .sla_id = db_int(rows, 4),
            .key = arena_str(o->arena, db_text(rows, 5)),
            .name = arena_str(o->arena, db_text(rows, 6)),
            .names = read_names(o->arena, db_text(rows, 7)),
            .is_active = db_int(rows, 8) != 0,
        };
    db_rows_free(rows);
    for (size_t i = 0; i < c->n_topics; i++)
        inherit(c, &c->topics[i]);
    return r;
}

/* ---- staff
 * ------------------------------------------------------------------------------
 */

static int by_id(const void *key, const void *staff)
{
    int64_t id = *(const int64_t *)key;
    int64_t at = ((const struct catalog_staff *)staff)->id;
    return (id > at) - (id < at);
}

/* Staff are in the order of their ids. */
static struct catalog_staff *staff_slot(const struct catalog *c, int64_t id)
{
    return bsearch(&id, c->staff, c->n_staff, sizeof(*c->staff), by_id);
}

static int load_levels(struct db_tx *tx, struct owned *o, struct err *e)
{
    struct catalog *c = &o->catalog;
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT person_id, skill_id, level FROM staff_skills", "");
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        int skill = skill_index(c, db_int(rows, 1));
        struct catalog_staff *s = staff_slot(c, db_int(rows, 0));
        if (s && skill >= 0)
            s->levels[skill] = (uint8_t)db_int(rows, 2);
    }
    db_rows_free(rows);
    return r;
}

/* Ordered, so that those of one member stand side by side. */
static int load_absences(struct db_tx *tx, struct owned *o, struct err *e)
{
    struct catalog *c = &o->catalog;
    struct absence *all;
    struct db_rows *rows;
    size_t n = 0;
    int r = OPEN(tx, o->arena, "absences", "person_id, from_at, to_at",
                 "person_id, from_at", &all, &rows, e);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        struct catalog_staff *s = staff_slot(c, db_int(rows, 0));
        if (!s)
            continue;
        all[n] = (struct absence){db_int(rows, 1), db_int(rows, 2)};
        if (s->n_absences++ == 0)
            s->absences = &all[n];
        n++;
    }
    db_rows_free(rows);
    return r;
}

static int load_staff(struct db_tx *tx, struct owned *o, struct err *e)
{
    struct catalog *c = &o->catalog;
    struct db_rows *rows;
    void *room;
    int r = open_table(tx, o->arena, "SELECT COUNT(*) FROM staff",
                       "SELECT s.person_id, p.name, s.login, s.languages, "
                       "s.team_id, s.schedule_id, s.max_open, s.is_active, "
                       "s.role FROM staff s JOIN people p ON p.id = "
                       "s.person_id ORDER BY s.person_id",
                       sizeof(*c->staff), &room, &rows, e);
    if (r)
        return r;
    c->staff = room;
    while ((r = db_next(rows, e)) > 0) {
        struct catalog_staff *s = &c->staff[c->n_staff++];
        const struct schedule *own = hours_of(c, db_int(rows, 5));
        *s = (struct catalog_staff){
            .id = db_int(rows, 0),
            .name = arena_str(o->arena, db_text(rows, 1)),
            .login = arena_str(o->arena, db_text(rows, 2)),
            .languages = arena_str(o->arena, db_text(rows, 3)),
            .team = catalog_team_id(c, db_int(rows, 4)),
            .max_open = (int)db_int(rows, 6),
            .is_active = db_int(rows, 7) != 0,
            .takes_tickets = str_is(db_text(rows, 8), "agent"),
            .levels = arena_alloc(o->arena, SKILLS_MAX, 1),
        };
        s->hours = own ? own : s->team ? s->team->hours : NULL;
    }
    db_rows_free(rows);
    if (!r)
        r = load_levels(tx, o, e);
    return r ? r : load_absences(tx, o, e);
}

/* ---- the whole
 * ----------------------------------------------------------------------------
 */

int catalog_load(struct db_tx *tx, struct catalog **ret, struct err *e)
{
    static int (*const loaders[])(struct db_tx *, struct owned *,
                                  struct err *) = {
        load_schedules, load_teams,  load_skills, load_priorities,
        load_slas,      load_topics, load_staff};
    struct owned *o = MEM_NEW(struct owned);
    o->references = 1;
    o->arena = arena_new();
    int r = catalog_generation(tx, &o->catalog.generation, e);
    for (size_t i = 0; !r && i < sizeof(loaders) / sizeof(loaders[0]); i++)
        r = loaders[i](tx, o, e);
    if (r) {
        catalog_unref(&o->catalog);
        return err_wrap(e, r, "load the catalog");
    }
    *ret = &o->catalog;
    return OTK_OK;
}

struct catalog *catalog_ref(struct catalog *c)
{
    if (c)
        atomic_fetch_add(&owned_of(c)->references, 1);
    return c;
}

void catalog_unref(struct catalog *c)
{
    if (!c || atomic_fetch_sub(&owned_of(c)->references, 1) > 1)
        return;
    for (size_t i = 0; i < c->n_schedules; i++)
        schedule_free(c->schedules[i].hours);
    arena_free(owned_of(c)->arena);
    free(owned_of(c));
}

#define FIND_BY(array, n, condition)                                           \
    for (size_t i = 0; i < (n); i++) {                                         \
        if (condition)                                                         \
            return &(array)[i];                                                \
    }                                                                          \
    return NULL

const struct catalog_topic *catalog_topic(const struct catalog *c,
                                          struct str key)
{
    FIND_BY(c->topics, c->n_topics, str_eq(c->topics[i].key, key));
}

const struct catalog_topic *catalog_topic_id(const struct catalog *c,
                                             int64_t id)
{
    FIND_BY(c->topics, c->n_topics, c->topics[i].id == id);
}

const struct catalog_priority *catalog_priority(const struct catalog *c,
                                                struct str key)
{
    FIND_BY(c->priorities, c->n_priorities, str_eq(c->priorities[i].key, key));
}

const struct catalog_priority *catalog_priority_id(const struct catalog *c,
                                                   int64_t id)
{
    FIND_BY(c->priorities, c->n_priorities, c->priorities[i].id == id);
}

const struct catalog_schedule *catalog_schedule(const struct catalog *c,
                                                struct str name)
{
    FIND_BY(c->schedules, c->n_schedules, str_eq(c->schedules[i].name, name));
}

const struct catalog_team *catalog_team(const struct catalog *c, struct str key)
{
    for (size_t i = 0; i < c->n_teams; i++) {
        if (str_eq(c->teams[i].key, key))
            return &c->teams[i];
    }
    return NULL;
}

const struct catalog_team *catalog_team_id(const struct catalog *c, int64_t id)
{
    FIND_BY(c->teams, c->n_teams, c->teams[i].id == id);
}

const struct catalog_staff *catalog_staff_id(const struct catalog *c,
                                             int64_t id)
{
    return staff_slot(c, id);
}

struct str catalog_name(struct str name, struct catalog_names names,
                        const char *language)
{
    for (size_t i = 0; i < names.n; i++) {
        if (str_is(names.items[i].language, language))
            return names.items[i].text;
    }
    return name;
}

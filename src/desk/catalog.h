/*
 * desk/catalog.h - the slow-changing part of a desk, as one snapshot
 *
 * Topics, priorities, SLAs, teams, schedules, skills and staff, loaded in one
 * read and never changed afterwards: intake and routing look things up without
 * touching the database. Counted by references; a newer one replaces it.
 */
#ifndef OTK_DESK_CATALOG_H
#define OTK_DESK_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct db_tx;
struct err;
struct schedule;

enum { SKILLS_MAX = 256, LEVEL_MAX = 5 };

struct catalog_schedule {
    int64_t id;
    struct str name;
    struct schedule *hours;
};

/* One name a language; see catalog_name(). */
struct catalog_names {
    const struct catalog_label {
        struct str language, text;
    } * items;
    size_t n;
};

struct catalog_team {
    int64_t id;
    struct str key, name;
    struct catalog_names names;
    const struct schedule *hours; /* NULL: round the clock */
};

struct sla_target {
    int first, next, solution; /* minutes; -1: no promise */
};

struct catalog_sla {
    int64_t id;
    const struct schedule *hours;
    struct sla_target *targets; /* one a priority, in their order */
};

struct catalog_priority {
    int64_t id;
    struct str key, name;
    struct catalog_names names;
    int rank, min_level;
};

struct catalog_topic {
    int64_t id, parent_id, team_id, skill_id, sla_id; /* 0: none */
    struct str key, name;
    struct catalog_names names;
    bool is_active;
    /* what holds for it, its own or an ancestor's; NULL: nothing */
    const struct catalog_team *team;
    const struct catalog_sla *sla;
    int skill; /* index, or -1 */
};

struct catalog_skill {
    int64_t id;
    struct str key, name;
    struct catalog_names names;
};

struct absence {
    int64_t from_at, to_at;
};

struct catalog_staff {
    int64_t id; /* of the person */
    struct str name, login, languages;
    const struct catalog_team *team;
    const struct schedule *hours; /* own, else the team's */
    uint8_t *levels;              /* one a skill; 0: does not have it */
    int max_open;
    bool is_active, takes_tickets;
    struct absence *absences;
    size_t n_absences;
};

struct catalog {
    struct catalog_schedule *schedules;
    struct catalog_team *teams;
    struct catalog_sla *slas;
    struct catalog_priority *priorities; /* by rank, most urgent first */
    struct catalog_topic *topics;
    struct catalog_skill *skills;
    struct catalog_staff *staff;
    size_t n_schedules, n_teams, n_slas, n_priorities, n_topics, n_skills,
        n_staff;
    int64_t generation;
};

int catalog_load(struct db_tx *tx, struct catalog **ret, struct err *e);
struct catalog *catalog_ref(struct catalog *c);
void catalog_unref(struct catalog *c); /* NULL is fine */

/* Say, inside a change of any of its tables, that snapshots are old now. */
int catalog_touch(struct db_tx *tx, struct err *e);
int catalog_generation(struct db_tx *tx, int64_t *ret, struct err *e);

/* NULL: there is none. */
const struct catalog_topic *catalog_topic(const struct catalog *c,
                                          struct str key);
const struct catalog_topic *catalog_topic_id(const struct catalog *c,
                                             int64_t id);
const struct catalog_priority *catalog_priority(const struct catalog *c,
                                                struct str key);
const struct catalog_priority *catalog_priority_id(const struct catalog *c,
                                                   int64_t id);
const struct catalog_schedule *catalog_schedule(const struct catalog *c,
                                                struct str name);
const struct catalog_team *catalog_team(const struct catalog *c,
                                        struct str key);
const struct catalog_team *catalog_team_id(const struct catalog *c, int64_t id);
const struct catalog_staff *catalog_staff_id(const struct catalog *c,
                                             int64_t id);

/* The name in a language when `names` has it, else `name`. */
struct str catalog_name(struct str name, struct catalog_names names,
                        const char *language);

#endif

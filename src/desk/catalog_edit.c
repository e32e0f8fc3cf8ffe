/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/catalog_edit.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/catalog_parts.h"
#include "text/unicode.h"

enum {
    FILE_MAX = 1 << 20,
    SCALAR_MAX = 400,      /* bytes of a name, a key, a list of hours */
    MINUTES_MAX = 1000000, /* of a promise: two years */
};

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

/* {"ru":"…","en":"…"} out of the node's name_ru, name_en. */
static struct str names_json(struct edit *s, const yaml_node_t *v)
{
    static const char *const languages[] = {"ru", "en"};
    struct buf b = BUF_INIT(2000);
    buf_putc(&b, '{');
    for (size_t i = 0; i < 2; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "name_%s", languages[i]);
        struct str name = edit_text(s, v, key);
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

/* What is said where a language has no name of its own. */
static struct str plain_name(struct edit *s, const yaml_node_t *v)
{
    static const char *const fields[] = {"name", "name_en", "name_ru"};
    struct str name = {0};
    for (size_t i = 0; name.n == 0 && i < 3; i++)
        name = edit_text(s, v, fields[i]);
    return name;
}

static int load_team(struct edit *s, struct str key, const yaml_node_t *v)
{
    static const char *const fields[] = {"name", "name_ru", "name_en",
                                         "schedule", NULL};
    int64_t schedule;
    int r = edit_known(s, v, fields);
    if (!r)
        r = edit_id(s, "schedule", edit_text(s, v, "schedule"), v, &schedule);
    if (r)
        return r;
    return db_exec(s->tx, s->e,
                   "INSERT INTO teams (key, name, names_json, schedule_id) "
                   "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) DO UPDATE SET "
                   "name = excluded.name, names_json = excluded.names_json, "
                   "schedule_id = excluded.schedule_id",
                   "sssI", key, plain_name(s, v), names_json(s, v),
                   db_or_null(&schedule));
}

/* Its name alone, or one for each language. */
static int load_skill(struct edit *s, struct str key, const yaml_node_t *v)
{
    static const char *const fields[] = {"name", "name_ru", "name_en", NULL};
    struct str name = edit_scalar(v);
    struct str names = STR("{}");
    if (v->type == YAML_MAPPING_NODE) {
        int r = edit_known(s, v, fields);
        if (r)
            return r;
        name = plain_name(s, v);
        names = names_json(s, v);
    }
    return db_exec(s->tx, s->e,
                   "INSERT INTO skills (key, name, names_json) VALUES (?1, "
                   "?2, ?3) ON CONFLICT (key) DO UPDATE SET name = "
                   "excluded.name, names_json = excluded.names_json",
                   "sss", key, name, names);
}

static int load_priority(struct edit *s, struct str key, const yaml_node_t *v)
{
    static const char *const fields[] = {"name_ru", "name_en", "rank",
                                         "min_level", NULL};
    int64_t rank, level;
    int r = edit_known(s, v, fields);
    if (r)
        return r;
    if (str_to_int(edit_text(s, v, "rank"), &rank) ||
        str_to_int(edit_text(s, v, "min_level"), &level) || level < 1 ||
        level > LEVEL_MAX)
        return edit_fail(s, v, "a priority", "wants rank and min_level (1-5)");
    return db_exec(s->tx, s->e,
                   "INSERT INTO priorities (key, name, names_json, rank, "
                   "min_level) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (key) "
                   "DO UPDATE SET name = excluded.name, names_json = "
                   "excluded.names_json, rank = excluded.rank, min_level = "
                   "excluded.min_level",
                   "sssii", key, plain_name(s, v), names_json(s, v), rank,
                   level);
}

static int load_target(struct edit *s, int64_t sla, struct str priority,
                       const yaml_node_t *v)
{
    static const char *const names[] = {"first", "next", "solution", NULL};
    int64_t id = 0;
    int64_t m[3];
    int r = edit_known(s, v, names);
    if (!r)
        r = edit_id(s, "priority", priority, v, &id);
    for (int i = 0; !r && i < 3; i++) {
        m[i] = minutes_of(edit_text(s, v, names[i]));
        if (m[i] == -2)
            return edit_fail(s, v, names[i], "must read 30m, 4h or 2d");
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
    int r = edit_known(s, v, fields);
    if (!r)
        r = edit_id(s, "schedule", edit_text(s, v, "schedule"), v, &schedule);
    if (!r)
        r = db_int_of(s->tx, &id, s->e,
                      "INSERT INTO slas (name, schedule_id) VALUES (?1, ?2) "
                      "ON CONFLICT (name) DO UPDATE SET schedule_id = "
                      "excluded.schedule_id RETURNING id",
                      "sI", key, db_or_null(&schedule));
    const yaml_node_t *map = NULL;
    if (!r)
        r = edit_part(s, v, "targets", &map);
    if (r || !map)
        return r;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         !r && p < map->data.mapping.pairs.top; p++)
        r = load_target(s, id,
                        edit_scalar(yaml_document_get_node(&s->doc, p->key)),
                        yaml_document_get_node(&s->doc, p->value));
    return r;
}

static int load_topic(struct edit *s, struct str key, const yaml_node_t *v)
{
    static const char *const fields[] = {"name_ru", "name_en", "parent", "team",
                                         "skill",   "sla",     "active", NULL};
    int64_t team, skill, sla;
    int64_t active = 1;
    int r = edit_known(s, v, fields);
    if (!r)
        r = edit_active(s, v, &active);
    if (!r)
        r = edit_id(s, "team", edit_text(s, v, "team"), v, &team);
    if (!r)
        r = edit_id(s, "skill", edit_text(s, v, "skill"), v, &skill);
    if (!r)
        r = edit_id(s, "sla", edit_text(s, v, "sla"), v, &sla);
    if (r)
        return r;
    return db_exec(
        s->tx, s->e,
        "INSERT INTO topics (key, name, names_json, team_id, skill_id, sla_id, "
        "is_active) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key) DO "
        "UPDATE SET name = excluded.name, names_json = excluded.names_json, "
        "team_id = excluded.team_id, skill_id = excluded.skill_id, sla_id = "
        "excluded.sla_id, is_active = excluded.is_active",
        "sssIIIi", key, plain_name(s, v), names_json(s, v), db_or_null(&team),
        db_or_null(&skill), db_or_null(&sla), active);
}

/* When all topics are there: a parent may stand below its children. */
static int load_parent(struct edit *s, struct str key, const yaml_node_t *v)
{
    int64_t parent;
    int r = edit_id(s, "topic", edit_text(s, v, "parent"), v, &parent);
    return r ? r
             : db_exec(s->tx, s->e,
                       "UPDATE topics SET parent_id = ?2 WHERE key = ?1", "sI",
                       key, db_or_null(&parent));
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
    struct str t = edit_scalar(at);
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
            return edit_fail(s, at, "a text has the control character", name);
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
        {"schedules", edit_schedule}, {"teams", load_team},
        {"skills", load_skill},       {"priorities", load_priority},
        {"slas", load_sla},           {"topics", load_topic},
        {"topics", load_parent},      {"staff", edit_staff},
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
    int r = root ? edit_known(&s, root, sections)
                 : err_set(s.e, OTK_EFORMAT, "%s: nothing is in it", path);
    if (!r)
        r = check_texts(&s);
    for (size_t i = 0; !r && i < sizeof(parts) / sizeof(parts[0]); i++)
        r = edit_each(&s, root, parts[i].name, parts[i].fn);
    if (!r)
        r = check_whole(&s);
    if (!r)
        r = catalog_touch(tx, e);
    arena_free(s.arena);
    yaml_document_delete(&s.doc);
    yaml_parser_delete(&parser);
    return r;
}

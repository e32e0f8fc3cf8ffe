/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog as the document that catalog_apply() takes. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "db/db.h"
#include "desk/catalog_edit.h"

struct print {
    struct db_tx *tx;
    struct buf *b;
    struct err *e;
};

static void sep(struct buf *b)
{
    char last = b->len ? b->ptr[b->len - 1] : '{';
    if (last != '{' && last != '[')
        buf_putc(b, ',');
}

static void put_name(struct buf *b, struct str name)
{
    sep(b);
    json_put_text(b, name);
    buf_putc(b, ':');
}

/* Left out when it is empty. */
static void put_text(struct buf *b, const char *name, struct str text)
{
    if (text.n == 0)
        return;
    put_name(b, str_from(name));
    json_put_text(b, text);
}

static void put_number(struct buf *b, const char *name, int64_t n)
{
    put_name(b, str_from(name));
    buf_printf(b, "%lld", (long long)n);
}

typedef int row_fn(struct print *p, const struct db_rows *rows);

/* A query with one parameter; `row` for each of its rows. */
static int rows_of(struct print *p, const char *sql, int64_t id, row_fn *row)
{
    struct db_rows *rows;
    int more;
    int r = db_query(p->tx, &rows, p->e, sql, "i", id);
    if (r)
        return r;
    while ((more = db_next(rows, p->e)) > 0 && !r)
        r = row(p, rows);
    db_rows_free(rows);
    return r ? r : more;
}

/* "name": { rows } */
static int section(struct print *p, const char *name, const char *sql,
                   int64_t id, row_fn *row)
{
    put_name(p->b, str_from(name));
    buf_putc(p->b, '{');
    int r = rows_of(p, sql, id, row);
    buf_putc(p->b, '}');
    return r;
}

/* ---- schedules
 * --------------------------------------------------------------------- */

static int put_hours(struct print *p, const struct db_rows *rows)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu",
                                       "fri", "sat", "sun"};
    struct buf *b = p->b;
    int64_t from = db_int(rows, 1);
    int64_t to = db_int(rows, 2);
    if (db_int(rows, 3)) { /* the first of its day */
        put_name(b, str_from(days[db_int(rows, 0) % 7]));
        buf_putc(b, '"');
    } else {
        b->len--; /* the quotation mark that ended the one before */
        buf_putc(b, ',');
    }
    buf_printf(b, "%02d:%02d-%02d:%02d\"", (int)(from / 60), (int)(from % 60),
               (int)(to / 60), (int)(to % 60));
    return 0;
}

static int put_holiday(struct print *p, const struct db_rows *rows)
{
    put_name(p->b, db_text(rows, 0));
    json_put_text(p->b, db_text(rows, 1));
    return 0;
}

static int put_schedule(struct print *p, const struct db_rows *rows)
{
    int64_t id = db_int(rows, 0);
    put_name(p->b, db_text(rows, 1));
    buf_putc(p->b, '{');
    put_text(p->b, "time_zone", db_text(rows, 2));
    int r = section(p, "hours",
                    "SELECT weekday, from_minute, to_minute, CASE WHEN "
                    "from_minute = (SELECT MIN(o.from_minute) FROM "
                    "schedule_hours o WHERE o.schedule_id = h.schedule_id AND "
                    "o.weekday = h.weekday) THEN 1 ELSE 0 END FROM "
                    "schedule_hours h WHERE schedule_id = ?1 ORDER BY weekday, "
                    "from_minute",
                    id, put_hours);
    if (!r)
        r = section(p, "holidays",
                    "SELECT day, name FROM holidays WHERE schedule_id = ?1 "
                    "AND is_open = 0 ORDER BY day",
                    id, put_holiday);
    if (!r)
        r = section(p, "workdays",
                    "SELECT day, name FROM holidays WHERE schedule_id = ?1 "
                    "AND is_open = 1 ORDER BY day",
                    id, put_holiday);
    buf_putc(p->b, '}');
    return r;
}

/* ---- the small ones
 * -------------------------------------------------------------------- */

/* One for each language that has one, else the one for all. */
static void put_names(struct print *p, struct str name, struct str names)
{
    static const char *const languages[][2] = {{"name_en", "en"},
                                               {"name_ru", "ru"}};
    json_t *o = NULL;
    bool any = false;
    if (!json_read(names, names.n, &o, NULL)) {
        for (size_t i = 0; i < 2; i++) {
            const char *said =
                json_string_value(json_object_get(o, languages[i][1]));
            if (said)
                put_text(p->b, languages[i][0], str_from(said));
            any = any || said;
        }
        json_decref(o);
    }
    if (!any)
        put_text(p->b, "name", name);
}

static int put_team(struct print *p, const struct db_rows *rows)
{
    put_name(p->b, db_text(rows, 0));
    buf_putc(p->b, '{');
    put_names(p, db_text(rows, 1), db_text(rows, 2));
    put_text(p->b, "schedule", db_text(rows, 3));
    buf_putc(p->b, '}');
    return 0;
}

static int put_skill(struct print *p, const struct db_rows *rows)
{
    put_name(p->b, db_text(rows, 0));
    if (str_is(db_text(rows, 2), "{}")) { /* the short form */
        json_put_text(p->b, db_text(rows, 1));
        return 0;
    }
    buf_putc(p->b, '{');
    put_names(p, db_text(rows, 1), db_text(rows, 2));
    buf_putc(p->b, '}');
    return 0;
}

static int put_priority(struct print *p, const struct db_rows *rows)
{
    put_name(p->b, db_text(rows, 0));
    buf_putc(p->b, '{');
    put_names(p, db_text(rows, 1), db_text(rows, 2));
    put_number(p->b, "rank", db_int(rows, 3));
    put_number(p->b, "min_level", db_int(rows, 4));
    buf_putc(p->b, '}');
    return 0;
}

static int put_target(struct print *p, const struct db_rows *rows)
{
    static const char *const names[] = {"first", "next", "solution"};
    put_name(p->b, db_text(rows, 0));
    buf_putc(p->b, '{');
    for (int i = 0; i < 3; i++) {
        if (!db_is_null(rows, i + 1))
            put_number(p->b, names[i], db_int(rows, i + 1));
    }
    buf_putc(p->b, '}');
    return 0;
}

static int put_sla(struct print *p, const struct db_rows *rows)
{
    int64_t id = db_int(rows, 0);
    put_name(p->b, db_text(rows, 1));
    buf_putc(p->b, '{');
    put_text(p->b, "schedule", db_text(rows, 2));
    int r = section(p, "targets",
                    "SELECT p.key, t.first_minutes, t.next_minutes, "
                    "t.solution_minutes FROM sla_targets t JOIN priorities p "
                    "ON p.id = t.priority_id WHERE t.sla_id = ?1 ORDER BY "
                    "p.rank",
                    id, put_target);
    buf_putc(p->b, '}');
    return r;
}

static int put_topic(struct print *p, const struct db_rows *rows)
{
    static const char *const names[] = {"parent", "team", "skill", "sla"};
    put_name(p->b, db_text(rows, 0));
    buf_putc(p->b, '{');
    put_names(p, db_text(rows, 1), db_text(rows, 2));
    for (int i = 0; i < 4; i++)
        put_text(p->b, names[i], db_text(rows, i + 3));
    if (!db_int(rows, 7))
        buf_puts(p->b, ",\"active\":false");
    buf_putc(p->b, '}');
    return 0;
}

/* ---- staff
 * ---------------------------------------------------------------------------
 */

static int put_level(struct print *p, const struct db_rows *rows)
{
    put_name(p->b, db_text(rows, 0));
    buf_printf(p->b, "%lld", (long long)db_int(rows, 1));
    return 0;
}

static int put_absence(struct print *p, const struct db_rows *rows)
{
    char from[TIME_TEXT];
    char to[TIME_TEXT];
    time_print(db_int(rows, 0), from);
    time_print(db_int(rows, 1), to);
    sep(p->b);
    buf_printf(p->b, "{\"from\":\"%s\",\"to\":\"%s\"", from, to);
    put_text(p->b, "reason", db_text(rows, 2));
    buf_putc(p->b, '}');
    return 0;
}

static int put_staff(struct print *p, const struct db_rows *rows)
{
    static const char *const names[] = {"name", "role", "team", "schedule",
                                        "languages"};
    int64_t id = db_int(rows, 0);
    put_name(p->b, db_text(rows, 1));
    buf_putc(p->b, '{');
    for (int i = 0; i < 5; i++)
        put_text(p->b, names[i], db_text(rows, i + 2));
    put_number(p->b, "max_open", db_int(rows, 7));
    if (!db_int(rows, 8))
        buf_puts(p->b, ",\"active\":false");
    int r = section(p, "skills",
                    "SELECT k.key, s.level FROM staff_skills s JOIN skills k "
                    "ON k.id = s.skill_id WHERE s.person_id = ?1 ORDER BY "
                    "k.key",
                    id, put_level);
    if (!r) {
        buf_puts(p->b, ",\"absences\":[");
        r = rows_of(p,
                    "SELECT from_at, to_at, reason FROM absences WHERE "
                    "person_id = ?1 ORDER BY from_at",
                    id, put_absence);
        buf_putc(p->b, ']');
    }
    buf_putc(p->b, '}');
    return r;
}

int catalog_print(struct db_tx *tx, struct buf *b, struct err *e)
{
    static const struct {
        const char *name, *sql;
        row_fn *row;
    } parts[] = {
        {"schedules",
         "SELECT id, name, time_zone FROM schedules WHERE id > ?1 ORDER BY id",
         put_schedule},
        {"teams",
         "SELECT t.key, t.name, t.names_json, COALESCE(s.name, '') FROM teams "
         "t LEFT JOIN "
         "schedules s ON s.id = t.schedule_id WHERE t.id > ?1 ORDER BY t.id",
         put_team},
        {"skills",
         "SELECT key, name, names_json FROM skills WHERE id > ?1 ORDER BY id",
         put_skill},
        {"priorities",
         "SELECT key, name, names_json, rank, min_level FROM priorities WHERE "
         "id > ?1 ORDER BY rank",
         put_priority},
        {"slas",
         "SELECT a.id, a.name, COALESCE(s.name, '') FROM slas a LEFT JOIN "
         "schedules s ON s.id = a.schedule_id WHERE a.id > ?1 ORDER BY a.id",
         put_sla},
        {"topics",
         "SELECT t.key, t.name, t.names_json, COALESCE(p.key, ''), "
         "COALESCE(m.key, ''), COALESCE(k.key, ''), COALESCE(a.name, ''), "
         "t.is_active FROM topics t LEFT JOIN topics p ON p.id = t.parent_id "
         "LEFT JOIN teams m ON m.id = t.team_id LEFT JOIN skills k ON k.id = "
         "t.skill_id LEFT JOIN slas a ON a.id = t.sla_id WHERE t.id > ?1 "
         "ORDER BY t.id",
         put_topic},
        {"staff",
         "SELECT s.person_id, s.login, p.name, s.role, COALESCE(m.key, ''), "
         "COALESCE(h.name, ''), s.languages, s.max_open, s.is_active FROM "
         "staff s JOIN people p ON p.id = s.person_id LEFT JOIN teams m ON "
         "m.id "
         "= s.team_id LEFT JOIN schedules h ON h.id = s.schedule_id WHERE "
         "s.person_id > ?1 ORDER BY s.person_id",
         put_staff},
    };
    struct print p = {tx, b, e};
    int r = 0;
    buf_putc(b, '{');
    for (size_t i = 0; !r && i < sizeof(parts) / sizeof(parts[0]); i++)
        r = section(&p, parts[i].name, parts[i].sql, 0, parts[i].row);
    buf_putc(b, '}');
    return r;
}

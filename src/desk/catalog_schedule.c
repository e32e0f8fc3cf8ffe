/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules: hours of the week, days off, days worked out of turn. */
#include <string.h>

#include "base/err.h"
#include "db/db.h"
#include "desk/catalog_parts.h"
#include "desk/schedule.h"

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
    int r = hours ? edit_known(s, hours, names) : OTK_OK;
    for (int d = 0; !r && d < 7; d++) {
        struct str spans = edit_text(s, hours, names[d]);
        struct str one;
        while (str_next(&spans, ',', &one)) {
            one = str_trim(one);
            size_t dash = str_find(one, '-');
            int from = clock_minutes(str_sub(one, 0, dash));
            int to = clock_minutes(str_sub(one, dash + 1, one.n));
            if (from < 0 || to <= from)
                return edit_fail(s, hours, names[d], "must read 09:00-18:00");
            if (*ret_n == SCHEDULE_HOURS_MAX)
                return edit_fail(s, hours, "hours", "are too many");
            ret[(*ret_n)++] = (struct schedule_hours){d, from, to};
        }
    }
    if (r)
        return r;
    r = schedule_new(edit_text(s, v, "time_zone"), ret, *ret_n, NULL, 0, &whole,
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
    int r = edit_part(s, v, field, &map);
    if (r || !map)
        return r;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         !r && p < map->data.mapping.pairs.top; p++) {
        const yaml_node_t *at = yaml_document_get_node(&s->doc, p->key);
        struct date day;
        if (!date_parse(edit_scalar(at), &day))
            return edit_fail(s, at, field, "must read {2026-01-31: name}");
        r = db_exec(s->tx, s->e,
                    "INSERT INTO holidays (schedule_id, day, name, is_open) "
                    "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (schedule_id, day) DO "
                    "UPDATE SET name = excluded.name, is_open = "
                    "excluded.is_open",
                    "issi", id, edit_scalar(at),
                    edit_scalar(yaml_document_get_node(&s->doc, p->value)),
                    is_open);
    }
    if (!r)
        r = db_int_of(s->tx, &n, s->e,
                      "SELECT COUNT(*) FROM holidays WHERE schedule_id = ?1",
                      "i", id);
    return !r && n > SCHEDULE_DAYS_MAX
               ? edit_fail(s, map, field, "are too many")
               : r;
}

int edit_schedule(struct edit *s, struct str key, const yaml_node_t *v)
{
    static const char *const fields[] = {"time_zone", "hours", "holidays",
                                         "workdays", NULL};
    struct schedule_hours hours[SCHEDULE_HOURS_MAX];
    const yaml_node_t *week = NULL;
    size_t n = 0;
    int64_t id;
    int r = edit_known(s, v, fields);
    if (!r)
        r = edit_part(s, v, "hours", &week);
    if (r)
        return r;
    r = read_days(s, v, week, hours, &n);
    if (r)
        return r;
    r = db_int_of(s->tx, &id, s->e,
                  "INSERT INTO schedules (name, time_zone) VALUES (?1, ?2) ON "
                  "CONFLICT (name) DO UPDATE SET time_zone = "
                  "excluded.time_zone RETURNING id",
                  "ss", key, edit_text(s, v, "time_zone"));
    if (!r)
        r = put_days(s, id, hours, n);
    if (!r)
        r = load_exceptions(s, id, v, "holidays");
    return r ? r : load_exceptions(s, id, v, "workdays");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog as a document: what goes in comes out, and slips are refused. */
#include "desk/catalog_edit.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "desk/catalog.h"
#include "desk/schedule.h"
#include "office.h"

/* Every section and every field. */
static const char whole[] =
    "schedules:\n"
    "  week:\n"
    "    time_zone: Europe/Moscow\n"
    "    hours: {mon: '09:00-13:00, 14:00-18:00', fri: '00:00-24:00'}\n"
    "    holidays: {2026-01-01: 'New \"Year\"', 2026-05-09: ''}\n"
    "    workdays: {2026-05-16: instead}\n"
    "  empty: {time_zone: 'UTC+03:00'}\n"
    "teams:\n"
    "  far: {name: Far, schedule: week}\n"
    "  near: {name_ru: Рядом, name_en: Near}\n"
    "skills: {phone: 'Phones: all', cable: {name_ru: Кабели, name_en: "
    "Cables}}\n"
    "priorities:\n"
    "  low: {name_ru: Низкий, name_en: Low, rank: 9, min_level: 2}\n"
    "slas:\n"
    "  slow: {schedule: week, targets: {low: {first: 90m, next: 45, solution: "
    "2d}, high: {solution: 4h}}}\n"
    "topics:\n"
    "  phones: {name_ru: Телефоны, name_en: Phones, parent: voice, team: far, "
    "skill: phone, sla: slow}\n"
    "  voice: {name_en: Voice}\n" /* below its child */
    "  fax: {name_en: Fax, active: false}\n"
    "staff:\n"
    "  eve:\n"
    "    name: Eve\n"
    "    role: viewer\n"
    "    team: far\n"
    "    schedule: empty\n"
    "    languages: 'ru, en'\n"
    "    max_open: 0\n"
    "    skills: {phone: 5, net: 1}\n"
    "    absences:\n"
    "      - {from: 2026-07-01, to: 2026-07-15, reason: Leave}\n"
    "      - {from: '2026-03-02T12:30:00+03:00', to: "
    "'2026-03-02T10:00:00.500Z'}\n"
    "  old: {name: Old, active: false}\n";

static struct desk *fresh; /* nothing is in it */

static int open_two(void **state)
{
    char path[300];
    char yaml[320];
    struct err e = {0};
    struct desk_options o = {.folder = path};
    if (open_desk(state))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/fresh", folder);
    (void)snprintf(yaml, sizeof(yaml), "%s/otklik.yaml", path);
    return mkdir(path, 0700) ||
           file_write(yaml, STR("desk:\n  language: ru\n"), 0600, &e) ||
           desk_open(&o, &fresh, &e);
}

static int close_two(void **state)
{
    desk_close(fresh);
    return close_desk(state);
}

static int apply_to(struct desk *d, const char *yaml, struct err *e)
{
    *e = (struct err){0};
    return db_write(desk_db(d), 0, apply_catalog, (void *)(uintptr_t)yaml, e);
}

static void must_apply(struct desk *d, const char *yaml)
{
    struct err e;
    if (apply_to(d, yaml, &e) || desk_refresh(d, &e))
        fail_msg("%s", e.msg);
}

static int print_to(struct db_tx *tx, void *arg, struct err *e)
{
    return catalog_print(tx, arg, e);
}

static const char *printed(struct desk *d)
{
    struct buf b = BUF_INIT(1 << 20);
    struct err e = {0};
    if (db_read(desk_db(d), 0, print_to, &b, &e))
        fail_msg("%s", e.msg);
    const char *kept = arena_copy(arena, buf_str(&b));
    buf_free(&b);
    return kept;
}

/* ---- there and back --------------------------------------------------------
 */

static void test_empty(void **state)
{
    (void)state;
    assert_string_equal(printed(fresh),
                        "{\"schedules\":{},\"teams\":{},\"skills\":{},"
                        "\"priorities\":{},\"slas\":{},\"topics\":{},"
                        "\"staff\":{}}");
}

static const char *const parts[] = {
    "\"week\":{\"time_zone\":\"Europe/Moscow\",\"hours\":{\"mon\":\"09:00-13:00"
    ",14:00-18:00\",\"fri\":\"00:00-24:00\"},\"holidays\":{\"2026-01-01\":\"New"
    " \\\"Year\\\"\",\"2026-05-09\":\"\"},\"workdays\":{\"2026-05-16\":"
    "\"instead\"}}",
    "\"empty\":{\"time_zone\":\"UTC+03:00\",\"hours\":{},\"holidays\":{},"
    "\"workdays\":{}}",
    "\"far\":{\"name\":\"Far\",\"schedule\":\"week\"}",
    "\"near\":{\"name_en\":\"Near\",\"name_ru\":\"Рядом\"}",
    "\"phone\":\"Phones: all\"",
    "\"cable\":{\"name_en\":\"Cables\",\"name_ru\":\"Кабели\"}",
    "\"low\":{\"name_en\":\"Low\",\"name_ru\":\"Низкий\",\"rank\":9,"
    "\"min_level\":2}",
    "\"slow\":{\"schedule\":\"week\",\"targets\":{\"high\":{\"solution\":240},"
    "\"low\":{\"first\":90,\"next\":45,\"solution\":2880}}}",
    "\"phones\":{\"name_en\":\"Phones\",\"name_ru\":\"Телефоны\",\"parent\":"
    "\"voice\",\"team\":\"far\",\"skill\":\"phone\",\"sla\":\"slow\"}",
    "\"fax\":{\"name_en\":\"Fax\",\"active\":false}",
    "\"eve\":{\"name\":\"Eve\",\"role\":\"viewer\",\"team\":\"far\","
    "\"schedule\":\"empty\",\"languages\":\"ru, en\",\"max_open\":0,\"skills\":"
    "{\"net\":1,\"phone\":5},\"absences\":[{\"from\":\"2026-03-02T09:30:00.000Z"
    "\",\"to\":\"2026-03-02T10:00:00.500Z\"},{\"from\":\"2026-07-01T00:00:00."
    "000Z\",\"to\":\"2026-07-15T00:00:00.000Z\",\"reason\":\"Leave\"}]}",
    "\"old\":{\"name\":\"Old\",\"role\":\"agent\",\"max_open\":10,\"active\":"
    "false,\"skills\":{},\"absences\":[]}",
};

static void test_round_trip(void **state)
{
    (void)state;
    must_apply(desk, whole);
    const char *text = printed(desk);
    for (size_t i = 0; i < ROWS(parts); i++) {
        if (!strstr(text, parts[i]))
            fail_msg("%s is not in %s", parts[i], text);
    }
    must_apply(desk, text);
    assert_string_equal(printed(desk), text);
    must_apply(fresh, text); /* also where nothing was */
    assert_string_equal(printed(fresh), text);
}

/* What the document leaves out stays; what it names is as it says. */
static void test_changes(void **state)
{
    (void)state;
    must_apply(desk, whole);
    must_apply(desk, "staff: {eve: {name: Eva, skills: {phone: 0, print: 2}}}\n"
                     "schedules: {week: {time_zone: UTC, hours: {tue: "
                     "'10:00-11:00'}}}\n");
    const char *text = printed(desk);
    assert_non_null(strstr(text, "\"hours\":{\"tue\":\"10:00-11:00\"},"
                                 "\"holidays\":{\"2026-01-01\""));
    assert_non_null(strstr(text, "\"eve\":{\"name\":\"Eva\",\"role\":\"agent\","
                                 "\"max_open\":10,\"skills\":{\"net\":1,"
                                 "\"print\":2},\"absences\":[{\"from\""));
    assert_non_null(strstr(text, "\"fax\":{\"name_en\":\"Fax\",\"active\":"
                                 "false}"));
    /* a list of absences takes the place of the one before */
    must_apply(desk, "staff: {eve: {name: Eva, absences: []}}");
    assert_non_null(strstr(printed(desk), "\"print\":2},\"absences\":[]}"));
    must_apply(desk, "topics: {fax: {name_en: Fax}}");
    assert_non_null(strstr(printed(desk), "\"fax\":{\"name_en\":\"Fax\"}"));
}

/* ---- in the snapshot -------------------------------------------------------
 */

static void test_snapshot(void **state)
{
    (void)state;
    int64_t friday = 0;
    must_apply(desk, whole);
    struct catalog *c = desk_catalog(desk);
    const struct catalog_topic *t = catalog_topic(c, STR("phones"));
    assert_true(t->parent_id == catalog_topic(c, STR("voice"))->id);
    assert_true(str_is(t->team->key, "far"));
    assert_true(str_is(c->skills[t->skill].key, "phone"));
    assert_false(catalog_topic(c, STR("fax"))->is_active);
    const struct catalog_priority *low = catalog_priority(c, STR("low"));
    assert_true(str_is(catalog_name(low->name, low->names, "ru"), "Низкий"));
    assert_true(str_is(catalog_name(low->name, low->names, "de"), "Low"));
    assert_int_equal(t->sla->targets[low - c->priorities].first, 90);
    assert_int_equal(
        t->sla->targets[catalog_priority(c, STR("high")) - c->priorities].next,
        -1);
    assert_int_equal(time_parse(STR("2026-01-02T23:00:00+03:00"), &friday), 0);
    assert_true(schedule_is_open(t->team->hours, friday));
    assert_false(schedule_is_open(t->team->hours, friday - MS_DAY));
    const struct catalog_staff *eve = NULL;
    for (size_t i = 0; i < c->n_staff; i++) {
        if (str_is(c->staff[i].login, "eve"))
            eve = &c->staff[i];
    }
    assert_non_null(eve);
    assert_int_equal(eve->n_absences, 2);
    assert_false(eve->takes_tickets); /* a viewer */
    catalog_unref(c);
}

/* ---- slips -----------------------------------------------------------------
 */

struct slip {
    const char *yaml, *msg; /* after "seed.yaml:" */
};

static const struct slip slips[] = {
    {"people: {}\n", "1: there is no field 'people'"},
    {"teams:\n  far: {name: Far, hours: week}\n",
     "2: there is no field 'hours'"},
    {"topics:\n  x:\n    name_en: X\n    teem: line\n",
     "4: there is no field 'teem'"},
    {"priorities:\n  x: {rank: 1, min_level: 1, level: 2}\n",
     "2: there is no field 'level'"},
    {"slas:\n  x: {hours: week}\n", "2: there is no field 'hours'"},
    {"slas:\n  x:\n    targets:\n      normal: {frist: 1h}\n",
     "4: there is no field 'frist'"},
    {"schedules:\n  x: {time_zone: UTC, zone: UTC}\n",
     "2: there is no field 'zone'"},
    {"schedules:\n  x:\n    time_zone: UTC\n    hours: {monday: 09:00-18:00}\n",
     "4: there is no field 'monday'"},
    {"staff:\n  x: {name: X, email: a@b.ru}\n", "2: there is no field 'email'"},
    {"staff:\n  x:\n    name: X\n    absences:\n      - {from: 2026-01-01, "
     "till: "
     "2026-01-02}\n",
     "5: there is no field 'till'"},
    /* what is not there */
    {"topics:\n  x: {name_en: X, parent: nix}\n", "2: there is no such topic"},
    {"skills:\n  x: {title: X}\n", "2: there is no field 'title'"},
    {"topics:\n  x: {name_en: X, skill: nix}\n", "2: there is no such skill"},
    {"topics:\n  x: {name_en: X, sla: nix}\n", "2: there is no such sla"},
    {"teams:\n  x: {name: X, schedule: nix}\n", "2: there is no such schedule"},
    {"slas:\n  x: {targets: {nix: {first: 1h}}}\n",
     "2: there is no such priority"},
    {"staff:\n  x: {name: X, skills: {nix: 1}}\n", "2: there is no such skill"},
    {"schedules:\n  x: {time_zone: Mars/Base}\n", "2: "},
    /* what is not of its kind */
    {"teams: [far]\n", "1: teams must be a mapping"},
    {"teams:\n  far: Far\n", "2: an entry must be a mapping"},
    {"schedules:\n  x: {time_zone: UTC, hours: 09:00-18:00}\n",
     "2: hours must be a mapping"},
    {"schedules:\n  x: {time_zone: UTC, holidays: [2026-01-01]}\n",
     "2: holidays must be a mapping"},
    {"schedules:\n  x: {time_zone: UTC, workdays: {16.5.: Never}}\n",
     "2: workdays must read {2026-01-31: name}"},
    {"staff:\n  x: {name: X, languages: [ru, en]}\n",
     "2: languages must be one text"},
    {"teams:\n  x: {name: {en: X}}\n", "2: name must be one text"},
    {"slas:\n  x: {targets: 1h}\n", "2: targets must be a mapping"},
    {"staff:\n  x: {name: X, skills: [print]}\n",
     "2: skills must be a mapping"},
    {"staff:\n  x: {name: X, absences: {from: 2026-01-01}}\n",
     "2: absences is a list"},
    {"staff:\n  x: {role: agent}\n", "2: a member of staff wants a name"},
    {"staff:\n  x: {name: X, role: king}\n", "2: role is admin, agent"},
    {"staff:\n  x: {name: X, max_open: 1001}\n", "2: max_open is 0 to 1000"},
    {"staff:\n  x: {name: X, max_open: -1}\n", "2: max_open is 0 to 1000"},
    {"staff:\n  x: {name: X, active: maybe}\n", "2: active is true or false"},
    {"staff:\n  x: {name: X, skills: {print: 6}}\n", "2: a level is 1 to 5"},
    {"priorities:\n  x: {rank: 1, min_level: 0}\n", "2: a priority wants rank"},
    {"priorities:\n  x: {min_level: 1}\n", "2: a priority wants rank"},
    {"slas:\n  x: {targets: {normal: {first: soon}}}\n",
     "2: first must read 30m, 4h or 2d"},
    {"staff:\n  x: {name: X, absences: [{from: 2026-01-02, to: 2026-01-02}]}\n",
     "2: an absence ends after it begins"},
    {"staff:\n  x: {name: X, absences: [{from: 2026-02-30, to: 2026-03-02}]}\n",
     "2: from must read 2026-01-31"},
    {"staff:\n  x: {name: X, absences: [{from: 2026-01-02}]}\n",
     "2: to must read 2026-01-31"},
    {"schedules:\n  x: {time_zone: UTC, hours: {mon: 9-18}}\n",
     "2: mon must read 09:00-18:00"},
    {"schedules:\n  x: {time_zone: UTC, hours: {mon: '18:00-09:00'}}\n",
     "2: mon must read 09:00-18:00"},
    {"schedules:\n  x: {time_zone: UTC, hours: {mon: '09:00-24:01'}}\n",
     "2: mon must read 09:00-18:00"},
    /* what the snapshot could not be loaded with */
    {"schedules:\n  x: {time_zone: UTC, hours: {mon: "
     "'09:00-13:00,12:00-18:00'}}\n",
     "2: open hours overlap"},
    {"schedules:\n  x: {time_zone: UTC, holidays: {2026-13-45: Never}}\n",
     "2: holidays must read {2026-01-31: name}"},
    {"", " nothing is in it"},
    {"teams: {far: [\n", "2: "},
};

static void test_slips(void **state)
{
    (void)state;
    must_apply(desk, whole);
    const char *before = printed(desk);
    for (size_t i = 0; i < ROWS(slips); i++) {
        struct err e;
        const char *wanted = arena_printf(arena, "seed.yaml:%s", slips[i].msg);
        int r = apply_to(desk, slips[i].yaml, &e);
        if (r == 0 || strncmp(e.msg, wanted, strlen(wanted)) != 0)
            fail_msg("%s: %d '%s'", slips[i].yaml, r, e.msg);
    }
    /* a document is applied as a whole or not at all */
    assert_string_equal(printed(desk), before);
    struct err e;
    assert_int_equal(
        apply_to(desk, "teams: {new: {name: N}}\nstaff: {x: {}}\n", &e),
        OTK_EFORMAT);
    assert_string_equal(printed(desk), before);
}

static void test_too_long(void **state)
{
    (void)state;
    enum { LONG = (1 << 20) + 1 };
    struct err e;
    char *text = malloc(LONG + 1);
    assert_non_null(text);
    memset(text, ' ', LONG);
    text[LONG] = '\0';
    assert_int_equal(apply_to(desk, text, &e), OTK_ELIMIT);
    assert_string_equal(e.msg, "seed.yaml is too long");
    free(text);
}

/* More hours than a schedule holds are refused here, not when it is loaded. */
static void test_too_many_hours(void **state)
{
    (void)state;
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri"};
    struct buf b = BUF_INIT(1 << 16);
    struct err e;
    buf_puts(&b, "schedules: {x: {time_zone: UTC, hours: {");
    for (size_t d = 0; d < ROWS(days); d++) {
        buf_printf(&b, "%s%s: '", d ? ", " : "", days[d]);
        for (int i = 0; i < SCHEDULE_HOURS_MAX / 5 + (d == 0); i++)
            buf_printf(&b, "%s%02d:00-%02d:30", i ? "," : "", i, i);
        buf_putc(&b, '\'');
    }
    buf_puts(&b, "}}}");
    const char *text = arena_copy(arena, buf_str(&b));
    buf_free(&b);
    assert_int_equal(apply_to(desk, text, &e), OTK_EFORMAT);
    assert_string_equal(e.msg, "seed.yaml:1: hours are too many");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty), /* first: nothing is there yet */
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_slips),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_too_many_hours),
    };
    return cmocka_run_group_tests(tests, open_two, close_two);
}

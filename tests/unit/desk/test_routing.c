/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/routing.h"

#include "base/clock.h"
#include "desk/catalog.h"
#include "office.h"

/* Everybody differs in the one thing that a row below is about. */
static const char crew[] =
    "schedules: {days: {time_zone: 'UTC+03:00', hours: {mon: '09:00-18:00'}}}\n"
    "teams: {second: {name: Second}}\n"
    "topics:\n"
    "  network: {name_en: Network, team: second, skill: net}\n"
    "  chat: {name_en: Chat, team: line}\n"
    "  lone: {name_en: Lone, skill: odd}\n"
    "skills: {odd: {name_ru: Странности, name_en: Oddities}}\n"
    "staff:\n"
    "  eve: {name: Eve, team: second, languages: ru, max_open: 4, skills: "
    "{net: 1}}\n"
    "  dan: {name: Dan, team: second, languages: 'ru, en', max_open: 4, "
    "schedule: days, skills: {net: 3}}\n"
    "  kim: {name: Kim, team: line, languages: en, max_open: 4, skills: "
    "{net: 5}, absences: [{from: 2026-11-18, to: 2026-11-20}]}\n"
    "  old: {name: Old, team: second, active: false, skills: {net: 5}}\n"
    "  root: {name: Root, role: admin}\n";

static struct catalog *catalog;
static struct route_load loads[16];
static int64_t monday, sunday, wednesday;

static int64_t at(const char *text)
{
    int64_t ms = 0;
    if (time_parse(str_from(text), &ms))
        fail_msg("%s", text);
    return ms;
}

static int open_crew(void **state)
{
    struct err e = {0};
    if (open_desk(state) ||
        db_write(desk_db(desk), 0, apply_catalog, (void *)(uintptr_t)crew,
                 &e) ||
        desk_refresh(desk, &e)) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return -1;
    }
    catalog = desk_catalog(desk);
    monday = at("2026-11-16T12:00:00+03:00");
    wednesday = at("2026-11-18T12:00:00+03:00");
    sunday = at("2026-11-22T12:00:00+03:00");
    return catalog->n_staff > ROWS(loads);
}

static int close_crew(void **state)
{
    catalog_unref(catalog);
    return close_desk(state);
}

static const struct catalog_staff *staff(const char *login)
{
    for (size_t i = 0; i < catalog->n_staff; i++) {
        if (str_is(catalog->staff[i].login, login))
            return &catalog->staff[i];
    }
    fail_msg("nobody is %s", login);
    return NULL;
}

static struct route_load *load_of(const char *login)
{
    return &loads[staff(login) - catalog->staff];
}

/* Empty desks; whom `full` names ("eve dan") has no room. */
static void set_loads(const char *full)
{
    struct str rest = str_from(full);
    struct str one;
    memset(loads, 0, sizeof(loads));
    while (full[0] && str_next(&rest, ' ', &one)) {
        const struct catalog_staff *s = staff(arena_copy(arena, one));
        loads[s - catalog->staff].open = s->max_open;
    }
}

static struct route_ask ask_of(const char *topic, const char *priority,
                               const char *language, int64_t when)
{
    return (struct route_ask){
        .topic = topic ? catalog_topic(catalog, str_from(topic)) : NULL,
        .priority =
            priority ? catalog_priority(catalog, str_from(priority)) : NULL,
        .language = language,
        .at = when,
    };
}

static struct route choose(const struct route_ask *ask)
{
    struct route r;
    route_choose(catalog, loads, ask, arena, &r, NULL);
    assert_non_null(r.reason);
    return r;
}

/* ---- who gets it -----------------------------------------------------------
 */

struct choice {
    const char *topic, *priority, *language;
    const int64_t *when;
    const char *full, *except; /* logins; NULL: nobody */
    const char *who;           /* NULL: the queue */
};

static const struct choice choices[] = {
    /* the level that is closest to the wanted one */
    {"network", "normal", "ru", &monday, "", NULL, "eve"},
    {"network", NULL, "ru", &monday, "", NULL, "eve"},
    {"network", "high", "ru", &monday, "", NULL, "dan"},
    {"printing", "normal", "ru", &monday, "", NULL, "ann"},
    {"printing", "high", "ru", &monday, "", NULL, "bob"},
    /* language */
    {"network", "normal", "en", &monday, "", NULL, "dan"},
    {"printing", "normal", "en", &monday, "", NULL, "bob"},
    {"network", "normal", "", &monday, "", NULL, "eve"}, /* any will do */
    /* the limit */
    {"network", "normal", "ru", &monday, "eve", NULL, "dan"},
    {"printing", "normal", "ru", &monday, "ann", NULL, "bob"},
    {"printing", "normal", "ru", &monday, "ann bob", NULL, NULL},
    /* gave it back */
    {"network", "normal", "ru", &monday, "", "eve", "dan"},
    {"printing", "normal", "en", &monday, "ann", "bob", NULL},
    /* off duty: dan works on Mondays only */
    {"network", "high", "en", &sunday, "", NULL, "kim"},
    {"network", "high", "en", &monday, "", NULL, "dan"},
    /* absent: kim, on Wednesday */
    {"network", "normal", "en", &wednesday, "", NULL, "eve"},
    {"network", "high", "en", &wednesday, "eve", NULL, NULL},
    /* the level is given up before the language */
    {"printing", "high", "ru", &monday, "bob", NULL, "ann"},
    {"network", "high", "ru", &monday, "dan", NULL, "eve"},
    {"network", "high", "en", &monday, "dan", NULL, "kim"},
    {"printing", "normal", "en", &monday, "bob", NULL, "ann"},
    {"network", "high", "ru", &monday, "dan eve", NULL, "kim"},
    /* a skill is never given up */
    {"lone", "normal", "ru", &monday, "", NULL, NULL},
    {NULL, "normal", "ru", &monday, "", NULL, NULL},
};

static void test_choices(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(choices); i++) {
        const struct choice *x = &choices[i];
        struct route_ask ask =
            ask_of(x->topic, x->priority, x->language, *x->when);
        set_loads(x->full);
        ask.except = x->except ? staff(x->except)->id : 0;
        struct route r = choose(&ask);
        const char *got =
            r.staff ? arena_copy(arena, r.staff->login) : "the queue";
        if (strcmp(got, x->who ? x->who : "the queue") != 0)
            fail_msg("row %zu: %s: %s", i, got, r.reason);
    }
}

/* A topic without a skill is for anyone; the least busy, then who waits
 * longest. */
static void test_load(void **state)
{
    (void)state;
    struct route_ask ask = ask_of("chat", "normal", "ru", monday);
    set_loads("ann bob root");
    load_of("eve")->open = 2;
    load_of("dan")->open = 1;
    assert_ptr_equal(choose(&ask).staff, staff("dan"));
    load_of("dan")->open = 2;
    load_of("eve")->assigned_at = 2000;
    load_of("dan")->assigned_at = 1000;
    assert_ptr_equal(choose(&ask).staff, staff("dan"));
    load_of("dan")->assigned_at = 3000;
    assert_ptr_equal(choose(&ask).staff, staff("eve"));
    /* an expert stays free for hard cases until the others are busier */
    ask = ask_of("network", "normal", "ru", monday);
    set_loads("");
    load_of("dan")->assigned_at = 0;
    load_of("eve")->assigned_at = 9000;
    assert_ptr_equal(choose(&ask).staff, staff("eve"));
    load_of("eve")->open = 3;
    assert_ptr_equal(choose(&ask).staff, staff("dan"));
}

/* ---- and why ---------------------------------------------------------------
 */

struct sentence {
    const char *topic, *priority, *language;
    const char *full;
    const char *text;
};

static const struct sentence sentences[] = {
    {"network", "high", "ru", "",
     "Dan: навык «Networks» уровня 3, на столе 1 из 4."},
    {"network", "high", "en", "",
     "Dan: skill \"Networks\" at level 3, 1 of 4 on the desk."},
    {"network", "high", "ru", "dan",
     "Eve: свободных с нужным уровнем нет, навык «Networks» уровня 1, на столе "
     "1 из 4."},
    {"printing", "normal", "en", "bob",
     "Ann: nobody free speaks the language; skill \"Printing\" at level 2, 1 "
     "of 1 on the desk."},
    {"network", "high", "ru", "dan eve",
     "Kim: свободных, кто говорит на этом языке, нет; навык «Networks» уровня "
     "5, на столе 1 из 4."},
    {"printing", "high", "ru", "ann bob",
     "В очереди: у всех подходящих заняты столы; первый освободившийся получит "
     "обращение."},
    {"printing", "high", "en", "ann bob",
     "In the queue: all who fit have full desks; the first to be free gets "
     "it."},
    {"lone", "normal", "ru", "",
     "В очереди: сейчас никого на смене с навыком «Странности»; назначим, "
     "когда "
     "начнётся смена."},
    {"lone", "normal", "en", "",
     "In the queue: nobody with skill \"Oddities\" is on duty now; it is "
     "assigned when a shift begins."},
    {NULL, NULL, "ru", "", "В очереди: тема не ясна, решает человек."},
    {NULL, NULL, "en", "",
     "In the queue: the topic is not clear, a person decides."},
};

static void test_reasons(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(sentences); i++) {
        const struct sentence *x = &sentences[i];
        struct route_ask ask =
            ask_of(x->topic, x->priority, x->language, monday);
        set_loads(x->full);
        assert_string_equal(choose(&ask).reason, x->text);
    }
}

/* In a queue it is the topic's team's, on a desk the team of who got it. */
static void test_team(void **state)
{
    (void)state;
    struct route_ask ask = ask_of("network", "high", "en", sunday);
    set_loads("");
    assert_true(str_is(choose(&ask).team->key, "line")); /* kim's */
    set_loads("eve kim");
    struct route r = choose(&ask);
    assert_null(r.staff);
    assert_true(str_is(r.team->key, "second"));
    ask.topic = catalog_topic(catalog, STR("lone"));
    assert_null(choose(&ask).team);
}

struct judged {
    const char *login;
    enum route_verdict verdict;
    const char *en, *ru;
    bool may_take;
};

static void test_candidates(void **state)
{
    (void)state;
    static const struct judged wednesday_en[] = {
        {"eve", ROUTE_LOW_LEVEL, "level too low", "уровень ниже нужного", true},
        {"dan", ROUTE_OFF_DUTY, "off duty", "не на смене", false},
        {"kim", ROUTE_ABSENT, "absent", "отсутствует", false},
        {"old", ROUTE_INACTIVE, "inactive", "не работает", false},
        {"ann", ROUTE_NO_SKILL, "lacks the skill", "нет навыка", false},
    };
    static const struct judged monday_ru[] = {
        {"eve", ROUTE_GAVE_BACK, "gave it back", "вернул это обращение", false},
        {"dan", ROUTE_FULL, "desk is full", "стол занят", false},
        {"kim", ROUTE_NO_LANGUAGE, "lacks the language", "не знает языка",
         true},
    };
    struct route_candidate found[ROWS(loads)];
    struct route r;
    struct route_ask ask = ask_of("network", "high", "en", wednesday);
    set_loads("");
    load_of("eve")->open = 2;
    route_choose(catalog, loads, &ask, arena, &r, found);
    for (size_t i = 0; i < ROWS(wednesday_en); i++) {
        const struct judged *x = &wednesday_en[i];
        const struct catalog_staff *s = staff(x->login);
        const struct route_candidate *c = &found[s - catalog->staff];
        assert_ptr_equal(c->staff, s);
        assert_int_equal(c->verdict, x->verdict);
        assert_string_equal(route_verdict_text(c->verdict, "en"), x->en);
        assert_string_equal(route_verdict_text(c->verdict, "ru"), x->ru);
        assert_int_equal(route_may_take(catalog, loads, &ask, s), x->may_take);
    }
    assert_int_equal(found[staff("eve") - catalog->staff].open, 2);
    assert_int_equal(found[staff("kim") - catalog->staff].level, 5);
    ask = ask_of("network", "high", "ru", monday);
    ask.except = staff("eve")->id;
    set_loads("dan");
    route_choose(catalog, loads, &ask, arena, &r, found);
    for (size_t i = 0; i < ROWS(monday_ru); i++) {
        const struct judged *x = &monday_ru[i];
        const struct catalog_staff *s = staff(x->login);
        assert_int_equal(found[s - catalog->staff].verdict, x->verdict);
        assert_string_equal(route_verdict_text(x->verdict, "en"), x->en);
        assert_string_equal(route_verdict_text(x->verdict, "ru"), x->ru);
        assert_int_equal(route_may_take(catalog, loads, &ask, s), x->may_take);
    }
    assert_ptr_equal(r.staff, staff("kim"));
}

/* ---- who waits already goes first ---------------------------------------- */

static void test_older_wait(void **state)
{
    (void)state;
    set_loads("");
    struct route_ask ask = ask_of("network", "normal", "en", monday);
    ask.older_wait = true;
    struct route r = choose(&ask);
    assert_null(r.staff);
    assert_non_null(strstr(r.reason, "older"));
    set_loads("eve dan kim"); /* nobody has room: that is the reason then */
    r = choose(&ask);
    assert_null(r.staff);
    assert_non_null(strstr(r.reason, "full"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choices),    cmocka_unit_test(test_load),
        cmocka_unit_test(test_reasons),    cmocka_unit_test(test_team),
        cmocka_unit_test(test_candidates), cmocka_unit_test(test_older_wait),
    };
    return cmocka_run_group_tests(tests, open_crew, close_crew);
}

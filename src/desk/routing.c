/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/routing.h"

#include <string.h>

#include "base/arena.h"
#include "base/fill.h"
#include "desk/schedule.h"

/* Wishes that are given up, one after another, before the queue. */
enum { STRICT, ANY_LEVEL, ANY_LANGUAGE, RELAXATIONS };

struct reasons {
    const char *language;
    const char *fits, *low, *other_language, *queue_full, *queue_older,
        *queue_nobody, *queue_unknown;
    const char *verdicts[9];
};

static const struct reasons russian = {
    .language = "ru",
    .fits = "{{who}}: навык «{{skill}}» уровня {{level}}, на столе {{open}} из "
            "{{max}}.",
    .low = "{{who}}: свободных с нужным уровнем нет, навык «{{skill}}» уровня "
           "{{level}}, на столе {{open}} из {{max}}.",
    .other_language =
        "{{who}}: свободных, кто говорит на этом языке, нет; навык «{{skill}}» "
        "уровня {{level}}, на столе {{open}} из {{max}}.",
    .queue_full = "В очереди: у всех подходящих заняты столы; первый "
                  "освободившийся получит обращение.",
    .queue_older = "В очереди: раньше пришли другие обращения на эту тему, они "
                   "идут первыми.",
    .queue_nobody = "В очереди: сейчас никого на смене с навыком «{{skill}}»; "
                    "назначим, когда начнётся смена.",
    .queue_unknown = "В очереди: тема не ясна, решает человек.",
    .verdicts = {"подходит", "не работает", "отсутствует", "не на смене",
                 "нет навыка", "уровень ниже нужного", "не знает языка",
                 "стол занят", "вернул это обращение"},
};
static const struct reasons english = {
    .language = "en",
    .fits = "{{who}}: skill \"{{skill}}\" at level {{level}}, {{open}} of "
            "{{max}} on the desk.",
    .low = "{{who}}: nobody free has the level; skill \"{{skill}}\" at level "
           "{{level}}, {{open}} of {{max}} on the desk.",
    .other_language = "{{who}}: nobody free speaks the language; skill "
                      "\"{{skill}}\" at level {{level}}, {{open}} of {{max}} "
                      "on the desk.",
    .queue_full = "In the queue: all who fit have full desks; the first to be "
                  "free gets it.",
    .queue_older = "In the queue: older requests of this topic go first.",
    .queue_nobody = "In the queue: nobody with skill \"{{skill}}\" is on duty "
                    "now; it is assigned when a shift begins.",
    .queue_unknown = "In the queue: the topic is not clear, a person decides.",
    .verdicts = {"fits", "inactive", "absent", "off duty", "lacks the skill",
                 "level too low", "lacks the language", "desk is full",
                 "gave it back"},
};

static const struct reasons *reasons_in(const char *language)
{
    return strcmp(language, "ru") == 0 ? &russian : &english;
}

const char *route_verdict_text(enum route_verdict v, const char *language)
{
    return reasons_in(language)->verdicts[v];
}

static bool speaks(const struct catalog_staff *s, const char *language)
{
    struct str rest = s->languages;
    struct str one;
    if (!language[0] || s->languages.n == 0)
        return true;
    while (str_next(&rest, ',', &one)) {
        if (str_is(str_trim(one), language))
            return true;
    }
    return false;
}

static bool is_absent(const struct catalog_staff *s, int64_t at)
{
    for (size_t i = 0; i < s->n_absences; i++) {
        if (at >= s->absences[i].from_at && at < s->absences[i].to_at)
            return true;
    }
    return false;
}

static int wanted_level(const struct route_ask *ask)
{
    return ask->priority ? ask->priority->min_level : 1;
}

static int level_of(const struct catalog_staff *s, const struct route_ask *ask)
{
    int skill = ask->topic ? ask->topic->skill : -1;
    return skill < 0 ? 1 : s->levels[skill];
}

static enum route_verdict judge(const struct catalog_staff *s,
                                const struct route_load *load,
                                const struct route_ask *ask, int relaxed)
{
    if (!s->is_active || !s->takes_tickets)
        return ROUTE_INACTIVE;
    if (s->id == ask->except)
        return ROUTE_GAVE_BACK;
    if (is_absent(s, ask->at))
        return ROUTE_ABSENT;
    if (!schedule_is_open(s->hours, ask->at))
        return ROUTE_OFF_DUTY;
    int level = level_of(s, ask);
    if (level == 0)
        return ROUTE_NO_SKILL;
    if (level < wanted_level(ask) && relaxed < ANY_LEVEL)
        return ROUTE_LOW_LEVEL;
    if (!speaks(s, ask->language) && relaxed < ANY_LANGUAGE)
        return ROUTE_NO_LANGUAGE;
    return load->open >= s->max_open ? ROUTE_FULL : ROUTE_FITS;
}

/* Is `a` the better choice? Levels closest to the wanted one first. */
static bool better(const struct catalog_staff *a, const struct route_load *la,
                   const struct catalog_staff *b, const struct route_load *lb,
                   const struct route_ask *ask)
{
    int want = wanted_level(ask);
    int da = level_of(a, ask) - want;
    int db = level_of(b, ask) - want;
    da = da < 0 ? -da : da;
    db = db < 0 ? -db : db;
    /* a full step of load outweighs a level that fits a bit closer */
    double wa =
        (double)la->open / (a->max_open > 0 ? a->max_open : 1) + 0.2 * da;
    double wb =
        (double)lb->open / (b->max_open > 0 ? b->max_open : 1) + 0.2 * db;
    if (wa != wb)
        return wa < wb;
    if (la->assigned_at != lb->assigned_at)
        return la->assigned_at < lb->assigned_at;
    return a->id < b->id;
}

static const struct catalog_staff *best(const struct catalog *c,
                                        const struct route_load *loads,
                                        const struct route_ask *ask,
                                        int relaxed)
{
    const struct catalog_staff *found = NULL;
    for (size_t i = 0; i < c->n_staff; i++) {
        const struct catalog_staff *s = &c->staff[i];
        if (judge(s, &loads[i], ask, relaxed) != ROUTE_FITS)
            continue;
        if (!found ||
            better(s, &loads[i], found, &loads[found - c->staff], ask))
            found = s;
    }
    return found;
}

/* Somebody would fit, were the desk not full. */
static bool all_are_full(const struct catalog *c,
                         const struct route_load *loads,
                         const struct route_ask *ask)
{
    for (size_t i = 0; i < c->n_staff; i++) {
        if (judge(&c->staff[i], &loads[i], ask, ANY_LANGUAGE) == ROUTE_FULL)
            return true;
    }
    return false;
}

static const char *skill_name(const struct catalog *c,
                              const struct route_ask *ask, const char *language,
                              struct arena *a)
{
    if (!ask->topic)
        return "-";
    if (ask->topic->skill < 0)
        return arena_copy(
            a, catalog_name(ask->topic->name, ask->topic->names, language));
    const struct catalog_skill *s = &c->skills[ask->topic->skill];
    return arena_copy(a, catalog_name(s->name, s->names, language));
}

static const char *reason_for(struct arena *a, const char *form,
                              const struct catalog_staff *s, const char *skill,
                              int level, int open)
{
    const struct fill_value v[] = {
        {"who", s->name},
        {"skill", str_from(skill)},
        {"level", str_from(arena_printf(a, "%d", level))},
        {"open", str_from(arena_printf(a, "%d", open + 1))},
        {"max", str_from(arena_printf(a, "%d", s->max_open))},
    };
    return arena_copy(a, fill(a, str_from(form), v, sizeof(v) / sizeof(v[0])));
}

void route_choose(const struct catalog *c, const struct route_load *loads,
                  const struct route_ask *ask, struct arena *a,
                  struct route *ret, struct route_candidate *candidates)
{
    const struct reasons *text = reasons_in(ask->language);
    *ret = (struct route){.team = ask->topic ? ask->topic->team : NULL};
    for (size_t i = 0; candidates && i < c->n_staff; i++)
        candidates[i] = (struct route_candidate){
            .staff = &c->staff[i],
            .verdict = judge(&c->staff[i], &loads[i], ask, STRICT),
            .level = level_of(&c->staff[i], ask),
            .open = loads[i].open,
        };
    if (!ask->topic) {
        ret->reason = text->queue_unknown;
        return;
    }
    const char *const forms[] = {text->fits, text->low, text->other_language};
    const char *skill = skill_name(c, ask, text->language, a);
    for (int relaxed = STRICT; relaxed < RELAXATIONS; relaxed++) {
        const struct catalog_staff *s = best(c, loads, ask, relaxed);
        if (!s)
            continue;
        if (ask->older_wait) {
            ret->reason = text->queue_older;
            return;
        }
        ret->staff = s;
        ret->team = s->team ? s->team : ret->team;
        ret->reason = reason_for(a, forms[relaxed], s, skill, level_of(s, ask),
                                 loads[s - c->staff].open);
        return;
    }
    if (all_are_full(c, loads, ask)) {
        ret->reason = text->queue_full;
        return;
    }
    const struct fill_value v = {"skill", str_from(skill)};
    ret->reason = arena_copy(a, fill(a, str_from(text->queue_nobody), &v, 1));
}

bool route_may_take(const struct catalog *c, const struct route_load *loads,
                    const struct route_ask *ask,
                    const struct catalog_staff *staff)
{
    return judge(staff, &loads[staff - c->staff], ask, ANY_LANGUAGE) ==
           ROUTE_FITS;
}

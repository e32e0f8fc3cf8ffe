/* SPDX-License-Identifier: Apache-2.0 */
/* Understanding a text: language, topic, priority, an answer. No store. */
#include <string.h>

#include "base/arena.h"
#include "desk/desk.h"
#include "desk/intake_parts.h"
#include "knowledge/knowledge.h"
#include "text/language.h"
#include "triage/triage.h"

enum { HITS = 3 };

static double threshold(double own, double set)
{
    return set >= 0 ? set : own;
}

static const char *mode_of(const struct intake *in, const struct triage_task *t,
                           double confidence)
{
    const struct settings s = desk_settings(in->d);
    if (confidence >= threshold(t->auto_threshold, s.triage.auto_threshold))
        return triage_mode_name(TRIAGE_AUTO);
    bool suggests = confidence >=
                    threshold(t->suggest_threshold, s.triage.suggest_threshold);
    return triage_mode_name(suggests ? TRIAGE_SUGGEST : TRIAGE_ASK);
}

static void take_prediction(struct intake *in, const struct triage_task *t,
                            const struct triage_prediction *p,
                            struct intake_decision *ret)
{
    *ret = (struct intake_decision){
        .confidence = p->confidence,
        .mode = mode_of(in, t, p->confidence),
    };
    if (p->label >= 0)
        ret->label =
            str_from(arena_copy(in->arena, str_from(t->labels[p->label])));
}

static void triage(struct intake *in)
{
    struct triage_model *m = desk_model(in->d);
    struct triage_prediction p[TRIAGE_TASKS_MAX];
    if (!m)
        return;
    const struct triage_info *info = triage_info(m);
    struct intake_result *r = in->result;
    triage_predict(m, in->w->triage, in->ask->text, p);
    in->model = arena_copy(in->arena, str_from(info->version));
    int topic = triage_task_find(m, "topic");
    int priority = triage_task_find(m, "priority");
    if (topic >= 0) {
        r->has_topic = true;
        take_prediction(in, &info->tasks[topic], &p[topic], &r->topic);
        in->topic = catalog_topic(in->catalog, r->topic.label);
    }
    if (priority >= 0) {
        r->has_priority = true;
        take_prediction(in, &info->tasks[priority], &p[priority], &r->priority);
        in->priority = catalog_priority(in->catalog, r->priority.label);
    }
    if (in->topic)
        r->topic.name =
            catalog_name(in->topic->name, in->topic->names, r->language);
    if (in->priority)
        r->priority.name =
            catalog_name(in->priority->name, in->priority->names, r->language);
    r->topic.name = arena_str(in->arena, r->topic.name);
    r->priority.name = arena_str(in->arena, r->priority.name);
    triage_unref(m);
}

static void answer(struct intake *in)
{
    struct intake_result *r = in->result;
    struct knowledge_hit hits[HITS];
    struct knowledge_index *x = desk_knowledge(in->d);
    if (!x || in->ask->want_ticket || r->outcome == INTAKE_IGNORED) {
        knowledge_index_unref(x);
        return;
    }
    struct knowledge_query q = {
        .text = in->ask->text,
        .language = str_from(r->language),
        .topic = r->topic.label,
    };
    const struct settings s = desk_settings(in->d);
    size_t n = knowledge_search(x, in->w->knowledge, &q, hits, HITS);
    double sure = n ? hits[0].confidence : 0;
    in->nothing_found = sure < s.knowledge.answer_threshold;
    if (!in->nothing_found && s.knowledge.answer_first) {
        r->outcome = INTAKE_ANSWERED;
        r->answer = (struct intake_answer){
            .article = hits[0].article->id,
            .title = arena_str(in->arena, hits[0].article->title),
            .text = arena_str(in->arena, hits[0].article->answer),
            .passage = arena_str(in->arena,
                                 knowledge_passage(x, in->w->knowledge,
                                                   hits[0].article, q.text)),
            .confidence = sure,
        };
    }
    knowledge_index_unref(x);
}

const char *intake_language(const struct desk *d, struct str text)
{
    struct language_guess g = language_detect(text);
    if (g.language == LANGUAGE_RU || g.language == LANGUAGE_EN)
        return language_code(g.language);
    const struct settings s = desk_settings(d);
    return settings_language(&s);
}

/* Greetings and nonsense of which the model is sure are no ticket. */
static bool says_nothing(const struct intake_result *r,
                         const struct intake_ask *ask)
{
    return r->has_topic && r->topic.label.n == 0 && !ask->want_ticket &&
           strcmp(r->topic.mode, triage_mode_name(TRIAGE_AUTO)) == 0;
}

void intake_understand(struct intake *in)
{
    struct intake_result *r = in->result;
    r->outcome = INTAKE_TICKET;
    r->language = intake_language(in->d, in->ask->text);
    triage(in);
    if (says_nothing(r, in->ask))
        r->outcome = INTAKE_IGNORED;
    answer(in);
}

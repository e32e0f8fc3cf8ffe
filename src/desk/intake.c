/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/intake.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "db/db.h"
#include "db/jobs.h"
#include "desk/desk.h"
#include "desk/intake_jobs.h"
#include "desk/intake_parts.h"
#include "desk/ticket.h"
#include "text/unicode.h"

static int check(struct intake *in, struct err *e)
{
    struct intake_ask *ask = in->ask;
    size_t max = (size_t)desk_settings(in->d).triage.text_max;
    int r = text_check(ask->text, "text", 1, max, e);
    if (!r)
        r = text_check(ask->external_id, "external_id", 0, DEDUP_MAX, e);
    if (!r)
        r = text_check(ask->dedup, "Idempotency-Key", 0, DEDUP_MAX, e);
    if (!r)
        r = text_check(ask->subject, "subject", 0, SUBJECT_MAX, e);
    return r ? r : person_check(&ask->person, in->arena, e);
}

static int check_labels(const struct intake *in, struct err *e)
{
    const struct intake_ask *ask = in->ask;
    if (ask->topic.n && !catalog_topic(in->catalog, ask->topic))
        return err_field(e, OTK_EFORMAT, "topic", "no such topic");
    if (ask->priority.n && !catalog_priority(in->catalog, ask->priority))
        return err_field(e, OTK_EFORMAT, "priority", "no such priority");
    return OTK_OK;
}

/* Another text under a number that the desk knows. */
static int take_further(struct db_tx *tx, struct intake *in, struct err *e)
{
    int64_t ticket = 0;
    int64_t waits = 0;
    int r = db_int_of(tx, &waits, e,
                      "SELECT COUNT(*) FROM inbox WHERE id = ?1 AND stage IN "
                      "('received', 'understood')",
                      "i", in->inbox_id);
    if (!r && waits)
        return err_field(e, OTK_EAGAIN, "external_id",
                         "is of a request that is still being worked on");
    if (!r)
        r = db_int_of(tx, &ticket, e,
                      "SELECT COALESCE(ticket_id, 0) FROM inbox WHERE id = ?1",
                      "i", in->inbox_id);
    if (!r && !ticket)
        return err_field(e, OTK_ECONFLICT, "external_id",
                         "is of a request with another text, which became no "
                         "ticket; send this one under a number of its own");
    if (!r)
        r = ticket_follow(tx, ticket, &ticket, e);
    return r ? r : intake_add_further(tx, in, ticket, e);
}

/* The text of a request that was erased is nobody's any more. */
static int find_repeat(struct db_tx *tx, struct intake *in, struct err *e)
{
    int64_t same = 0;
    const struct intake_ask *ask = in->ask;
    if (ask->dedup.n == 0)
        return OTK_ENOENT;
    int r = db_int_of(tx, &in->inbox_id, e,
                      "SELECT id FROM inbox WHERE channel = ?1 AND dedup = ?2",
                      "ts", ask->channel, ask->dedup);
    if (!r)
        r = db_int_of(tx, &same, e,
                      "SELECT COUNT(*) FROM inbox WHERE id = ?1 AND text IN "
                      "(?2, '')",
                      "is", in->inbox_id, ask->text);
    if (r || same)
        return r;
    if (ask->owner.n) /* only a key; also the number of a stranger's own */
        return err_field(e, OTK_EFORMAT,
                         ask->dedup_is_key ? "Idempotency-Key" : "external_id",
                         "was used for another request");
    return take_further(tx, in, e);
}

static int store(struct db_tx *tx, void *arg, struct err *e)
{
    struct intake *in = arg;
    struct intake_result *r = in->result;
    int err = find_repeat(tx, in, e);
    if (err != OTK_ENOENT) {
        r->is_repeat = !err;
        return err;
    }
    err = person_get_or_make(tx, &in->ask->person, in->now, &in->person_id, e);
    if (!err && r->outcome == INTAKE_TICKET)
        err = intake_put_ticket(tx, in, e);
    if (!err)
        err = intake_put_inbox(tx, in, intake_stage(r->outcome), e);
    if (!err && r->outcome == INTAKE_RECEIVED)
        err = intake_push(tx, in, e);
    if (!err)
        err = intake_put_predictions(tx, in, e);
    if (!err && in->nothing_found && r->outcome == INTAKE_TICKET)
        err = intake_put_unanswered(tx, in, e);
    if (!err && r->outcome == INTAKE_TICKET)
        err = ticket_get(tx, r->ticket_id, in->arena, &r->ticket, e);
    return err;
}

/* Both ways in: what `w` is NULL for is understood later, by a job. */
static int take_in(struct desk *d, struct desk_worker *w,
                   struct intake_ask *ask, struct arena *a,
                   struct intake_result *ret, struct err *e)
{
    *ret = (struct intake_result){.outcome = INTAKE_RECEIVED, .language = ""};
    struct intake in = {
        .d = d,
        .w = w,
        .ask = ask,
        .arena = a,
        .result = ret,
        .now = clock_wall(desk_clock(d)),
        .model = "",
    };
    int r = check(&in, e);
    if (r)
        return r;
    rand_token(ret->token, (TOKEN_BYTES - 1) / 2);
    if (ask->dedup.n && ask->owner.n)
        ask->dedup = str_from(arena_printf(
            a, STR_FMT "\n" STR_FMT, STR_ARG(ask->owner), STR_ARG(ask->dedup)));
    in.catalog = desk_catalog(d);
    r = check_labels(&in, e);
    if (!r && w)
        intake_understand(&in);
    if (!r && (ret->outcome == INTAKE_RECEIVED ||
               ret->outcome == INTAKE_ANSWERED)) /* a ticket may come of it */
        in.payload = intake_payload(&in);
    if (!r)
        r = db_write(desk_db(d), 0, store, &in, e);
    catalog_unref(in.catalog);
    if (!r && !w)
        desk_pushed(d);
    if (!r && ret->is_repeat) {
        struct lookup l = {.arena = a, .inbox_id = in.inbox_id, .ret = ret};
        r = intake_read_back(d, &l, e);
        ret->is_repeat = true;
    }
    return r;
}

int intake_submit(struct desk *d, struct desk_worker *w, struct intake_ask *ask,
                  struct arena *a, struct intake_result *ret, struct err *e)
{
    return take_in(d, w, ask, a, ret, e);
}

int intake_receive(struct desk *d, struct intake_ask *ask, struct arena *a,
                   struct intake_result *ret, struct err *e)
{
    return take_in(d, NULL, ask, a, ret, e);
}

/* ---- did it help?
 * ------------------------------------------------------------------------ */

struct feedback {
    struct intake in;
    bool helpful;
    struct str comment;
};

/* A request has one thumb, the last; *ret: was there one that pointed down? */
static int take_thumb_back(struct db_tx *tx, int64_t inbox, bool *ret,
                           struct err *e)
{
    int64_t down = 0;
    int r = db_int_of(tx, &down, e,
                      "SELECT COUNT(*) FROM feedback WHERE inbox_id = ?1 AND "
                      "kind = 'thumb' AND value = 0",
                      "i", inbox);
    *ret = down > 0;
    return r ? r
             : db_exec(tx, e,
                       "DELETE FROM feedback WHERE inbox_id = ?1 AND kind = "
                       "'thumb'",
                       "i", inbox);
}

static int store_feedback(struct db_tx *tx, void *arg, struct err *e)
{
    struct feedback *f = arg;
    struct intake *in = &f->in;
    int64_t ticket = 0;
    int64_t article = in->result->answer.article;
    bool was_down = false;
    int r = db_int_of(tx, &ticket, e,
                      "SELECT COALESCE(ticket_id, 0) FROM inbox WHERE id = ?1",
                      "i", in->inbox_id);
    if (!r)
        r = take_thumb_back(tx, in->inbox_id, &was_down, e);
    if (!r)
        r = db_exec(tx, e,
                    "INSERT INTO feedback (inbox_id, article_id, kind, value, "
                    "comment, created_at) VALUES (?1, (SELECT id FROM articles "
                    "WHERE id = ?2), 'thumb', ?3, ?4, ?5)",
                    "iiisi", in->inbox_id, article, (int64_t)f->helpful,
                    f->comment, in->now);
    in->result->ticket_id = ticket;
    if (!r && !f->helpful && !ticket)
        r = intake_become_ticket(tx, in, e);
    if (!r && !f->helpful && !ticket)
        r = intake_link_predictions(tx, in, e);
    if (!r && !f->helpful && !was_down)
        r = intake_put_unanswered(tx, in, e);
    return r;
}

int intake_feedback(struct desk *d, struct desk_worker *w, struct str token,
                    bool helpful, struct str comment, struct arena *a,
                    struct intake_result *ret, struct err *e)
{
    enum { COMMENT_MAX = 2000 };
    struct lookup l = {.arena = a, .token = token, .ret = ret};
    int r = text_check(comment, "comment", 0, COMMENT_MAX, e);
    if (!r)
        r = intake_read_back(d, &l, e);
    if (!r && ret->outcome == INTAKE_RECEIVED)
        r = err_set(e, OTK_ECONFLICT, "the request is still being worked on");
    if (r)
        return r;
    struct intake_ask ask = {
        .channel = arena_copy(a, l.channel),
        .text = l.text,
    };
    intake_payload_read(l.payload, a, &ask);
    ask.want_ticket = true;
    struct feedback f = {
        .in = {.d = d,
               .w = w,
               .ask = &ask,
               .arena = a,
               .result = ret,
               .now = clock_wall(desk_clock(d)),
               .model = "",
               .person_id = l.person_id,
               .inbox_id = l.inbox_id},
        .helpful = helpful,
        .comment = comment,
    };
    f.in.catalog = desk_catalog(d);
    ret->language = intake_language(d, ask.text);
    f.in.topic = catalog_topic(f.in.catalog, ret->topic.label);
    f.in.priority = catalog_priority(f.in.catalog, ret->priority.label);
    r = db_write(desk_db(d), 0, store_feedback, &f, e);
    catalog_unref(f.in.catalog);
    if (!r && ret->ticket_id)
        ret->outcome = INTAKE_TICKET;
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/row_import.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "data/table.h"
#include "db/db.h"
#include "desk/catalog.h"
#include "desk/corpus.h"
#include "desk/message.h"
#include "desk/person.h"
#include "desk/ticket.h"
#include "text/language.h"
#include "text/unicode.h"
#include "triage/train.h"

/* Names of columns; an index here is an index of row_import.columns. */
enum {
    TEXT,
    TOPIC,
    PRIORITY,
    NAME,
    EMAIL,
    PHONE,
    ORGANISATION,
    NOTE,
    EXTERNAL,
    SUBJECT,
    STATE,
    CREATED
};
static const char *const names[IMPORT_COLUMNS] = {
    "text",         "topic", "priority",    "name",    "email", "phone",
    "organisation", "note",  "external_id", "subject", "state", "created_at"};

enum { KEY_MAX = 200, ROW_MAX = 1 << 20 };

int row_import_begin(struct row_import *x, struct err *e)
{
    static const int wanted[][2] = {[IMPORT_EXAMPLES] = {TEXT, TOPIC},
                                    [IMPORT_PEOPLE] = {NAME, NAME},
                                    [IMPORT_TICKETS] = {TEXT, TEXT}};
    for (int i = 0; i < IMPORT_COLUMNS; i++)
        x->columns[i] = table_column(x->table, str_from(names[i]));
    x->answer = table_answer_column(x->table);
    for (int i = 0; i < 2; i++) {
        int c = wanted[x->kind][i];
        if (x->columns[c] < 0)
            return err_set(e, OTK_EFORMAT,
                           "there is no column '%s'; say which with --map "
                           "%s=Name",
                           names[c], names[c]);
    }
    return OTK_OK;
}

/*
 * A row that names nothing by which it can be known again is known by all that
 * it says, so that the same file again changes nothing.
 */
static struct str made_id(const struct row_import *x, size_t row)
{
    struct buf all = BUF_INIT(ROW_MAX);
    for (size_t c = 0; c < x->table->n_columns; c++) {
        buf_put_str(&all, str_trim(table_cell(x->table, row, (int)c)));
        buf_putc(&all, '\n');
    }
    unsigned long long h = str_hash(buf_str(&all));
    buf_free(&all);
    return str_from(arena_printf(x->arena, "import-%016llx", h));
}

static struct str cell(const struct row_import *x, size_t row, int column)
{
    return str_trim(table_cell(x->table, row, x->columns[column]));
}

/* ---- examples
 * ---------------------------------------------------------------------- */

static int check_labels(const struct row_import *x, size_t row, struct err *e)
{
    int r = text_check(cell(x, row, TOPIC), "topic", 0, KEY_MAX, e);
    return r ? r
             : text_check(cell(x, row, PRIORITY), "priority", 0, KEY_MAX, e);
}

static int put_lesson(struct db_tx *tx, const struct row_import *x, size_t row,
                      int64_t ticket, enum import_verdict *ret, struct err *e)
{
    static const enum import_verdict verdicts[] = {IMPORT_NEW, IMPORT_CHANGED,
                                                   IMPORT_SAME};
    enum corpus_put done = CORPUS_SAME;
    struct lesson l = {
        .text = cell(x, row, TEXT),
        .topic = cell(x, row, TOPIC),
        .priority = cell(x, row, PRIORITY),
        .answer = str_trim(table_cell(x->table, row, x->answer)),
        .source = CORPUS_IMPORT,
        .ticket_id = ticket,
    };
    if (str_is(l.topic, TRIAGE_NONE))
        l.priority = (struct str){0};
    int r = corpus_put(tx, &l, x->now, &done, e);
    *ret = verdicts[done];
    return r;
}

static int put_example(struct db_tx *tx, const struct row_import *x, size_t row,
                       enum import_verdict *ret, struct err *e)
{
    int r = text_check(cell(x, row, TEXT), "text", 1, x->text_max, e);
    if (!r)
        r = check_labels(x, row, e);
    if (!r)
        r = text_check(str_trim(table_cell(x->table, row, x->answer)), "answer",
                       0, MESSAGE_MAX, e);
    if (!r && !cell(x, row, TOPIC).n && !cell(x, row, PRIORITY).n)
        r = err_set(e, OTK_EFORMAT, "no label");
    return r ? r : put_lesson(tx, x, row, 0, ret, e);
}

/* ---- people
 * ------------------------------------------------------------------------ */

/* Somebody with the same external id, e-mail or phone. */
static int find_person(struct db_tx *tx, const struct person_change *c,
                       int64_t *ret, struct err *e)
{
    int r = OTK_ENOENT;
    *ret = 0;
    if (c->external_id)
        r = person_external(tx, *c->external_id, ret, e);
    for (size_t i = 0; r == OTK_ENOENT && i < c->n_identities; i++)
        r = db_int_of(tx, ret, e,
                      "SELECT person_id FROM identities WHERE kind = ?1 AND "
                      "value = ?2",
                      "ss", c->identities[i].kind, c->identities[i].value);
    return r == OTK_ENOENT ? OTK_OK : r;
}

static int put_person(struct db_tx *tx, const struct row_import *x, size_t row,
                      enum import_verdict *ret, struct err *e)
{
    struct str name = cell(x, row, NAME);
    struct str organisation = cell(x, row, ORGANISATION);
    struct str note = cell(x, row, NOTE);
    struct str external = cell(x, row, EXTERNAL);
    struct identity all[2];
    struct person_change c = {
        .name = &name,
        .organisation = organisation.n ? &organisation : NULL,
        .note = note.n ? &note : NULL,
        .external_id = external.n ? &external : NULL,
        .identities = all,
    };
    int64_t id = 0;
    if (cell(x, row, EMAIL).n)
        all[c.n_identities++] =
            (struct identity){STR("email"), cell(x, row, EMAIL)};
    if (cell(x, row, PHONE).n)
        all[c.n_identities++] =
            (struct identity){STR("phone"), cell(x, row, PHONE)};
    if (!name.n && !c.n_identities)
        return err_set(e, OTK_EFORMAT, "no name, no e-mail, no phone");
    if (!external.n && !c.n_identities) {
        external = made_id(x, row);
        c.external_id = &external;
    }
    int r = person_change_check(&c, x->arena, e);
    if (!r)
        r = find_person(tx, &c, &id, e);
    *ret = id ? IMPORT_SAME : IMPORT_NEW;
    return r || id ? r : person_add(tx, &c, (struct actor){0}, x->now, &id, e);
}

/* ---- tickets
 * ------------------------------------------------------------------------ */

struct past {
    struct person_ask person;
    struct str text, answer, state, external;
    const struct catalog_topic *topic;
    const struct catalog_priority *priority;
    int64_t at;
};

static int read_past(const struct row_import *x, size_t row, struct past *ret,
                     struct err *e)
{
    static const char *const states[] = {"new",  "open",   "pending",
                                         "hold", "solved", "closed"};
    struct str at = cell(x, row, CREATED);
    struct str topic = cell(x, row, TOPIC);
    struct str priority = cell(x, row, PRIORITY);
    *ret = (struct past){
        .person = {.name = cell(x, row, NAME),
                   .email = cell(x, row, EMAIL),
                   .phone = cell(x, row, PHONE)},
        .text = cell(x, row, TEXT),
        .answer = str_trim(table_cell(x->table, row, x->answer)),
        .state = cell(x, row, STATE),
        .external = cell(x, row, EXTERNAL),
        .topic = catalog_topic(x->catalog, topic),
        .priority = catalog_priority(x->catalog, priority),
        .at = x->now,
    };
    if (!ret->state.n)
        ret->state = STR("closed");
    size_t i = 0;
    while (i < sizeof(states) / sizeof(states[0]) &&
           !str_is(ret->state, states[i]))
        i++;
    if (i == sizeof(states) / sizeof(states[0]))
        return err_field(e, OTK_EFORMAT, "state", "no such state");
    if (at.n && time_parse(at, &ret->at))
        return err_field(e, OTK_EFORMAT, "created_at",
                         "is not an RFC 3339 time");
    if (topic.n && !ret->topic)
        return err_field(e, OTK_EFORMAT, "topic", "the desk has no such topic");
    if (priority.n && !ret->priority)
        return err_field(e, OTK_EFORMAT, "priority",
                         "the desk has no such priority");
    int r = text_check(ret->text, "text", 1, MESSAGE_MAX, e);
    if (!r)
        r = text_check(ret->answer, "answer", 0, MESSAGE_MAX, e);
    if (!r)
        r = text_check(cell(x, row, SUBJECT), "subject", 0, SUBJECT_MAX, e);
    if (!r)
        r = text_check(ret->external, "external_id", 0, KEY_MAX, e);
    return r ? r : person_check(&ret->person, x->arena, e);
}

static int put_past(struct db_tx *tx, const struct row_import *x, size_t row,
                    const struct past *p, int64_t *ret_id, struct err *e)
{
    int64_t person = 0;
    struct str subject = cell(x, row, SUBJECT);
    int r = person_get_or_make(tx, &p->person, x->now, &person, e);
    struct ticket_new t = {
        .subject = subject.n ? subject : ticket_subject(p->text),
        .language = str_from(language_code(language_detect(p->text).language)),
        .channel = "import",
        .topic_id = p->topic ? p->topic->id : 0,
        .priority_id = p->priority ? p->priority->id : 0,
        .person_id = person,
        .external_id = p->external,
    };
    struct message_new m = {
        .kind = "request",
        .body = p->text,
        .by = {person ? ACTOR_PERSON : ACTOR_OTKLIK, person},
        .opens = true,
    };
    if (!r)
        r = ticket_insert(tx, &t, (struct actor){0}, p->at, ret_id, e);
    m.ticket_id = *ret_id;
    if (!r)
        r = message_add(tx, x->stemmer, &m, p->at, NULL, e);
    m.kind = "reply";
    m.opens = false;
    m.body = p->answer;
    m.by = (struct actor){0};
    if (!r && p->answer.n)
        r = message_add(tx, x->stemmer, &m, p->at, NULL, e);
    struct ticket_change c = {.state = &p->state};
    if (!r && !str_is(p->state, "new"))
        r = ticket_change(tx, *ret_id, &c, (struct actor){0}, p->at, e);
    return r;
}

static int put_ticket(struct db_tx *tx, const struct row_import *x, size_t row,
                      enum import_verdict *ret, struct err *e)
{
    struct past p;
    int64_t id = 0;
    enum import_verdict lesson;
    int r = read_past(x, row, &p, e);
    *ret = IMPORT_NEW;
    if (!p.external.n)
        p.external = made_id(x, row);
    if (!r) {
        r = db_int_of(tx, &id, e,
                      "SELECT id FROM tickets WHERE external_id = ?1", "s",
                      p.external);
        *ret = id ? IMPORT_SAME : IMPORT_NEW;
        r = r == OTK_ENOENT ? OTK_OK : r;
    }
    if (r || id)
        return r;
    r = put_past(tx, x, row, &p, &id, e);
    /* what a person filed there is a lesson here */
    if (!r && p.topic)
        r = put_lesson(tx, x, row, id, &lesson, e);
    return r;
}

int row_import_put(struct db_tx *tx, struct row_import *x, size_t row,
                   enum import_verdict *ret, struct err *e)
{
    switch (x->kind) {
    case IMPORT_EXAMPLES: return put_example(tx, x, row, ret, e);
    case IMPORT_PEOPLE: return put_person(tx, x, row, ret, e);
    case IMPORT_TICKETS: return put_ticket(tx, x, row, ret, e);
    }
    return OTK_EINVAL;
}

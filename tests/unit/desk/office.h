/*
 * office.h - an open desk in a folder of its own, for the tests of the desk
 *
 * Two on the staff, who differ in skill and language, and an administrator;
 * one topic under another, one SLA.
 */
#ifndef OTK_TESTS_UNIT_DESK_OFFICE_H
#define OTK_TESTS_UNIT_DESK_OFFICE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "db/db.h"
#include "desk/catalog_edit.h"
#include "desk/desk.h"
#include "desk/intake.h"
#include "test.h"

static char folder[] = "/tmp/otklik-desk-XXXXXX";
static struct desk *desk;
static struct desk_worker *worker;
static struct arena *arena;

static const char office_catalog[] =
    "teams: {line: {name: Line}}\n"
    "skills: {print: Printing, net: Networks}\n"
    "priorities:\n"
    "  high: {name_ru: Высокий, name_en: High, rank: 1, min_level: 3}\n"
    "  normal: {name_ru: Обычный, name_en: Normal, rank: 2, min_level: 1}\n"
    "slas: {std: {targets: {normal: {first: 1h, solution: 1d}}}}\n"
    "topics:\n"
    "  top: {name_en: Top, team: line, sla: std}\n"
    "  printing: {name_en: Printing, parent: top, skill: print}\n"
    "staff:\n"
    "  ann: {name: Ann, team: line, languages: ru, max_open: 1, skills: "
    "{print: 2}}\n"
    "  bob: {name: Bob, team: line, languages: \"ru,en\", max_open: 1, skills: "
    "{print: 4}}\n"
    "  root: {name: Root, role: admin}\n";

static inline int apply_catalog(struct db_tx *tx, void *arg, struct err *e)
{
    return catalog_apply(tx, "seed.yaml", str_from(arg), 1000, e);
}

/* One transaction on the desk; fails the test with its message. */
static inline void write_desk(db_fn *fn, void *arg)
{
    struct err e = {0};
    if (db_write(desk_db(desk), 0, fn, arg, &e))
        fail_msg("%s", e.msg);
}

static inline void read_desk(db_fn *fn, void *arg)
{
    struct err e = {0};
    if (db_read(desk_db(desk), 0, fn, arg, &e))
        fail_msg("%s", e.msg);
}

/* A person of this address writes; the ticket's id. */
static inline int64_t ticket_of(const char *text, const char *email)
{
    struct intake_result r;
    struct err e = {0};
    struct intake_ask ask = {.channel = "form",
                             .text = str_from(text),
                             .want_ticket = true,
                             .person = {.email = str_from(email)}};
    if (intake_submit(desk, worker, &ask, arena, &r, &e))
        fail_msg("%s", e.msg);
    assert_true(r.ticket_id > 0);
    return r.ticket_id;
}

static inline int open_desk(void **state)
{
    (void)state;
    char path[300];
    struct err e = {0};
    struct desk_options o = {.folder = folder};
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/otklik.yaml", folder);
    if (file_write(path, STR("desk:\n  language: ru\n"), 0600, &e) ||
        desk_open(&o, &desk, &e) ||
        db_write(desk_db(desk), 0, apply_catalog,
                 (void *)(uintptr_t)office_catalog, &e) ||
        desk_refresh(desk, &e)) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return -1;
    }
    worker = desk_worker_new();
    arena = arena_new();
    return 0;
}

static inline int close_desk(void **state)
{
    (void)state;
    char command[300];
    desk_worker_free(worker);
    arena_free(arena);
    desk_close(desk);
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

#endif

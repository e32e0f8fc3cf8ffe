/*
 * desk/message.h - what was said on a ticket
 *
 * Kinds: "request" (of the person), "reply" (to the person), "note" (among
 * staff), "system" (Otklik). A reply stops the clocks of answers, a further
 * request starts the next one and opens a ticket that rested.
 */
#ifndef OTK_DESK_MESSAGE_H
#define OTK_DESK_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "desk/actor.h"

struct arena;
struct catalog;
struct db_tx;
struct err;
struct stemmer;

enum { MESSAGE_MAX = 64 * 1024 };

struct message_new {
    int64_t ticket_id;
    const char *kind;
    struct str body;
    struct actor by;
    bool opens; /* the ticket was just made for it: its clocks run already */
    const struct catalog *catalog; /* for the next promise; NULL: none */
    struct str channels; /* "email,phone": a reply goes out; empty: it stays */
};
/* Adds the full-text row, the event and, for a reply, what goes out. */
int message_add(struct db_tx *tx, struct stemmer *s,
                const struct message_new *m, int64_t now_ms, int64_t *ret_id,
                struct err *e);

struct message {
    int64_t id, author_id, created_at;
    struct str kind, author, body;
};
/* Oldest first. `for_person`: only what the person may see. */
int message_list(struct db_tx *tx, int64_t ticket_id, bool for_person,
                 struct arena *a, struct message **ret, size_t *ret_n,
                 struct err *e);

/* The full-text row again, after the body was changed. */
int message_index(struct db_tx *tx, struct stemmer *s, int64_t id,
                  struct str body, struct err *e);

#endif

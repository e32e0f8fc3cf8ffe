/*
 * desk/outbox.h - every message that leaves, sent once and accounted for
 *
 * A message is put in the transaction that makes it necessary, under a dedup
 * key, and sent later by whoever takes it under a lease. States: waiting ->
 * sending -> sent, or back to waiting after a failure, at last failed. When a
 * sender dies or cannot tell whether the message left (a time-out after the
 * last byte), the message is `unsure`: it is never sent again by itself, a
 * person decides (outbox_retry(), outbox_settle()).
 */
#ifndef OTK_DESK_OUTBOX_H
#define OTK_DESK_OUTBOX_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "desk/actor.h"

struct arena;
struct db;
struct db_tx;
struct err;
struct message_new;
struct ticket;

enum {
    OUTBOX_ATTEMPTS = 8,
    OUTBOX_LEASE_MS = 120 * 1000,
    OUTBOX_PAUSE_MS = 30 * 1000, /* doubles with each failure … */
    OUTBOX_PAUSE_MAX_MS = 3600 * 1000,
};

struct outbox_new {
    const char *channel; /* "email" "phone" … */
    struct str recipient;
    struct str body; /* JSON */
    const char *dedup;
    int64_t ticket_id, message_id; /* 0: none */
};
/* A second one with the same dedup key is left out without a word. */
int outbox_put(struct db_tx *tx, const struct outbox_new *m, int64_t now_ms,
               struct err *e);

/* A reply to the person of the ticket, by the first of the message's channels
 * that reaches him; nothing when none does: he reads it on the page of his
 * request. */
int outbox_put_reply(struct db_tx *tx, const struct ticket *t,
                     int64_t message_id, const struct message_new *m,
                     int64_t now_ms, struct err *e);

struct outbox_item {
    int64_t id, ticket_id, message_id, created_at, sent_at;
    int attempts; /* with this one */
    struct str channel, recipient, body, state, dedup, last_error;
};

/* Take up to `max` due ones; those whose lease ran out become unsure. */
int outbox_take(struct db *db, const char *owner, int64_t now_ms, size_t max,
                struct arena *a, struct outbox_item *ret, size_t *ret_n,
                struct err *e);

/* What became of one that was taken. OTK_ECONFLICT: the lease was lost. */
enum outbox_verdict {
    OUTBOX_SENT,
    OUTBOX_LATER,  /* it did not leave: try again, or fail at last */
    OUTBOX_FAILED, /* it will never leave */
    OUTBOX_UNSURE,
};
int outbox_done(struct db_tx *tx, const struct outbox_item *m,
                const char *owner, enum outbox_verdict v, const char *why,
                int64_t now_ms, struct err *e);

/* Newest first; `state` empty: all. `before_id` 0: from the newest. */
int outbox_list(struct db_tx *tx, struct str state, int64_t before_id,
                size_t limit, struct arena *a, struct outbox_item **ret,
                size_t *ret_n, struct err *e);

/* A person decides about an unsure or failed one: send it (again), or take it
 * as sent. OTK_ENOENT, OTK_ECONFLICT: it is neither. */
int outbox_retry(struct db_tx *tx, int64_t id, struct actor by, int64_t now_ms,
                 struct err *e);
int outbox_settle(struct db_tx *tx, int64_t id, struct actor by, int64_t now_ms,
                  struct err *e);

#endif

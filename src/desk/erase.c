/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/erase.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "db/db.h"
#include "desk/audit.h"
#include "desk/blob.h"
#include "desk/desk.h"
#include "knowledge/unanswered.h"
#include "text/unicode.h"

enum { OBJECT_BYTES = 40, COUNTS_BYTES = 1024, HASH_RAW = 32 };

/* ---- one ticket
 * --------------------------------------------------------------------- */

/* Ids of a query about `id`; free() them. */
static int read_ids(struct db_tx *tx, const char *sql, int64_t id,
                    int64_t **ret, size_t *ret_n, struct err *e)
{
    struct db_rows *rows;
    size_t cap = 0;
    *ret = NULL;
    *ret_n = 0;
    int r = db_query(tx, &rows, e, sql, "i", id);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        *ret = mem_grow(*ret, *ret_n, &cap, sizeof(**ret));
        (*ret)[(*ret_n)++] = db_int(rows, 0);
    }
    db_rows_free(rows);
    return r;
}

static int drop_texts(struct db_tx *tx, const char *sql, int64_t id,
                      int64_t *ret_n, struct err *e)
{
    int64_t *ids;
    size_t n;
    int r = read_ids(tx, sql, id, &ids, &n, e);
    for (size_t i = 0; !r && i < n; i++)
        r = db_text_drop(tx, "messages_text", ids[i], e);
    free(ids);
    if (ret_n)
        *ret_n += (int64_t)n;
    return r;
}

int erase_ticket(struct db_tx *tx, int64_t ticket_id, int64_t *ret_messages,
                 struct err *e)
{
    static const char *const wipes[] = {
        "UPDATE messages SET body = '', external_id = NULL WHERE ticket_id = "
        "?1",
        "UPDATE tickets SET subject = '', external_id = NULL, version = "
        "version + 1 WHERE id = ?1",
        "DELETE FROM attachments WHERE ticket_id = ?1",
        "UPDATE inbox SET text = '', answer_json = NULL, payload_json = '{}', "
        "dedup = NULL WHERE ticket_id = ?1",
        "UPDATE outbox SET recipient = '', body_json = '{}', state = CASE WHEN "
        "state = 'sent' THEN 'sent' ELSE 'failed' END WHERE ticket_id = ?1",
        "UPDATE predictions SET reason_json = '{}' WHERE ticket_id = ?1",
        "DELETE FROM examples WHERE ticket_id = ?1",
        "UPDATE feedback SET comment = '' WHERE ticket_id = ?1",
    };
    int r = drop_texts(tx, "SELECT id FROM messages WHERE ticket_id = ?1",
                       ticket_id, ret_messages, e);
    for (size_t i = 0; !r && i < sizeof(wipes) / sizeof(wipes[0]); i++)
        r = db_exec(tx, e, wipes[i], "i", ticket_id);
    return r;
}

/* ---- a person
 * ------------------------------------------------------------------------ */

struct erasing {
    struct desk *d;
    struct arena *arena;
    int64_t person;
    struct actor by;
    int64_t now;
    struct erasure *ret;
    int64_t tickets, messages, requests, identities;
    struct str *hashes; /* of files that may go now */
    size_t n_hashes, cap_hashes;
};

static int check_person(struct db_tx *tx, const struct erasing *x,
                        struct err *e)
{
    int64_t is_staff = 0;
    int64_t erased = 0;
    int r = db_int_of(tx, &erased, e,
                      "SELECT COALESCE(erased_at, 0) FROM people WHERE id = ?1",
                      "i", x->person);
    if (r == OTK_ENOENT)
        return err_set(e, r, "no person %lld", (long long)x->person);
    if (!r && erased)
        return err_set(e, OTK_ECONFLICT, "the person was erased before");
    if (!r)
        r = db_int_of(tx, &is_staff, e,
                      "SELECT COUNT(*) FROM staff WHERE person_id = ?1", "i",
                      x->person);
    if (!r && is_staff)
        r = err_set(e, OTK_ECONFLICT,
                    "a member of staff cannot be erased: what staff did is "
                    "the desk's record");
    return r;
}

static int read_hashes(struct db_tx *tx, struct erasing *x, struct err *e)
{
    struct db_rows *rows;
    x->n_hashes = 0; /* the closure may be run again */
    int r =
        db_query(tx, &rows, e,
                 "SELECT hash FROM attachments WHERE uploaded_by = ?1 UNION "
                 "SELECT a.hash FROM attachments a JOIN tickets t ON t.id = "
                 "a.ticket_id WHERE t.person_id = ?1 UNION SELECT a.hash "
                 "FROM attachments a JOIN messages m ON m.id = "
                 "a.message_id WHERE m.author_id = ?1",
                 "i", x->person);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        x->hashes = mem_grow(x->hashes, x->n_hashes, &x->cap_hashes,
                             sizeof(*x->hashes));
        x->hashes[x->n_hashes++] = arena_str(x->arena, db_text(rows, 0));
    }
    db_rows_free(rows);
    return r;
}

static int erase_tickets(struct db_tx *tx, struct erasing *x, struct err *e)
{
    /* on other people's tickets, also those that took in one of his */
    static const char *const wipes[] = {
        "DELETE FROM attachments WHERE uploaded_by = ?1 OR message_id IN "
        "(SELECT id FROM messages WHERE author_id = ?1)",
        "UPDATE messages SET body = '', external_id = NULL WHERE author_id = "
        "?1",
        "UPDATE outbox SET recipient = '', body_json = '{}', state = CASE WHEN "
        "state = 'sent' THEN 'sent' ELSE 'failed' END WHERE recipient IN "
        "(SELECT value FROM identities WHERE person_id = ?1)",
    };
    int64_t *ids = NULL;
    size_t n = 0;
    int r = read_hashes(tx, x, e);
    if (!r)
        r = read_ids(tx, "SELECT id FROM tickets WHERE person_id = ?1",
                     x->person, &ids, &n, e);
    x->messages = 0;
    for (size_t i = 0; !r && i < n; i++)
        r = erase_ticket(tx, ids[i], &x->messages, e);
    free(ids);
    x->tickets = r ? 0 : (int64_t)n;
    /* what he said on other people's tickets */
    if (!r)
        r = drop_texts(tx,
                       "SELECT id FROM messages WHERE author_id = ?1 AND body "
                       "<> ''",
                       x->person, &x->messages, e);
    for (size_t i = 0; !r && i < sizeof(wipes) / sizeof(wipes[0]); i++)
        r = db_exec(tx, e, wipes[i], "i", x->person);
    return r;
}

/* Questions of his on the board of those without an answer. */
static int erase_questions(struct db_tx *tx, struct erasing *x, struct err *e)
{
    struct db_rows *rows;
    struct str *texts = NULL;
    size_t n = 0;
    size_t cap = 0;
    int r = db_query(tx, &rows, e,
                     "SELECT text FROM inbox WHERE person_id = ?1 AND text <> "
                     "'' UNION SELECT m.body FROM messages m JOIN tickets t ON "
                     "t.id = m.ticket_id WHERE t.person_id = ?1 AND m.kind = "
                     "'request'",
                     "i", x->person);
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        texts = mem_grow(texts, n, &cap, sizeof(*texts));
        texts[n++] = arena_str(x->arena, db_text(rows, 0));
    }
    db_rows_free(rows);
    for (size_t i = 0; !r && i < n; i++) {
        r = unanswered_drop(tx, texts[i], e);
        if (!r)
            r = db_exec(tx, e,
                        "DELETE FROM examples WHERE fingerprint = ?1 AND "
                        "source = 'correction'",
                        "s", text_fingerprint(x->arena, texts[i]));
    }
    free(texts);
    return r;
}

static int erase_rows(struct db_tx *tx, struct erasing *x, struct err *e)
{
    int r = erase_questions(tx, x, e);
    if (!r)
        r = erase_tickets(tx, x, e);
    if (!r)
        r = db_exec(tx, e,
                    "UPDATE feedback SET comment = '' WHERE inbox_id IN "
                    "(SELECT id FROM inbox WHERE person_id = ?1)",
                    "i", x->person);
    if (!r)
        r = db_change(tx, &x->requests, e,
                      "UPDATE inbox SET text = '', answer_json = NULL, "
                      "payload_json = '{}', dedup = NULL WHERE person_id = ?1",
                      "i", x->person);
    if (!r)
        r = db_change(tx, &x->identities, e,
                      "DELETE FROM identities WHERE person_id = ?1", "i",
                      x->person);
    /* replies that are kept for repeats may quote him */
    if (!r)
        r = db_exec(tx, e, "DELETE FROM idempotency_keys", "");
    return r ? r
             : db_exec(tx, e,
                       "UPDATE people SET name = '', language = '', "
                       "organisation = '', note = '', external_id = NULL, "
                       "erased_at = ?2, updated_at = ?2 WHERE id = ?1",
                       "ii", x->person, x->now);
}

/* ---- the proof
 * ----------------------------------------------------------------------- */

static int prove(struct db_tx *tx, const struct erasure *x,
                 char ret[PROOF_BYTES], struct err *e)
{
    struct db_rows *rows;
    crypto_generichash_state h;
    unsigned char raw[HASH_RAW];
    char head[64];
    int r = db_query(tx, &rows, e, "SELECT hash FROM audit WHERE id = ?1", "i",
                     x->audit_id);
    if (r)
        return r;
    (void)snprintf(head, sizeof(head), "erased person %lld\n",
                   (long long)x->person_id);
    (void)crypto_generichash_init(&h, NULL, 0, HASH_RAW);
    (void)crypto_generichash_update(&h, (unsigned char *)head, strlen(head));
    (void)crypto_generichash_update(&h, (const unsigned char *)x->counts.p,
                                    x->counts.n);
    r = db_next(rows, e);
    if (r > 0) {
        struct str hash = db_text(rows, 0);
        (void)crypto_generichash_update(&h, (const unsigned char *)hash.p,
                                        hash.n);
    }
    db_rows_free(rows);
    (void)crypto_generichash_final(&h, raw, sizeof(raw));
    (void)sodium_bin2hex(ret, PROOF_BYTES, raw, sizeof(raw));
    if (r == 0)
        return err_set(e, OTK_EIO, "the audit row of the erasure is missing");
    return r < 0 ? r : OTK_OK;
}

static int put_proof(struct db_tx *tx, struct erasing *x, struct err *e)
{
    char object[OBJECT_BYTES];
    struct erasure *ret = x->ret;
    (void)snprintf(object, sizeof(object), "person:%lld", (long long)x->person);
    ret->person_id = x->person;
    ret->created_at = x->now;
    ret->counts = str_from(arena_printf(
        x->arena,
        "{\"tickets\":%lld,\"messages\":%lld,\"requests\":%lld,"
        "\"identities\":%lld,\"files\":%zu}",
        (long long)x->tickets, (long long)x->messages, (long long)x->requests,
        (long long)x->identities, x->n_hashes));
    int r =
        audit_add(tx, x->by, "person.erase", object, ret->counts, x->now, e);
    if (!r)
        r = db_int_of(tx, &ret->audit_id, e, "SELECT MAX(id) FROM audit", "");
    if (!r)
        r = prove(tx, ret, ret->proof, e);
    return r ? r
             : db_insert(tx, &ret->id, e,
                         "INSERT INTO erasures (person_id, audit_id, "
                         "counts_json, proof, created_at) VALUES (?1, ?2, ?3, "
                         "?4, ?5)",
                         "iisti", x->person, ret->audit_id, ret->counts,
                         ret->proof, x->now);
}

static int erase(struct db_tx *tx, void *arg, struct err *e)
{
    struct erasing *x = arg;
    int r = check_person(tx, x, e);
    if (!r)
        r = erase_rows(tx, x, e);
    return r ? r : put_proof(tx, x, e);
}

/* Files that nobody else needs, and what the full-text index still holds. */
static int scrub(struct db_tx *tx, void *arg, struct err *e)
{
    const struct erasing *x = arg;
    int r = OTK_OK;
    for (size_t i = 0; !r && i < x->n_hashes; i++) {
        int64_t n = 0;
        r = db_int_of(tx, &n, e,
                      "SELECT COUNT(*) FROM attachments WHERE hash = ?1", "s",
                      x->hashes[i]);
        if (!r && n == 0)
            r = blob_remove(desk_folder(x->d), x->hashes[i], e);
    }
    return r ? r : db_text_scrub(tx, "messages_text", e);
}

int erase_person(struct desk *d, int64_t person_id, struct actor by,
                 struct arena *a, struct erasure *ret, struct err *e)
{
    enum { LONG_MS = 120000 };
    struct erasing x = {
        .d = d,
        .arena = a,
        .person = person_id,
        .by = by,
        .now = clock_wall(desk_clock(d)),
        .ret = ret,
    };
    int r = db_write(desk_db(d), LONG_MS, erase, &x, e);
    if (!r)
        r = db_write(desk_db(d), LONG_MS, scrub, &x, e);
    free(x.hashes);
    return r;
}

int erase_find(struct db_tx *tx, int64_t person_id, struct arena *a,
               struct erasure *ret, struct err *e)
{
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT id, person_id, audit_id, created_at, counts_json, "
                     "proof FROM erasures WHERE person_id = ?1 ORDER BY id "
                     "DESC LIMIT 1",
                     "i", person_id);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0) {
        *ret = (struct erasure){.id = db_int(rows, 0),
                                .person_id = db_int(rows, 1),
                                .audit_id = db_int(rows, 2),
                                .created_at = db_int(rows, 3),
                                .counts = arena_str(a, db_text(rows, 4))};
        (void)snprintf(ret->proof, PROOF_BYTES, STR_FMT,
                       STR_ARG(db_text(rows, 5)));
    }
    db_rows_free(rows);
    if (r == 0)
        return err_set(e, OTK_ENOENT, "this person was not erased");
    return r < 0 ? r : OTK_OK;
}

static int count_left(struct db_tx *tx, int64_t person, int64_t *ret,
                      struct err *e)
{
    return db_int_of(
        tx, ret, e,
        "SELECT (SELECT COUNT(*) FROM identities WHERE person_id = ?1) + "
        "(SELECT COUNT(*) FROM people WHERE id = ?1 AND (name <> '' OR note <> "
        "'' OR organisation <> '' OR external_id IS NOT NULL)) + (SELECT "
        "COUNT(*) FROM inbox WHERE person_id = ?1 AND text <> '') + (SELECT "
        "COUNT(*) FROM messages m JOIN tickets t ON t.id = m.ticket_id WHERE "
        "t.person_id = ?1 AND m.body <> '' AND m.kind <> 'system') + (SELECT "
        "COUNT(*) FROM messages WHERE author_id = ?1 AND body <> '') + (SELECT "
        "COUNT(*) FROM tickets WHERE person_id = ?1 AND subject <> '') + "
        "(SELECT COUNT(*) FROM attachments a JOIN tickets t ON t.id = "
        "a.ticket_id WHERE t.person_id = ?1 OR a.uploaded_by = ?1)",
        "i", person);
}

int erase_verify(struct db_tx *tx, const struct erasure *x, bool *ret,
                 const char **ret_why, struct err *e)
{
    char proof[PROOF_BYTES];
    int64_t left = 0;
    int r = prove(tx, x, proof, e);
    if (!r)
        r = count_left(tx, x->person_id, &left, e);
    if (r)
        return r;
    bool same = strcmp(proof, x->proof) == 0;
    *ret = same && left == 0;
    *ret_why = !same  ? "the proof does not fit what is recorded"
               : left ? "something of the person is in the store again"
                      : "";
    return OTK_OK;
}

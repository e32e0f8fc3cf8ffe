/*
 * desk/access.h - who may come in: passwords, sessions, API keys
 *
 * Passwords are kept as argon2id hashes, tokens of sessions and keys as
 * BLAKE2b hashes: nothing in the store lets anybody in.
 */
#ifndef OTK_DESK_ACCESS_H
#define OTK_DESK_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;
struct db;
struct db_tx;
struct err;

enum { PASSWORD_MIN = 8, PASSWORD_MAX = 200, SECRET_BYTES = 72 };

/* OTK_EFORMAT when it is too short or long, OTK_ENOENT: no such login. */
int password_set(struct db_tx *tx, struct str login, struct str password,
                 struct err *e);

struct session {
    int64_t person_id;
    struct str name, login, role, csrf;
};

/*
 * Sign in: *ret_token is for the cookie. OTK_EDENIED says the same for an
 * unknown login and a wrong password, after the same work.
 */
int session_open(struct db *db, struct str login, struct str password,
                 int64_t now_ms, int64_t hours, struct arena *a,
                 char ret_token[SECRET_BYTES], struct session *ret,
                 struct err *e);
/* OTK_ENOENT: none, or over. */
int session_find(struct db_tx *tx, struct str token, int64_t now_ms,
                 struct arena *a, struct session *ret, struct err *e);
int session_end(struct db_tx *tx, struct str token, struct err *e);

enum scope {
    SCOPE_REQUESTS = 1 << 0,  /* send requests, ask about them */
    SCOPE_TICKETS = 1 << 1,   /* read and change tickets */
    SCOPE_KNOWLEDGE = 1 << 2, /* read and change articles */
    SCOPE_TRIAGE = 1 << 3,    /* predict */
    SCOPE_ADMIN = 1 << 4,     /* staff, topics, settings, keys */
};
enum { SCOPES_ALL = 31 };

/* "requests tickets" to bits; OTK_EFORMAT names the unknown one. */
int scopes_parse(struct str names, unsigned *ret, struct err *e);

/* *ret_key is shown once: "otk_…". */
int key_add(struct db_tx *tx, struct str name, struct str scopes,
            int64_t expires_at, int64_t now_ms, char ret_key[SECRET_BYTES],
            int64_t *ret_id, struct err *e);
/* OTK_ENOENT: unknown, revoked or expired. */
int key_find(struct db_tx *tx, struct str key, int64_t now_ms, int64_t *ret_id,
             unsigned *ret_scopes, struct err *e);
int key_revoke(struct db_tx *tx, int64_t id, int64_t now_ms, struct err *e);

struct key {
    int64_t id, created_at, expires_at, revoked_at; /* ms; 0: never */
    struct str name, scopes;
    struct str hint; /* how it begins: the key itself is not kept */
};
/* By id. */
int key_list(struct db_tx *tx, struct arena *a, struct key **ret, size_t *ret_n,
             struct err *e);

#endif

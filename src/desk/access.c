/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/access.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "db/db.h"
#include "text/unicode.h"

enum { TOKEN_SECRET = 32, HASH_BYTES = 32, HEX_BYTES = 65, KEY_NAME_MAX = 100 };

static void hash_token(struct str token, char ret[HEX_BYTES])
{
    unsigned char hash[HASH_BYTES];
    (void)crypto_generichash(hash, sizeof(hash), (const unsigned char *)token.p,
                             token.n, NULL, 0);
    (void)sodium_bin2hex(ret, HEX_BYTES, hash, sizeof(hash));
}

/* ---- passwords
 * ----------------------------------------------------------------------- */

/* Interactive limits: 64 MiB and some 50 ms, so that sixteen sign-ins at once
 * fit beside everything else on a small machine. */
static int hash_password(struct str password, char ret[crypto_pwhash_STRBYTES],
                         struct err *e)
{
    if (crypto_pwhash_str(ret, password.p, password.n,
                          crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE))
        return err_set(e, OTK_EAGAIN, "no memory to hash a password");
    return OTK_OK;
}

int password_set(struct db_tx *tx, struct str login, struct str password,
                 struct err *e)
{
    char hash[crypto_pwhash_STRBYTES];
    int64_t n;
    if (password.n < PASSWORD_MIN || password.n > PASSWORD_MAX)
        return err_field(e, OTK_EFORMAT, "password", "must have %d to %d bytes",
                         PASSWORD_MIN, PASSWORD_MAX);
    int r = hash_password(password, hash, e);
    if (r)
        return r;
    r = db_change(tx, &n, e,
                  "UPDATE staff SET password_hash = ?2 WHERE login = ?1", "st",
                  login, hash);
    if (!r && n == 0)
        return err_set(e, OTK_ENOENT, "no login '" STR_FMT "'", STR_ARG(login));
    return r;
}

/* ---- sessions
 * ------------------------------------------------------------------------- */

struct sign_in {
    struct arena *arena;
    struct str login;
    struct session *session;
    const char *hash; /* of the password; NULL: no such login */
    const char *token_hash;
    int64_t now, expires_at;
};

static int read_login(struct db_tx *tx, void *arg, struct err *e)
{
    struct sign_in *s = arg;
    struct db_rows *rows;
    int r = db_query(tx, &rows, e,
                     "SELECT s.person_id, p.name, s.login, s.role, "
                     "s.password_hash FROM staff s JOIN people p ON p.id = "
                     "s.person_id WHERE s.login = ?1 AND s.is_active = 1 AND "
                     "s.password_hash <> ''",
                     "s", s->login);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0) {
        *s->session = (struct session){
            .person_id = db_int(rows, 0),
            .name = arena_str(s->arena, db_text(rows, 1)),
            .login = arena_str(s->arena, db_text(rows, 2)),
            .role = arena_str(s->arena, db_text(rows, 3)),
        };
        s->hash = arena_copy(s->arena, db_text(rows, 4));
    }
    db_rows_free(rows);
    return r < 0 ? r : OTK_OK;
}

static int write_session(struct db_tx *tx, void *arg, struct err *e)
{
    struct sign_in *s = arg;
    return db_exec(tx, e,
                   "INSERT INTO sessions (hash, person_id, csrf, created_at, "
                   "expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                   "tisii", s->token_hash, s->session->person_id,
                   s->session->csrf, s->now, s->expires_at);
}

/* A hash of a password that nobody has: work for logins that nobody has. */
static const char nobody[] =
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

int session_open(struct db *db, struct str login, struct str password,
                 int64_t now_ms, int64_t hours, struct arena *a,
                 char ret_token[SECRET_BYTES], struct session *ret,
                 struct err *e)
{
    char hash[HEX_BYTES];
    char csrf[HEX_BYTES];
    struct sign_in s = {.arena = a,
                        .login = login,
                        .session = ret,
                        .token_hash = hash,
                        .now = now_ms,
                        .expires_at = now_ms + hours * MS_HOUR};
    int r = db_read(db, 0, read_login, &s, e);
    if (r)
        return r;
    bool right = password.n <= PASSWORD_MAX &&
                 crypto_pwhash_str_verify(s.hash ? s.hash : nobody, password.p,
                                          password.n) == 0;
    if (!right || !s.hash)
        return err_set(e, OTK_EDENIED, "login or password is wrong");
    rand_token(ret_token, TOKEN_SECRET);
    rand_token(csrf, TOKEN_SECRET / 2);
    hash_token(str_from(ret_token), hash);
    ret->csrf = arena_str(a, str_from(csrf));
    return db_write(db, 0, write_session, &s, e);
}

int session_find(struct db_tx *tx, struct str token, int64_t now_ms,
                 struct arena *a, struct session *ret, struct err *e)
{
    char hash[HEX_BYTES];
    struct db_rows *rows;
    hash_token(token, hash);
    int r = db_query(tx, &rows, e,
                     "SELECT x.person_id, p.name, s.login, s.role, x.csrf FROM "
                     "sessions x JOIN staff s ON s.person_id = x.person_id "
                     "JOIN people p ON p.id = x.person_id WHERE x.hash = ?1 "
                     "AND x.expires_at > ?2 AND s.is_active = 1",
                     "ti", hash, now_ms);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0)
        *ret = (struct session){
            .person_id = db_int(rows, 0),
            .name = arena_str(a, db_text(rows, 1)),
            .login = arena_str(a, db_text(rows, 2)),
            .role = arena_str(a, db_text(rows, 3)),
            .csrf = arena_str(a, db_text(rows, 4)),
        };
    db_rows_free(rows);
    return r > 0 ? OTK_OK : r < 0 ? r : OTK_ENOENT;
}

int session_end(struct db_tx *tx, struct str token, struct err *e)
{
    char hash[HEX_BYTES];
    hash_token(token, hash);
    return db_exec(tx, e, "DELETE FROM sessions WHERE hash = ?1", "t", hash);
}

/* ---- API keys
 * ----------------------------------------------------------------------------
 */

int scopes_parse(struct str names, unsigned *ret, struct err *e)
{
    static const char *const known[] = {"requests", "tickets", "knowledge",
                                        "triage", "admin"};
    struct str one;
    *ret = 0;
    while (str_next(&names, ' ', &one)) {
        size_t i = 0;
        while (i < 5 && !str_is(one, known[i]))
            i++;
        if (one.n == 0)
            continue;
        if (i == 5)
            return err_field(e, OTK_EFORMAT, "scopes",
                             "no scope '" STR_FMT
                             "': requests tickets knowledge triage admin",
                             STR_ARG(one));
        *ret |= 1U << i;
    }
    return *ret ? OTK_OK
                : err_field(e, OTK_EFORMAT, "scopes", "at least one is needed");
}

int key_add(struct db_tx *tx, struct str name, struct str scopes,
            int64_t expires_at, int64_t now_ms, char ret_key[SECRET_BYTES],
            int64_t *ret_id, struct err *e)
{
    char secret[HEX_BYTES];
    char hash[HEX_BYTES];
    char hint[12];
    unsigned bits;
    int r = text_check(name, "name", 1, KEY_NAME_MAX, e);
    if (!r)
        r = scopes_parse(scopes, &bits, e);
    if (r)
        return r;
    rand_token(secret, TOKEN_SECRET);
    (void)snprintf(ret_key, SECRET_BYTES, "otk_%s", secret);
    (void)snprintf(hint, sizeof(hint), "%.10s", ret_key);
    hash_token(str_from(ret_key), hash);
    return db_insert(tx, ret_id, e,
                     "INSERT INTO api_keys (name, hash, hint, scopes, "
                     "created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                     "sttsiI", name, hash, hint, scopes, now_ms,
                     expires_at ? &expires_at : NULL);
}

int key_find(struct db_tx *tx, struct str key, int64_t now_ms, int64_t *ret_id,
             unsigned *ret_scopes, struct err *e)
{
    char hash[HEX_BYTES];
    struct db_rows *rows;
    hash_token(key, hash);
    int r = db_query(tx, &rows, e,
                     "SELECT id, scopes FROM api_keys WHERE hash = ?1 AND "
                     "revoked_at IS NULL AND (expires_at IS NULL OR "
                     "expires_at > ?2)",
                     "ti", hash, now_ms);
    if (r)
        return r;
    r = db_next(rows, e);
    if (r > 0) {
        *ret_id = db_int(rows, 0);
        r = scopes_parse(db_text(rows, 1), ret_scopes, e) ? OTK_EIO : 1;
    }
    db_rows_free(rows);
    return r > 0 ? OTK_OK : r < 0 ? r : OTK_ENOENT;
}

int key_revoke(struct db_tx *tx, int64_t id, int64_t now_ms, struct err *e)
{
    int64_t n;
    int r = db_change(tx, &n, e,
                      "UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1 AND "
                      "revoked_at IS NULL",
                      "ii", id, now_ms);
    if (!r && n == 0)
        return err_set(e, OTK_ENOENT, "no such key");
    return r;
}

int key_list(struct db_tx *tx, struct arena *a, struct key **ret, size_t *ret_n,
             struct err *e)
{
    struct key *list = NULL;
    size_t cap = 0;
    struct db_rows *rows;
    *ret_n = 0;
    int r = db_query(tx, &rows, e,
                     "SELECT id, name, hint, scopes, created_at, expires_at, "
                     "revoked_at FROM api_keys ORDER BY id",
                     "");
    if (r)
        return r;
    while ((r = db_next(rows, e)) > 0) {
        list = mem_grow(list, *ret_n, &cap, sizeof(*list));
        list[(*ret_n)++] = (struct key){
            .id = db_int(rows, 0),
            .name = arena_str(a, db_text(rows, 1)),
            .hint = arena_str(a, db_text(rows, 2)),
            .scopes = arena_str(a, db_text(rows, 3)),
            .created_at = db_int(rows, 4),
            .expires_at = db_int(rows, 5),
            .revoked_at = db_int(rows, 6),
        };
    }
    db_rows_free(rows);
    *ret = arena_keep(a, list, *ret_n, sizeof(*list));
    return r;
}

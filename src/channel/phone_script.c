/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "channel/phone_script_parts.h"

enum { EXPIRES_MIN = 30, EXPIRES_MAX = 86400, EXPIRES = 300 };

/* ---- the document
 * ------------------------------------------------------------------ */

int script_fail(struct script_reader *r, const yaml_node_t *at,
                const char *what)
{
    (void)err_set(r->e, OTK_EFORMAT, "%s", what);
    return err_place(r->e, OTK_EFORMAT, "%s:%zu", r->path,
                     at ? at->start_mark.line + 1 : 1);
}

struct str script_scalar(const yaml_node_t *n)
{
    if (!n || n->type != YAML_SCALAR_NODE)
        return (struct str){0};
    return (struct str){(const char *)n->data.scalar.value,
                        n->data.scalar.length};
}

int script_pairs(struct script_reader *r, const yaml_node_t *map,
                 const char *what, script_pair_fn *fn, void *arg)
{
    if (map->type != YAML_MAPPING_NODE)
        return script_fail(r, map, what);
    int err = OTK_OK;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         !err && p < map->data.mapping.pairs.top; p++)
        err = fn(r, yaml_document_get_node(&r->doc, p->key),
                 yaml_document_get_node(&r->doc, p->value), arg);
    return err;
}

int script_items(struct script_reader *r, const yaml_node_t *list,
                 const char *what, script_item_fn *fn, void *arg)
{
    if (list->type != YAML_SEQUENCE_NODE)
        return script_fail(r, list, what);
    int err = OTK_OK;
    for (yaml_node_item_t *i = list->data.sequence.items.start;
         !err && i < list->data.sequence.items.top; i++)
        err = fn(r, yaml_document_get_node(&r->doc, *i), arg);
    return err;
}

int script_unknown(struct script_reader *r, const yaml_node_t *key)
{
    char text[128];
    (void)snprintf(text, sizeof(text), "there is no field '%.60s'",
                   script_scalar(key).p ? script_scalar(key).p : "");
    return script_fail(r, key, text);
}

int script_text(struct script_reader *r, const yaml_node_t *value, size_t max,
                const char **ret)
{
    struct str s = str_trim(script_scalar(value));
    if (value->type != YAML_SCALAR_NODE)
        return script_fail(r, value, "must be one text");
    if (s.n > max)
        return script_fail(r, value, "the text is too long");
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\n')
            return script_fail(r, value,
                               "there is a control character in the text");
    }
    *ret = arena_copy(r->a, s);
    return OTK_OK;
}

int script_number(struct script_reader *r, const yaml_node_t *value,
                  int64_t min, int64_t max, const char *what, int64_t *ret)
{
    int64_t n = 0;
    if (str_to_int(script_scalar(value), &n) || n < min || n > max)
        return script_fail(r, value, what);
    *ret = n;
    return OTK_OK;
}

int script_flag(struct script_reader *r, const yaml_node_t *value, bool *ret)
{
    struct str s = script_scalar(value);
    if (!str_is(s, "true") && !str_is(s, "false"))
        return script_fail(r, value, "must be true or false");
    *ret = str_is(s, "true");
    return OTK_OK;
}

/* ---- accounts
 * ---------------------------------------------------------------------- */

static int take_password_of(struct script_reader *r, const yaml_node_t *value,
                            struct phone_account *x)
{
    const char *name = NULL;
    int err = script_text(r, value, PHONE_FIELD_MAX, &name);
    if (err)
        return err;
    const char *password = getenv(name);
    if (!password)
        return script_fail(r, value, "the environment has no such variable");
    x->password = arena_copy(r->a, str_from(password));
    return OTK_OK;
}

static int take_account_field(struct script_reader *r, const yaml_node_t *key,
                              const yaml_node_t *value, void *arg)
{
    struct phone_account *x = arg;
    struct str name = script_scalar(key);
    const struct {
        const char *name;
        const char **at;
    } fields[] = {{"address", &x->address},
                  {"server", &x->server},
                  {"user", &x->user},
                  {"password", &x->password}};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (str_is(name, fields[i].name))
            return script_text(r, value, PHONE_FIELD_MAX, fields[i].at);
    }
    if (str_is(name, "password_env"))
        return take_password_of(r, value, x);
    if (str_is(name, "expires"))
        return script_number(r, value, EXPIRES_MIN, EXPIRES_MAX,
                             "expires is 30 to 86400 seconds", &x->expires_s);
    return script_unknown(r, key);
}

/* "sip:user@host": what is sent in headers must not end one. */
bool script_is_address(struct str s, bool wants_user)
{
    if (!str_starts(s, "sip:") && !str_starts(s, "sips:"))
        return false;
    struct str rest = str_sub(s, str_find(s, ':') + 1, s.n);
    size_t at = str_find(rest, '@');
    for (size_t i = 0; i < rest.n; i++) {
        if (rest.p[i] <= ' ' || strchr("<>\"", rest.p[i]))
            return false;
    }
    return wants_user ? at > 0 && at + 1 < rest.n : rest.n > 0;
}

static int take_account(struct script_reader *r, const yaml_node_t *at,
                        void *arg)
{
    (void)arg;
    struct phone_script *s = r->ret;
    struct phone_account x = {
        .server = "", .user = "", .password = "", .expires_s = EXPIRES};
    if (s->n_accounts == PHONE_ACCOUNTS_MAX)
        return script_fail(r, at, "there are too many accounts");
    int err = script_pairs(r, at, "an account must be a mapping",
                           take_account_field, &x);
    if (err)
        return err;
    if (!script_is_address(str_from(x.address), true))
        return script_fail(r, at, "an account needs address: sip:USER@HOST");
    if (x.server[0] && !script_is_address(str_from(x.server), false))
        return script_fail(r, at,
                           "server is of the form sip:HOST;transport=tcp");
    if (!x.user[0]) {
        struct str a = str_from(x.address);
        struct str user = str_sub(a, str_find(a, ':') + 1, a.n);
        x.user = arena_copy(r->a, str_sub(user, 0, str_find(user, '@')));
    }
    s->accounts[s->n_accounts++] = x;
    return OTK_OK;
}

static int take_accounts(struct script_reader *r, const yaml_node_t *list)
{
    return script_items(r, list, "accounts must be a list", take_account, NULL);
}

static int take_part(struct script_reader *r, const yaml_node_t *key,
                     const yaml_node_t *value, void *arg)
{
    (void)arg;
    bool empty = value->type == YAML_SCALAR_NODE && script_scalar(value).n == 0;
    if (str_is(script_scalar(key), "accounts"))
        return empty ? OTK_OK : take_accounts(r, value);
    if (str_is(script_scalar(key), "lines"))
        return empty ? OTK_OK
                     : script_pairs(r, value, "lines must be a mapping",
                                    script_line, NULL);
    return script_unknown(r, key);
}

/* ---- the file
 * ---------------------------------------------------------------------- */

static int load(struct script_reader *r, struct str text)
{
    yaml_parser_t p;
    if (!yaml_parser_initialize(&p))
        return err_set(r->e, OTK_ELIMIT, "no memory to read %s", r->path);
    yaml_parser_set_input_string(&p, (const unsigned char *)text.p, text.n);
    int err = OTK_OK;
    if (!yaml_parser_load(&p, &r->doc)) {
        (void)err_set(r->e, OTK_EFORMAT, "%s",
                      p.problem ? p.problem : "this is no YAML");
        err = err_place(r->e, OTK_EFORMAT, "%s:%zu", r->path,
                        p.problem_mark.line + 1);
    }
    yaml_parser_delete(&p);
    if (err)
        return err;
    const yaml_node_t *root = yaml_document_get_root_node(&r->doc);
    bool empty =
        root && root->type == YAML_SCALAR_NODE && !script_scalar(root).n;
    if (root && !empty)
        err = script_pairs(r, root, "accounts: and lines: are wanted",
                           take_part, NULL);
    yaml_document_delete(&r->doc);
    return err;
}

int phone_script_read(const char *path, struct str text, const char *language,
                      struct arena *a, struct phone_script *ret, struct err *e)
{
    struct phone_script s = {
        .lines = ARENA_ARRAY(a, struct phone_line, PHONE_LINES_MAX),
        .n_lines = 1,
    };
    struct script_reader r = {
        .path = path,
        .language = strcmp(language, "en") == 0 ? PHONE_EN : PHONE_RU,
        .a = a,
        .ret = &s,
        .e = e};
    script_usual_line(&r, &s.lines[0]);
    if (text.n > PHONE_SCRIPT_BYTES)
        return err_set(e, OTK_ELIMIT, "%s has more than %d bytes", path,
                       PHONE_SCRIPT_BYTES);
    int err = text.n ? load(&r, text) : OTK_OK;
    if (!err)
        *ret = s;
    return err;
}

const struct phone_line *phone_script_line(const struct phone_script *s,
                                           struct str number)
{
    for (size_t i = 1; i < s->n_lines; i++) {
        if (str_is(number, s->lines[i].number))
            return &s->lines[i];
    }
    return &s->lines[0];
}

const struct phone_account *phone_script_account(const struct phone_script *s,
                                                 struct str user)
{
    for (size_t i = 0; i < s->n_accounts; i++) {
        struct str a = str_from(s->accounts[i].address);
        struct str own = str_sub(a, str_find(a, ':') + 1, a.n);
        if (str_eq(str_sub(own, 0, str_find(own, '@')), user))
            return &s->accounts[i];
    }
    return s->n_accounts == 1 ? &s->accounts[0] : NULL;
}

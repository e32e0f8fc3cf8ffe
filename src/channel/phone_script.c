/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { EXPIRES_MIN = 30, EXPIRES_MAX = 86400, EXPIRES = 300 };

static const struct {
    const char *name, *ru, *en;
} texts[PHONE_TEXTS] = {
    [PHONE_GREETING] =
        {"greeting",
         "Здравствуйте. Вы позвонили в службу поддержки. Разговор "
         "записывается. Пожалуйста, расскажите, что случилось. Когда "
         "закончите, нажмите решётку или просто помолчите.",
         "Hello. You have reached the support desk. The call is recorded. "
         "Please tell us what happened. When you have finished, press hash or "
         "just stay silent."},
    [PHONE_AGAIN] = {"again",
                     "Я вас не слышу. Пожалуйста, расскажите, что случилось.",
                     "I cannot hear you. Please tell us what happened."},
    [PHONE_FILED] = {"filed",
                     "Спасибо. Ваше обращение принято. Его номер: {ticket}. "
                     "Повторяю: {ticket}. Мы вам ответим. До свидания.",
                     "Thank you. Your request is on the desk. Its number is "
                     "{ticket}. Again: {ticket}. We will answer you. "
                     "Good-bye."},
    [PHONE_LATER] = {"later",
                     "Спасибо. Ваше обращение записано. Мы вам ответим. До "
                     "свидания.",
                     "Thank you. Your request is recorded. We will answer you. "
                     "Good-bye."},
    [PHONE_NOTHING] = {"nothing",
                       "К сожалению, ничего не слышно. Позвоните, пожалуйста, "
                       "ещё раз. До свидания.",
                       "I am sorry, nothing can be heard. Please call again. "
                       "Good-bye."},
};

const char *phone_text_name(enum phone_text t)
{
    return texts[t].name;
}

/* ---- the document
 * ------------------------------------------------------------------ */

struct reader {
    const char *path, *language;
    struct arena *a;
    yaml_document_t doc;
    struct phone_script *ret;
    struct err *e;
};

static int fail(struct reader *r, const yaml_node_t *at, const char *what)
{
    (void)err_set(r->e, OTK_EFORMAT, "%s", what);
    return err_place(r->e, OTK_EFORMAT, "%s:%zu", r->path,
                     at ? at->start_mark.line + 1 : 1);
}

static struct str scalar(const yaml_node_t *n)
{
    if (!n || n->type != YAML_SCALAR_NODE)
        return (struct str){0};
    return (struct str){(const char *)n->data.scalar.value,
                        n->data.scalar.length};
}

typedef int pair_fn(struct reader *r, const yaml_node_t *key,
                    const yaml_node_t *value, void *arg);

static int each_pair(struct reader *r, const yaml_node_t *map, const char *what,
                     pair_fn *fn, void *arg)
{
    if (map->type != YAML_MAPPING_NODE)
        return fail(r, map, what);
    int err = OTK_OK;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         !err && p < map->data.mapping.pairs.top; p++)
        err = fn(r, yaml_document_get_node(&r->doc, p->key),
                 yaml_document_get_node(&r->doc, p->value), arg);
    return err;
}

static int unknown(struct reader *r, const yaml_node_t *key)
{
    char text[128];
    (void)snprintf(text, sizeof(text), "there is no field '%.60s'",
                   scalar(key).p ? scalar(key).p : "");
    return fail(r, key, text);
}

/* One text, without control characters, for all of which it is a limit. */
static int take_text(struct reader *r, const yaml_node_t *value, size_t max,
                     const char **ret)
{
    struct str s = str_trim(scalar(value));
    if (value->type != YAML_SCALAR_NODE)
        return fail(r, value, "must be one text");
    if (s.n > max)
        return fail(r, value, "the text is too long");
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\n')
            return fail(r, value, "there is a control character in the text");
    }
    *ret = arena_copy(r->a, s);
    return OTK_OK;
}

/* ---- lines
 * ------------------------------------------------------------------------- */

static void fill_line(struct phone_line *l)
{
    bool english = strcmp(l->language, "en") == 0;
    for (int i = 0; i < PHONE_TEXTS; i++) {
        struct phone_prompt *p = &l->prompts[i];
        if (!p->sound)
            p->sound = "";
        if (!p->text)
            p->text = english ? texts[i].en : texts[i].ru;
    }
}

static int take_line_field(struct reader *r, const yaml_node_t *key,
                           const yaml_node_t *value, void *arg)
{
    struct phone_line *l = arg;
    struct str name = scalar(key);
    if (str_is(name, "language")) {
        int err = take_text(r, value, 2, &l->language);
        bool known = !err && (strcmp(l->language, "ru") == 0 ||
                              strcmp(l->language, "en") == 0);
        return err || known ? err : fail(r, value, "language is ru or en");
    }
    for (int i = 0; i < PHONE_TEXTS; i++) {
        size_t n = strlen(texts[i].name);
        if (!str_starts(name, texts[i].name))
            continue;
        if (name.n == n)
            return take_text(r, value, PHONE_TEXT_MAX, &l->prompts[i].text);
        if (str_is(str_sub(name, n, name.n), "_sound"))
            return take_text(r, value, PHONE_FIELD_MAX, &l->prompts[i].sound);
    }
    return unknown(r, key);
}

static int take_line(struct reader *r, const yaml_node_t *key,
                     const yaml_node_t *value, void *arg)
{
    struct phone_script *s = r->ret;
    (void)arg;
    struct phone_line l = {.language = r->language};
    int err = take_text(r, key, PHONE_FIELD_MAX, &l.number);
    if (!err)
        err = each_pair(r, value, "a line must be a mapping", take_line_field,
                        &l);
    if (err)
        return err;
    fill_line(&l);
    if (strcmp(l.number, "default") == 0) {
        s->lines[0] = l;
        return OTK_OK;
    }
    if (s->n_lines == PHONE_LINES_MAX)
        return fail(r, key, "there are too many lines");
    s->lines[s->n_lines++] = l;
    return OTK_OK;
}

/* ---- accounts
 * ---------------------------------------------------------------------- */

static int take_password_of(struct reader *r, const yaml_node_t *value,
                            struct phone_account *x)
{
    const char *name = NULL;
    int err = take_text(r, value, PHONE_FIELD_MAX, &name);
    if (err)
        return err;
    const char *password = getenv(name);
    if (!password)
        return fail(r, value, "the environment has no such variable");
    x->password = arena_copy(r->a, str_from(password));
    return OTK_OK;
}

static int take_expires(struct reader *r, const yaml_node_t *value,
                        struct phone_account *x)
{
    if (str_to_int(scalar(value), &x->expires_s) ||
        x->expires_s < EXPIRES_MIN || x->expires_s > EXPIRES_MAX)
        return fail(r, value, "expires is 30 to 86400 seconds");
    return OTK_OK;
}

static int take_account_field(struct reader *r, const yaml_node_t *key,
                              const yaml_node_t *value, void *arg)
{
    struct phone_account *x = arg;
    struct str name = scalar(key);
    const struct {
        const char *name;
        const char **at;
    } fields[] = {{"address", &x->address},
                  {"server", &x->server},
                  {"user", &x->user},
                  {"password", &x->password}};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (str_is(name, fields[i].name))
            return take_text(r, value, PHONE_FIELD_MAX, fields[i].at);
    }
    if (str_is(name, "password_env"))
        return take_password_of(r, value, x);
    if (str_is(name, "expires"))
        return take_expires(r, value, x);
    return unknown(r, key);
}

/* "sip:user@host": what is sent in headers must not end one. */
static bool is_address(struct str s, bool wants_user)
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

static int take_account(struct reader *r, const yaml_node_t *at)
{
    struct phone_script *s = r->ret;
    struct phone_account x = {
        .server = "", .user = "", .password = "", .expires_s = EXPIRES};
    if (s->n_accounts == PHONE_ACCOUNTS_MAX)
        return fail(r, at, "there are too many accounts");
    int err = each_pair(r, at, "an account must be a mapping",
                        take_account_field, &x);
    if (err)
        return err;
    if (!is_address(str_from(x.address), true))
        return fail(r, at, "an account needs address: sip:USER@HOST");
    if (x.server[0] && !is_address(str_from(x.server), false))
        return fail(r, at, "server is of the form sip:HOST;transport=tcp");
    if (!x.user[0]) {
        struct str a = str_from(x.address);
        struct str user = str_sub(a, str_find(a, ':') + 1, a.n);
        x.user = arena_copy(r->a, str_sub(user, 0, str_find(user, '@')));
    }
    s->accounts[s->n_accounts++] = x;
    return OTK_OK;
}

static int take_accounts(struct reader *r, const yaml_node_t *list)
{
    if (list->type != YAML_SEQUENCE_NODE)
        return fail(r, list, "accounts must be a list");
    int err = OTK_OK;
    for (yaml_node_item_t *i = list->data.sequence.items.start;
         !err && i < list->data.sequence.items.top; i++)
        err = take_account(r, yaml_document_get_node(&r->doc, *i));
    return err;
}

static int take_part(struct reader *r, const yaml_node_t *key,
                     const yaml_node_t *value, void *arg)
{
    (void)arg;
    bool empty = value->type == YAML_SCALAR_NODE && scalar(value).n == 0;
    if (str_is(scalar(key), "accounts"))
        return empty ? OTK_OK : take_accounts(r, value);
    if (str_is(scalar(key), "lines"))
        return empty ? OTK_OK
                     : each_pair(r, value, "lines must be a mapping", take_line,
                                 NULL);
    return unknown(r, key);
}

/* ---- the file
 * ---------------------------------------------------------------------- */

static int load(struct reader *r, struct str text)
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
    bool empty = root && root->type == YAML_SCALAR_NODE && !scalar(root).n;
    if (root && !empty)
        err = each_pair(r, root, "accounts: and lines: are wanted", take_part,
                        NULL);
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
    struct reader r = {.path = path,
                       .language = strcmp(language, "en") == 0 ? "en" : "ru",
                       .a = a,
                       .ret = &s,
                       .e = e};
    s.lines[0] =
        (struct phone_line){.number = "default", .language = r.language};
    fill_line(&s.lines[0]);
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

struct str phone_text_fill(struct str text, int64_t ticket, struct arena *a)
{
    static const char mark[] = "{ticket}";
    struct buf b = BUF_INIT(2 * PHONE_TEXT_MAX);
    while (text.n) {
        if (str_starts(text, mark)) {
            buf_printf(&b, "%lld", (long long)ticket);
            text = str_sub(text, sizeof(mark) - 1, text.n);
        } else {
            buf_putc(&b, text.p[0]);
            text = str_sub(text, 1, text.n);
        }
    }
    struct str kept = arena_str(a, buf_str(&b));
    buf_free(&b);
    return kept;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/suggest.h"

static void *field_of(const struct conf *c, const struct conf_setting *s)
{
    return (char *)c->values + s->offset;
}

static size_t table_len(const struct conf_setting *t)
{
    size_t n = 0;
    while (t[n].name)
        n++;
    return n;
}

static const struct conf_setting *find(const struct conf *c, struct str name)
{
    for (const struct conf_setting *s = c->table; s->name; s++) {
        if (str_is(name, s->name))
            return s;
    }
    return NULL;
}

/* The index of `text` among "a|b|c", or -1. */
static int choice_index(const char *choices, struct str text)
{
    struct str rest = str_from(choices);
    struct str one;
    for (int i = 0; str_next(&rest, '|', &one); i++) {
        if (str_eq(one, text))
            return i;
    }
    return -1;
}

static struct str choice_text(const char *choices, int index)
{
    struct str rest = str_from(choices);
    struct str one = {0};
    for (int i = 0; str_next(&rest, '|', &one) && i < index; i++)
        ;
    return one;
}

static int set_flag(const struct conf *c, const struct conf_setting *s,
                    struct str text, struct err *e)
{
    bool on = str_is(text, "true") || str_is(text, "yes") || str_is(text, "on");
    if (!on && !str_is(text, "false") && !str_is(text, "no") &&
        !str_is(text, "off"))
        return err_field(e, OTK_EFORMAT, s->name,
                         "'" STR_FMT "' is neither true nor false",
                         STR_ARG(text));
    *(bool *)field_of(c, s) = on;
    return OTK_OK;
}

static int set_number(const struct conf *c, const struct conf_setting *s,
                      struct str text, struct err *e)
{
    bool whole = s->type == CONF_WHOLE;
    int64_t n = 0;
    double x = 0;
    if (whole ? str_to_int(text, &n) : str_to_real(text, &x))
        return err_field(e, OTK_EFORMAT, s->name,
                         "'" STR_FMT "' is not a %snumber", STR_ARG(text),
                         whole ? "whole " : "");
    if (whole)
        x = (double)n;
    if (x < s->min || x > s->max)
        return err_field(e, OTK_EFORMAT, s->name,
                         "" STR_FMT " is not between %g and %g", STR_ARG(text),
                         s->min, s->max);
    if (whole)
        *(int64_t *)field_of(c, s) = n;
    else
        *(double *)field_of(c, s) = x;
    return OTK_OK;
}

static int set_text(const struct conf *c, const struct conf_setting *s,
                    struct str text, struct err *e)
{
    if (text.n > (size_t)s->max)
        return err_field(e, OTK_ELIMIT, s->name,
                         "%zu bytes long, the limit is %g", text.n, s->max);
    if (text.n < (size_t)s->min)
        return err_field(e, OTK_EFORMAT, s->name, "must not be empty");
    if (memchr(text.p ? text.p : "", '\0', text.n))
        return err_field(e, OTK_EFORMAT, s->name, "holds a NUL byte");
    char **field = field_of(c, s);
    free(*field);
    *field = str_copy(text);
    return OTK_OK;
}

static int set_choice(const struct conf *c, const struct conf_setting *s,
                      struct str text, struct err *e)
{
    int i = choice_index(s->choices, text);
    if (i < 0)
        return err_field(e, OTK_EFORMAT, s->name, "'" STR_FMT "' is none of %s",
                         STR_ARG(text), s->choices);
    *(int *)field_of(c, s) = i;
    return OTK_OK;
}

static int set(struct conf *c, const struct conf_setting *s, struct str text,
               enum conf_source source, struct err *e)
{
    int r = OTK_EINVAL;
    switch (s->type) {
    case CONF_TEXT: r = set_text(c, s, text, e); break;
    case CONF_WHOLE:
    case CONF_REAL: r = set_number(c, s, text, e); break;
    case CONF_FLAG: r = set_flag(c, s, text, e); break;
    case CONF_CHOICE: r = set_choice(c, s, text, e); break;
    }
    if (!r)
        c->sources[s - c->table] = source;
    return r;
}

void conf_init(struct conf *c, const struct conf_setting *table, void *values)
{
    size_t n = table_len(table);
    *c = (struct conf){
        .table = table,
        .values = values,
        .sources = mem_new(n + 1, sizeof(enum conf_source)),
    };
    for (const struct conf_setting *s = table; s->name; s++) {
        struct err e = {0};
        if (set(c, s, str_from(s->fallback), CONF_DEFAULT, &e))
            bug("default of setting %s: %s", s->name, e.msg);
    }
}

void conf_free(struct conf *c)
{
    for (const struct conf_setting *s = c->table; s && s->name; s++) {
        if (s->type == CONF_TEXT) {
            char **field = field_of(c, s);
            free(*field);
            *field = NULL;
        }
    }
    free(c->sources);
    *c = (struct conf){0};
}

static int unknown(const struct conf *c, struct str name, struct err *e)
{
    struct suggest near = {.word = name};
    for (const struct conf_setting *s = c->table; s->name; s++)
        suggest_offer(&near, s->name);
    const char *best = suggest_best(&near);
    char field[ERR_FIELD_MAX];
    (void)snprintf(field, sizeof(field), STR_FMT, STR_ARG(name));
    return err_field(e, OTK_EFORMAT, field, "unknown setting%s%s%s",
                     best ? "; did you mean " : "", best ? best : "",
                     best ? "?" : "; `otklik config show` lists all");
}

int conf_find(const struct conf *c, struct str name, size_t *ret, struct err *e)
{
    const struct conf_setting *s = find(c, name);
    if (!s)
        return unknown(c, name, e);
    *ret = (size_t)(s - c->table);
    return OTK_OK;
}

bool conf_same(const struct conf *a, const struct conf *b, size_t i)
{
    const struct conf_setting *s = &a->table[i];
    const void *x = field_of(a, s);
    const void *y = field_of(b, s);
    switch (s->type) {
    case CONF_TEXT: return strcmp(*(char *const *)x, *(char *const *)y) == 0;
    case CONF_WHOLE: return *(const int64_t *)x == *(const int64_t *)y;
    case CONF_REAL: return memcmp(x, y, sizeof(double)) == 0;
    case CONF_FLAG: return *(const bool *)x == *(const bool *)y;
    case CONF_CHOICE: return *(const int *)x == *(const int *)y;
    }
    return false;
}

char *conf_copy(struct conf *to, const struct conf *from, size_t i)
{
    const struct conf_setting *s = &to->table[i];
    const void *value = field_of(from, s);
    void *field = field_of(to, s);
    char *old = NULL;
    to->sources[i] = from->sources[i];
    if (conf_same(to, from, i))
        return NULL;
    switch (s->type) {
    case CONF_TEXT:
        old = *(char **)field;
        *(char **)field = mem_copy_str(*(char *const *)value);
        break;
    case CONF_WHOLE: *(int64_t *)field = *(const int64_t *)value; break;
    case CONF_REAL: *(double *)field = *(const double *)value; break;
    case CONF_FLAG: *(bool *)field = *(const bool *)value; break;
    case CONF_CHOICE: *(int *)field = *(const int *)value; break;
    }
    return old;
}

int conf_set(struct conf *c, struct str name, struct str text,
             enum conf_source source, struct err *e)
{
    const struct conf_setting *s = find(c, name);
    return s ? set(c, s, text, source, e) : unknown(c, name, e);
}

int conf_read_environment(struct conf *c, const char *prefix,
                          char *const *environment, struct err *e)
{
    for (char *const *v = environment; v && *v; v++) {
        if (strncmp(*v, prefix, strlen(prefix)) != 0)
            continue;
        struct str name = str_from(*v + strlen(prefix));
        size_t eq = str_find(name, '=');
        struct str value = str_sub(name, eq + 1, name.n);
        name = str_sub(name, 0, eq);
        for (const struct conf_setting *s = c->table; s->name; s++) {
            size_t i = 0;
            while (i < name.n && s->name[i] &&
                   (s->name[i] == '.' ? '_' : toupper(s->name[i])) == name.p[i])
                i++;
            if (i < name.n || s->name[i])
                continue;
            int r = set(c, s, value, CONF_ENVIRONMENT, e);
            if (r)
                return err_place(e, r, "variable %s" STR_FMT, prefix,
                                 STR_ARG(name));
        }
    }
    return OTK_OK;
}

bool conf_is_assignment(const char *arg)
{
    size_t n = strspn(arg, "abcdefghijklmnopqrstuvwxyz0123456789_.");
    return n && arg[n] == '=' && memchr(arg, '.', n);
}

int conf_override(struct conf *c, const char *assignment, struct err *e)
{
    struct str name = str_from(assignment);
    size_t eq = str_find(name, '=');
    struct str value = str_sub(name, eq + 1, name.n);
    int r = conf_set(c, str_sub(name, 0, eq), value, CONF_OVERRIDE, e);
    return r ? err_place(e, r, "command line") : OTK_OK;
}

void conf_put_value(const struct conf *c, size_t i, struct buf *ret)
{
    const struct conf_setting *s = &c->table[i];
    const void *f = field_of(c, s);
    switch (s->type) {
    case CONF_TEXT: {
        const char *t = *(char *const *)f;
        if (s->secret && t[0])
            t = "*****";
        json_put_text(ret, str_from(t));
        break;
    }
    case CONF_WHOLE:
        buf_printf(ret, "%lld", (long long)*(const int64_t *)f);
        break;
    case CONF_REAL: json_put_real(ret, *(const double *)f); break;
    case CONF_FLAG: buf_puts(ret, *(const bool *)f ? "true" : "false"); break;
    case CONF_CHOICE:
        json_put_text(ret, choice_text(s->choices, *(const int *)f));
        break;
    }
}

/* The part of a name before its last dot: "triage" of "triage.engine". */
static struct str section_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    return (struct str){.p = name, .n = dot ? (size_t)(dot - name) : 0};
}

void conf_print(const struct conf *c, struct buf *ret)
{
    struct str section = {0};
    for (size_t i = 0; c->table[i].name; i++) {
        const struct conf_setting *s = &c->table[i];
        struct str own = section_of(s->name);
        if (!str_eq(own, section)) {
            buf_printf(ret, "%s" STR_FMT ":\n", i ? "\n" : "", STR_ARG(own));
            section = own;
        }
        const char *indent = own.n ? "  " : "";
        buf_printf(ret, "%s# %s", indent, s->help);
        if (s->choices)
            buf_printf(ret, " (%s)", s->choices);
        if (s->change != CONF_AT_ONCE)
            buf_puts(ret, "; from the next start on");
        buf_printf(ret, "\n%s%s: ", indent, s->name + own.n + (own.n > 0));
        conf_put_value(c, i, ret);
        buf_putc(ret, '\n');
    }
}

static bool is_text(const struct conf_setting *s)
{
    return s->type == CONF_TEXT || s->type == CONF_CHOICE;
}

/* What may stand there, for whoever shows it. */
static void put_about(const struct conf_setting *s, struct buf *ret)
{
    static const char *const changes[] = {"at once", "at start", "by hand"};
    buf_puts(ret, ",\"default\":");
    if (is_text(s))
        json_put_text(ret, str_from(s->fallback));
    else
        buf_puts(ret, s->fallback);
    if (s->choices) {
        buf_puts(ret, ",\"choices\":");
        json_put_text(ret, str_from(s->choices));
    } else if (s->type != CONF_FLAG) {
        buf_printf(ret, ",\"min\":%.15g,\"max\":%.15g", s->min, s->max);
    }
    buf_printf(ret, ",\"changes\":\"%s\",\"help\":", changes[s->change]);
    json_put_text(ret, str_from(s->help));
}

void conf_print_json(const struct conf *c, const struct conf *next,
                     struct buf *ret)
{
    static const char *const source_names[] = {"default", "file", "environment",
                                               "command line"};
    buf_putc(ret, '{');
    for (size_t i = 0; c->table[i].name; i++) {
        buf_puts(ret, i ? "," : "");
        json_put_text(ret, str_from(c->table[i].name));
        buf_puts(ret, ":{\"value\":");
        conf_put_value(c, i, ret);
        buf_printf(ret, ",\"source\":\"%s\"", source_names[c->sources[i]]);
        if (next && !conf_same(c, next, i)) {
            buf_puts(ret, ",\"after_restart\":");
            conf_put_value(next, i, ret);
        }
        put_about(&c->table[i], ret);
        buf_putc(ret, '}');
    }
    buf_puts(ret, "}\n");
}

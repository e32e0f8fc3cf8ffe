/* SPDX-License-Identifier: Apache-2.0 */
/* YAML to settings: nested mappings give dotted names (libyaml does the
 * syntax). Sequences, anchors and several documents have no meaning here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/mem.h"

enum { DEPTH_MAX = 4, NAME_BYTES = 128, FILE_MAX_BYTES = 1 << 20 };

struct reader {
    struct conf *conf;
    const char *path;
    yaml_parser_t parser;
    char name[NAME_BYTES];      /* dotted name of the current place */
    size_t name_len[DEPTH_MAX]; /* how long it was in the mapping at depth */
    int depth;
    bool has_key; /* name ends with a key that waits for its value */
    bool has_document;
    char *seen;    /* one a setting: the file named it */
    size_t wanted; /* a setting, whose value stands at these characters */
    size_t from, to;
};

static int fail(struct reader *r, const yaml_mark_t *at, struct err *e,
                const char *what)
{
    err_set(e, OTK_EFORMAT, "%s", what);
    return err_place(e, OTK_EFORMAT, "%s:%zu", r->path, at->line + 1);
}

static int take_key(struct reader *r, const yaml_event_t *ev, struct err *e)
{
    size_t at = r->name_len[r->depth - 1];
    int n = snprintf(r->name + at, sizeof(r->name) - at, "%s%.*s",
                     at ? "." : "", (int)ev->data.scalar.length,
                     (const char *)ev->data.scalar.value);
    if (n < 0 || (size_t)n >= sizeof(r->name) - at)
        return fail(r, &ev->start_mark, e, "the name is too long");
    r->has_key = true;
    return OTK_OK;
}

/* "web:" with all its lines deleted or commented out says nothing. */
static bool is_section(const struct reader *r, struct str name)
{
    for (const struct conf_setting *s = r->conf->table; s->name; s++) {
        if (str_starts(str_from(s->name), r->name) && s->name[name.n] == '.')
            return true;
    }
    return false;
}

static int take_value(struct reader *r, const yaml_event_t *ev, struct err *e)
{
    struct str value = {.p = (const char *)ev->data.scalar.value,
                        .n = ev->data.scalar.length};
    r->has_key = false;
    struct str name = str_from(r->name);
    if (value.n == 0 && is_section(r, name))
        return OTK_OK;
    for (size_t i = 0; r->conf->table[i].name; i++) {
        if (!str_is(name, r->conf->table[i].name))
            continue;
        if (r->seen[i])
            return fail(r, &ev->start_mark, e, "the setting stands twice");
        r->seen[i] = 1;
        if (i == r->wanted) {
            r->from = ev->start_mark.index;
            r->to = ev->end_mark.index;
        }
    }
    int err = conf_set(r->conf, name, value, CONF_FILE, e);
    if (err)
        return err_place(e, err, "%s:%zu", r->path, ev->start_mark.line + 1);
    return OTK_OK;
}

static int take_event(struct reader *r, const yaml_event_t *ev, struct err *e)
{
    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (r->has_document)
            return fail(r, &ev->start_mark, e,
                        "a second document has no meaning here");
        r->has_document = true;
        return OTK_OK;
    case YAML_MAPPING_START_EVENT:
        if (r->depth == DEPTH_MAX)
            return fail(r, &ev->start_mark, e, "nested too deeply");
        r->name_len[r->depth++] = r->has_key ? strlen(r->name) : 0;
        r->has_key = false;
        return OTK_OK;
    case YAML_MAPPING_END_EVENT:
        r->depth--;
        r->has_key = false;
        return OTK_OK;
    case YAML_SCALAR_EVENT:
        if (r->depth == 0) /* an empty file or one word */
            return ev->data.scalar.length
                       ? fail(r, &ev->start_mark, e, "expected `name: value`")
                       : OTK_OK;
        return r->has_key ? take_value(r, ev, e) : take_key(r, ev, e);
    case YAML_SEQUENCE_START_EVENT:
        return fail(r, &ev->start_mark, e, "a list has no meaning here");
    case YAML_ALIAS_EVENT:
        return fail(r, &ev->start_mark, e, "aliases have no meaning here");
    default: return OTK_OK;
    }
}

static int read_events(struct reader *r, struct err *e)
{
    for (;;) {
        yaml_event_t ev;
        if (!yaml_parser_parse(&r->parser, &ev)) {
            err_set(e, OTK_EFORMAT, "%s",
                    r->parser.problem ? r->parser.problem : "not YAML");
            return err_place(e, OTK_EFORMAT, "%s:%zu", r->path,
                             r->parser.problem_mark.line + 1);
        }
        yaml_event_type_t type = ev.type;
        int err = take_event(r, &ev, e);
        yaml_event_delete(&ev);
        if (err || type == YAML_STREAM_END_EVENT)
            return err;
    }
}

static size_t table_len(const struct conf *c)
{
    size_t n = 0;
    while (c->table[n].name)
        n++;
    return n;
}

static int read_text(struct reader *r, struct str text, struct err *e)
{
    if (text.n > FILE_MAX_BYTES)
        return err_set(e, OTK_ELIMIT, "%s: %zu bytes, the limit is %d", r->path,
                       text.n, FILE_MAX_BYTES);
    if (!yaml_parser_initialize(&r->parser))
        bug("libyaml could not start");
    r->seen = mem_new(table_len(r->conf) + 1, 1);
    yaml_parser_set_input_string(
        &r->parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
    int err = read_events(r, e);
    yaml_parser_delete(&r->parser);
    return err;
}

int conf_read_yaml(struct conf *c, const char *path, struct str text,
                   struct err *e)
{
    struct reader r = {.conf = c, .path = path, .wanted = table_len(c)};
    int err = read_text(&r, text, e);
    free(r.seen);
    return err;
}

/* ---- another value of one setting
 * --------------------------------------------------------- */

/* Where the character of this number begins; libyaml counts characters, and a
 * byte order mark is none of them. */
static size_t byte_of(struct str text, size_t character)
{
    size_t at = str_starts(text, "\xef\xbb\xbf") ? 3 : 0;
    while (character && at < text.n) {
        at++;
        while (at < text.n && ((unsigned char)text.p[at] & 0xc0) == 0x80)
            at++;
        character--;
    }
    return at;
}

/* Where it stands; at the end when it stands nowhere. */
static void splice(const struct reader *r, struct str text, struct str value,
                   struct buf *ret)
{
    if (!r->seen[r->wanted]) {
        buf_put_str(ret, text);
        if (text.n && text.p[text.n - 1] != '\n')
            buf_putc(ret, '\n');
        buf_printf(ret, "%s: " STR_FMT "\n", r->conf->table[r->wanted].name,
                   STR_ARG(value));
        return;
    }
    size_t from = byte_of(text, r->from);
    size_t to = byte_of(text, r->to);
    buf_put_str(ret, str_sub(text, 0, from));
    if (from && text.p[from - 1] == ':')
        buf_putc(ret, ' ');
    buf_put_str(ret, value);
    if (to > from && text.p[to - 1] == '\n') /* after a block of lines */
        buf_putc(ret, '\n');
    buf_put_str(ret, str_sub(text, to, text.n));
}

/* Does the new text say what it should? Only simple places are edited. */
static int check_edit(struct conf *c, const char *path, size_t i,
                      struct str value, const struct buf *text, struct err *e)
{
    struct buf now = BUF_INIT(FILE_MAX_BYTES);
    const struct conf_setting *s = &c->table[i];
    int err =
        conf_set(c, str_from(s->name), str_from(s->fallback), CONF_DEFAULT, e);
    if (!err &&
        (buf_check(text) || conf_read_yaml(c, path, buf_str(text), NULL) ||
         c->sources[i] != CONF_FILE))
        err = OTK_EFORMAT;
    if (!err)
        conf_put_value(c, i, &now);
    if (err || !str_eq(buf_str(&now), value))
        err = err_field(e, OTK_EFORMAT, s->name,
                        "cannot be changed in %s as it stands there; edit the "
                        "file by hand",
                        path);
    buf_free(&now);
    return err;
}

int conf_edit_yaml(struct conf *c, const char *path, struct str text,
                   struct str name, struct str value, struct buf *ret,
                   struct err *e)
{
    struct buf json = BUF_INIT(FILE_MAX_BYTES); /* which is YAML, too */
    struct reader r = {.conf = c, .path = path};
    int err = conf_find(c, name, &r.wanted, e);
    if (!err && c->table[r.wanted].secret)
        err = err_field(e, OTK_EFORMAT, c->table[r.wanted].name,
                        "is a secret; write it into %s by hand", path);
    if (!err)
        err = read_text(&r, text, e);
    if (!err)
        err = conf_set(c, name, value, CONF_FILE, e);
    if (!err) {
        conf_put_value(c, r.wanted, &json);
        splice(&r, text, buf_str(&json), ret);
        err = check_edit(c, path, r.wanted, buf_str(&json), ret, e);
    }
    free(r.seen);
    buf_free(&json);
    return err;
}

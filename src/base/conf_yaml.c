/* SPDX-License-Identifier: Apache-2.0 */
/* YAML to settings: nested mappings give dotted names (libyaml does the
 * syntax). Sequences, anchors and several documents have no meaning here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

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
    char *seen; /* one a setting: the file named it */
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

int conf_read_yaml(struct conf *c, const char *path, struct str text,
                   struct err *e)
{
    if (text.n > FILE_MAX_BYTES)
        return err_set(e, OTK_ELIMIT, "%s: %zu bytes, the limit is %d", path,
                       text.n, FILE_MAX_BYTES);
    size_t n = 0;
    while (c->table[n].name)
        n++;
    struct reader r = {.conf = c, .path = path, .seen = mem_new(n + 1, 1)};
    if (!yaml_parser_initialize(&r.parser))
        bug("libyaml could not start");
    yaml_parser_set_input_string(
        &r.parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
    int err = read_events(&r, e);
    yaml_parser_delete(&r.parser);
    free(r.seen);
    return err;
}

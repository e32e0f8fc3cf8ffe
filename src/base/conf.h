/*
 * base/conf.h - settings: from a table, a YAML file, the environment and the
 * command line
 *
 * A program describes its settings once, as a table over its own struct; from
 * that table come reading, checking, printing and the reference in the docs.
 * Later sources win: default, file, environment (OTKLIK_TRIAGE_ENGINE for
 * triage.engine), overrides ("triage.engine=jaccard").
 *
 * Errors name the place ("otklik.yaml:12", "OTKLIK_HTTP_PORT", "command
 * line"), the setting, and what would be right.
 */
#ifndef OTK_BASE_CONF_H
#define OTK_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf;
struct err;

enum conf_type {
    CONF_TEXT,   /* char *   */
    CONF_WHOLE,  /* int64_t  */
    CONF_REAL,   /* double   */
    CONF_FLAG,   /* bool     */
    CONF_CHOICE, /* int: index into `choices` */
};

/* When a change of otklik.yaml counts, and who may make it. */
enum conf_change {
    CONF_AT_ONCE,  /* by a running program, too */
    CONF_AT_START, /* from the next start on */
    CONF_BY_HAND,  /* the same, and only by who may edit the file */
};

struct conf_setting {
    const char *name; /* "triage.auto_threshold" */
    enum conf_type type;
    size_t offset;        /* of the field in the caller's struct */
    const char *fallback; /* the default, as it would stand in the file */
    double min, max;      /* of numbers; text: bytes */
    const char *choices;  /* "linear|jaccard" */
    const char *help;     /* one line */
    bool secret;          /* printed as ***** */
    enum conf_change change;
};

enum conf_source { CONF_DEFAULT, CONF_FILE, CONF_ENVIRONMENT, CONF_OVERRIDE };

struct conf {
    const struct conf_setting *table; /* ends with name == NULL */
    void *values;                     /* the caller's struct, zeroed */
    enum conf_source *sources;        /* one a setting */
};

/* Fill `values` with the defaults. conf_free() frees the texts in it. */
void conf_init(struct conf *c, const struct conf_setting *table, void *values);
void conf_free(struct conf *c);

/* One setting by its name; unknown names get a suggestion. */
int conf_set(struct conf *c, struct str name, struct str text,
             enum conf_source source, struct err *e);

/* `path` is only named in errors; `text` is the YAML. OTK_EFORMAT. */
int conf_read_yaml(struct conf *c, const char *path, struct str text,
                   struct err *e);
/* Variables that begin with `prefix` ("OTKLIK_") and name no setting of the
 * table are left alone: the environment is shared. */
int conf_read_environment(struct conf *c, const char *prefix,
                          char *const *environment, struct err *e);
/*
 * `text` with another value of one setting, which is given as on a command
 * line; all else, comments too, stays as it was. `c` is a fresh one of the
 * caller's and holds what the new text says afterwards. OTK_EFORMAT,
 * OTK_ELIMIT: text or value are wrong, or the value must be written by hand,
 * because the file is not plain YAML in UTF-8.
 */
int conf_edit_yaml(struct conf *c, const char *path, struct str text,
                   struct str name, struct str value, struct buf *ret,
                   struct err *e);
int conf_override(struct conf *c, const char *assignment, struct err *e);
/* Does it look like "a.b=c"? */
bool conf_is_assignment(const char *arg);

/* Commented YAML of all settings, as `init` writes and `config show` prints. */
void conf_print(const struct conf *c, struct buf *ret);
/* `next`: what will hold after the next start; NULL: the same. */
void conf_print_json(const struct conf *c, const struct conf *next,
                     struct buf *ret);
/* The value of one setting as JSON, secrets hidden. */
void conf_put_value(const struct conf *c, size_t i, struct buf *ret);

/* The index of a setting; OTK_EFORMAT with a suggestion: there is none. */
int conf_find(const struct conf *c, struct str name, size_t *ret,
              struct err *e);
/* Both of one table. */
bool conf_same(const struct conf *a, const struct conf *b, size_t i);
/* Value and source of one setting. A text that is another now is given back:
 * others may still look at it; else NULL. */
char *conf_copy(struct conf *to, const struct conf *from, size_t i);

#endif

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

struct conf_setting {
    const char *name; /* "triage.auto_threshold" */
    enum conf_type type;
    size_t offset;        /* of the field in the caller's struct */
    const char *fallback; /* the default, as it would stand in the file */
    double min, max;      /* of numbers; text: bytes */
    const char *choices;  /* "linear|jaccard" */
    const char *help;     /* one line */
    bool secret;          /* printed as ***** */
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
int conf_override(struct conf *c, const char *assignment, struct err *e);
/* Does it look like "a.b=c"? */
bool conf_is_assignment(const char *arg);

/* Commented YAML of all settings, as `init` writes and `config show` prints. */
void conf_print(const struct conf *c, struct buf *ret);
void conf_print_json(const struct conf *c, struct buf *ret);
/* The value of one setting as text, secrets hidden. */
void conf_put_value(const struct conf *c, size_t i, struct buf *ret);

#endif

/*
 * channel/phone_script_parts.h - the parts of reading phone.yaml, for each
 * other: phone_script.c has the document and the accounts, phone_lines.c what
 * is said on which number, phone_texts.c what is said when the owner says
 * nothing.
 */
#ifndef OTK_CHANNEL_PHONE_SCRIPT_PARTS_H
#define OTK_CHANNEL_PHONE_SCRIPT_PARTS_H

#include <stddef.h>
#include <yaml.h>

#include "base/str.h"
#include "channel/phone_script.h"

struct script_reader {
    const char *path;
    enum phone_language language; /* of lines that name none */
    struct arena *a;
    yaml_document_t doc;
    struct phone_script *ret;
    struct err *e;
};

/* OTK_EFORMAT with the place of the node in front. */
int script_fail(struct script_reader *r, const yaml_node_t *at,
                const char *what);
int script_unknown(struct script_reader *r, const yaml_node_t *key);

/* Empty for what is no scalar. */
struct str script_scalar(const yaml_node_t *n);

/* One text without control characters, trimmed; in the reader's arena. */
int script_text(struct script_reader *r, const yaml_node_t *value, size_t max,
                const char **ret);
/* "sip:user@host", which cannot end a header. */
bool script_is_address(struct str s, bool wants_user);

/* A whole number within limits; `what` says them. */
int script_number(struct script_reader *r, const yaml_node_t *value,
                  int64_t min, int64_t max, const char *what, int64_t *ret);
/* "true" or "false". */
int script_flag(struct script_reader *r, const yaml_node_t *value, bool *ret);

/* `what` is said when it is no mapping, or no list. */
typedef int script_pair_fn(struct script_reader *r, const yaml_node_t *key,
                           const yaml_node_t *value, void *arg);
int script_pairs(struct script_reader *r, const yaml_node_t *map,
                 const char *what, script_pair_fn *fn, void *arg);
typedef int script_item_fn(struct script_reader *r, const yaml_node_t *item,
                           void *arg);
int script_items(struct script_reader *r, const yaml_node_t *list,
                 const char *what, script_item_fn *fn, void *arg);

/* ---- lines
 * ------------------------------------------------------------------------- */

/* A line for which the owner says nothing. */
void script_usual_line(const struct script_reader *r, struct phone_line *ret);
/* A pair of "lines:"; into r->ret. */
script_pair_fn script_line;

#endif

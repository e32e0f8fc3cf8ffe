/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/settings_edit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "db/db.h"
#include "desk/audit.h"
#include "desk/desk.h"
#include "desk/live_settings.h"

enum { PATH_BYTES = 4096 + 32, FILE_BYTES = 1 << 20 };

struct change {
    struct desk *d;
    const struct settings_edit *edits;
    size_t n;
    struct actor by;
    char path[PATH_BYTES];
    struct buf before; /* the file as it was; of the first attempt */
    bool written;
    struct buf detail; /* of the audit */
};

/* A fresh struct conf for each edit: it holds what the text says. */
static int edit_one(const struct settings_edit *x, struct buf *text,
                    struct buf *detail, struct err *e)
{
    struct settings values = {0};
    struct conf conf;
    struct buf next = BUF_INIT(FILE_BYTES);
    size_t i = 0;
    conf_init(&conf, settings_table, &values);
    int r = conf_edit_yaml(&conf, "otklik.yaml", buf_str(text), x->name,
                           x->value, &next, e);
    if (!r)
        r = conf_find(&conf, x->name, &i, e);
    if (!r) {
        buf_putc(detail, detail->len ? ',' : '{');
        json_put_text(detail, x->name);
        buf_putc(detail, ':');
        conf_put_value(&conf, i, detail);
        buf_reset(text);
        buf_put_str(text, buf_str(&next));
    }
    conf_free(&conf);
    buf_free(&next);
    return r;
}

static int write_file(const struct change *c, const struct buf *text,
                      struct err *e)
{
    struct stat st = {.st_mode = 0640};
    (void)stat(c->path, &st);
    int r = file_write(c->path, buf_str(text), st.st_mode & 0777, e);
    if (!r)
        return OTK_OK;
    switch (errno) {
    case ENOSPC:
    case EDQUOT: return err_set(e, OTK_EAGAIN, "the disk is full");
    case EACCES:
    case EBUSY:
    case EPERM:
    case EROFS:
        return err_set(e, OTK_EDENIED,
                       "this program may not write otklik.yaml; edit it by "
                       "hand");
    default: return r;
    }
}

/* The store's lock, which one program has at a time, guards the file, too. It
 * is written last: what fails before it has changed nothing. */
static int change_file(struct db_tx *tx, void *arg, struct err *e)
{
    struct change *c = arg;
    struct buf text = BUF_INIT(FILE_BYTES);
    buf_reset(&c->detail);
    int r = file_read(c->path, &text, e);
    if (!r && !c->before.len)
        buf_put_str(&c->before, buf_str(&text));
    for (size_t i = 0; !r && i < c->n; i++)
        r = edit_one(&c->edits[i], &text, &c->detail, e);
    buf_putc(&c->detail, '}');
    if (!r)
        r = audit_add(tx, c->by, "settings.change", "settings",
                      buf_str(&c->detail), clock_wall(desk_clock(c->d)), e);
    if (!r)
        r = write_file(c, &text, e);
    c->written |= !r;
    buf_free(&text);
    return r;
}

int settings_change(struct desk *d, const struct settings_edit *edits, size_t n,
                    struct actor by, struct err *e)
{
    struct change c = {.d = d,
                       .edits = edits,
                       .n = n,
                       .by = by,
                       .before = BUF_INIT(FILE_BYTES),
                       .detail = BUF_INIT(FILE_BYTES)};
    struct err later = {0};
    size_t i;
    int r = OTK_OK;
    (void)snprintf(c.path, sizeof(c.path), "%s/otklik.yaml", desk_folder(d));
    for (size_t k = 0; !r && k < n; k++)
        r = live_settings_may_edit(desk_live_settings(d), edits[k].name, &i, e);
    if (!r)
        r = db_write(desk_db(d), 0, change_file, &c, e);
    if (r == OTK_EAGAIN && c.written) /* not in the audit: not at all */
        (void)write_file(&c, &c.before, &later);
    if (!r)
        (void)desk_refresh(d, &later); /* else a moment later */
    buf_free(&c.before);
    buf_free(&c.detail);
    return r;
}

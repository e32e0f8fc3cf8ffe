/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "channel/phone.h"
#include "channel/phone_script.h"
#include "desk/desk.h"
#include "desk/retention.h"

int phone_load_script(const struct desk *d, struct arena *a,
                      struct phone_script *ret, struct err *e)
{
    enum { PATH_BYTES = 8192 };
    char path[PATH_BYTES];
    const struct settings s = desk_settings(d);
    struct buf text = BUF_INIT(PHONE_SCRIPT_BYTES);
    if (s.phone.script[0] == '/')
        (void)snprintf(path, sizeof(path), "%s", s.phone.script);
    else
        (void)snprintf(path, sizeof(path), "%s/%s", desk_folder(d),
                       s.phone.script);
    int r = file_exists(path) ? file_read(path, &text, e) : OTK_OK;
    if (!r)
        r = phone_script_read(path, buf_str(&text), settings_language(&s), a,
                              ret, e);
    buf_free(&text);
    return r;
}

int phone_load_keeping(const struct desk *d, struct arena *a,
                       struct retention_lines *ret, struct err *e)
{
    struct phone_script s;
    int r = phone_load_script(d, a, &s, e);
    if (r)
        return r;
    struct retention_line *items =
        ARENA_ARRAY(a, struct retention_line, s.n_lines + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n_lines; i++) {
        const struct phone_line *l = &s.lines[i];
        bool rules = phone_script_line(&s, str_from(l->number)) == l;
        if (rules && l->keep_days != PHONE_KEEP_AS_DESK)
            items[n++] =
                (struct retention_line){str_from(l->number), l->keep_days};
    }
    *ret = (struct retention_lines){items, n};
    return OTK_OK;
}

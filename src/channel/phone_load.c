/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "channel/phone.h"
#include "channel/phone_script.h"
#include "desk/desk.h"

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

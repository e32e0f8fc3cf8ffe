/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Other people's text ends up in messages; a log line must stay one line. */
static void scrub(char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = ' ';
    }
}

__attribute__((format(printf, 3, 0))) static void
set(struct err *e, int code, const char *fmt, va_list ap)
{
    e->code = code;
    e->field[0] = '\0';
    (void)vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
    scrub(e->msg);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
    if (!e)
        return code;
    va_list ap;
    va_start(ap, fmt);
    set(e, code, fmt, ap);
    va_end(ap);
    return code;
}

int err_field(struct err *e, int code, const char *field, const char *fmt, ...)
{
    if (!e)
        return code;
    va_list ap;
    va_start(ap, fmt);
    set(e, code, fmt, ap);
    va_end(ap);
    (void)snprintf(e->field, sizeof(e->field), "%s", field);
    scrub(e->field);
    return code;
}

/* Put the formatted text and ": " in front of what `e` says. */
__attribute__((format(printf, 3, 0))) static void
prepend(struct err *e, int code, const char *fmt, va_list ap)
{
    char old[ERR_TEXT_MAX];
    memcpy(old, e->msg, sizeof(old));
    int n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
    if (n >= 0 && (size_t)n < sizeof(e->msg)) {
        int room = (int)sizeof(e->msg) - n;
        (void)snprintf(e->msg + n, (size_t)room, ": %.*s", room, old);
    }
    scrub(e->msg);
    e->code = code;
}

int err_wrap(struct err *e, int code, const char *fmt, ...)
{
    if (!e)
        return code;
    va_list ap;
    va_start(ap, fmt);
    prepend(e, code, fmt, ap);
    va_end(ap);
    return code;
}

int err_place(struct err *e, int code, const char *fmt, ...)
{
    if (!e)
        return code;
    if (e->field[0])
        (void)err_wrap(e, code, "%s", e->field);
    e->field[0] = '\0';
    va_list ap;
    va_start(ap, fmt);
    prepend(e, code, fmt, ap);
    va_end(ap);
    return code;
}

int err_errno(struct err *e, int code, const char *fmt, ...)
{
    int saved = errno;
    if (!e)
        return code;
    va_list ap;
    va_start(ap, fmt);
    set(e, code, fmt, ap);
    va_end(ap);
    char why[96];
    /* the GNU variant: returns the text, which may or may not be in `why` */
    const char *text = strerror_r(saved, why, sizeof(why));
    size_t n = strlen(e->msg);
    (void)snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", text);
    return code;
}

const char *err_name(int code)
{
    switch ((enum otk_code)code) {
    case OTK_OK: return "ok";
    case OTK_EINVAL: return "invalid argument";
    case OTK_ENOENT: return "not found";
    case OTK_ELIMIT: return "over limit";
    case OTK_EFORMAT: return "malformed";
    case OTK_EAGAIN: return "try later";
    case OTK_EDENIED: return "denied";
    case OTK_EUNSURE: return "outcome unknown";
    case OTK_EIO: return "system failure";
    case OTK_ECONFLICT: return "conflict";
    }
    return "unknown error";
}

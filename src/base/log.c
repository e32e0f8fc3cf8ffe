/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

static atomic_int threshold = LOG_INFO;
static const char *const names[] = {"error", "warn", "info", "debug"};

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, (int)level);
}

int log_level_parse(struct str s, enum log_level *ret)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (str_is(s, names[i])) {
            *ret = (enum log_level)i;
            return OTK_OK;
        }
    }
    return OTK_EFORMAT;
}

void log_line(enum log_level level, const char *area, const char *fmt, ...)
{
    enum { LINE_MAX_BYTES = 1024 };
    if ((int)level > atomic_load(&threshold))
        return;
    char line[LINE_MAX_BYTES];
    char time[TIME_TEXT];
    time_print(clock_wall(&clock_real), time);
    int n =
        snprintf(line, sizeof(line), "%s %s %s: ", time, names[level], area);
    va_list ap;
    va_start(ap, fmt);
    int m = vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
    va_end(ap);
    size_t len = (size_t)n + (m > 0 ? (size_t)m : 0);
    if (len > sizeof(line) - 2)
        len = sizeof(line) - 2;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
    }
    line[len++] = '\n';
    /* one write: lines of different threads do not mix */
    if (write(STDERR_FILENO, line, len) < 0) {
        /* nobody reads the log; there is nowhere left to say so */
    }
}

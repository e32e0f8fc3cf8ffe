/*
 * base/log.h - what an operator reads
 *
 * Lines are `time level area: text key=value`, one per event, on stderr.
 * Only edges log (api, cli, app, job runner); library code returns errors.
 * Text of people, addresses and tokens never appear above debug.
 *
 * Threads: any.
 */
#ifndef OTK_BASE_LOG_H
#define OTK_BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
int log_level_parse(struct str s, enum log_level *ret); /* "error" … "debug" */

/* error: someone must act; warn: we went on, the text says how. */
void log_line(enum log_level level, const char *area, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(area, ...) log_line(LOG_ERROR, area, __VA_ARGS__)
#define log_warn(area, ...)  log_line(LOG_WARN, area, __VA_ARGS__)
#define log_info(area, ...)  log_line(LOG_INFO, area, __VA_ARGS__)
#define log_debug(area, ...) log_line(LOG_DEBUG, area, __VA_ARGS__)

#endif

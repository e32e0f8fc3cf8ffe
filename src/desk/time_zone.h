/*
 * desk/time_zone.h - local time by the tz database (RFC 8536) or an offset
 *
 * Immutable; any thread.
 */
#ifndef OTK_DESK_TIME_ZONE_H
#define OTK_DESK_TIME_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;
struct time_zone;

/* "UTC", "UTC+03:00", "Europe/Moscow". OTK_EFORMAT, OTK_ENOENT. */
int time_zone_new(struct str name, struct time_zone **ret, struct err *e);
void time_zone_free(struct time_zone *z);

/* From the bytes of a TZif file; for tests and fuzzing too. */
int time_zone_parse(struct str bytes, struct time_zone **ret, struct err *e);

/* Seconds that local time is ahead of UTC at a moment. */
int time_zone_offset(const struct time_zone *z, int64_t at_s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/sla.h"

#include <stddef.h>

#include "base/clock.h"
#include "desk/catalog.h"
#include "desk/schedule.h"

static const struct catalog_sla *sla_of(const struct catalog *c,
                                        const struct catalog_topic *topic)
{
    if (topic && topic->sla)
        return topic->sla;
    return c->n_slas ? &c->slas[0] : NULL;
}

static int64_t due_after(const struct schedule *hours, int minutes, int64_t at)
{
    return minutes < 0 ? 0
                       : schedule_add(hours, at, (int64_t)minutes * MS_MINUTE);
}

struct sla_dues sla_dues(const struct catalog *c,
                         const struct catalog_topic *topic,
                         const struct catalog_priority *priority, int64_t at)
{
    const struct catalog_sla *sla = sla_of(c, topic);
    if (!sla || !priority)
        return (struct sla_dues){0};
    const struct sla_target *t = &sla->targets[priority - c->priorities];
    return (struct sla_dues){
        .first = due_after(sla->hours, t->first, at),
        .next = due_after(sla->hours, t->next, at),
        .solution = due_after(sla->hours, t->solution, at),
    };
}

static int64_t resume(const struct schedule *hours, int64_t due, int64_t from,
                      int64_t to)
{
    if (due <= from || to <= from)
        return due;
    return schedule_add(hours, to, schedule_between(hours, from, due));
}

const struct schedule *sla_hours(const struct catalog *c,
                                 const struct catalog_topic *topic)
{
    const struct catalog_sla *sla = sla_of(c, topic);
    return sla ? sla->hours : NULL;
}

int64_t sla_shift(const struct catalog *c, const struct catalog_topic *topic,
                  int64_t start, int64_t from, int64_t to)
{
    const struct schedule *hours = sla_hours(c, topic);
    if (to <= from)
        return start;
    return schedule_add(hours, start, schedule_between(hours, from, to));
}

struct sla_dues sla_resume(const struct catalog *c,
                           const struct catalog_topic *topic,
                           struct sla_dues dues, int64_t from, int64_t to)
{
    const struct schedule *hours = sla_hours(c, topic);
    return (struct sla_dues){
        .first = resume(hours, dues.first, from, to),
        .next = resume(hours, dues.next, from, to),
        .solution = resume(hours, dues.solution, from, to),
    };
}

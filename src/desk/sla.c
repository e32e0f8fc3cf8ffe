/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/sla.h"

#include <stddef.h>

#include "base/clock.h"
#include "desk/catalog.h"
#include "desk/schedule.h"

static int64_t due_after(const struct schedule *hours, int minutes, int64_t at)
{
    return minutes < 0 ? 0 : schedule_add(hours, at, minutes);
}

struct sla_dues sla_dues(const struct catalog *c,
                         const struct catalog_topic *topic,
                         const struct catalog_priority *priority, int64_t at)
{
    const struct catalog_sla *sla = topic ? topic->sla : NULL;
    if (!sla && c->n_slas)
        sla = &c->slas[0];
    if (!sla || !priority)
        return (struct sla_dues){0};
    const struct sla_target *t = &sla->targets[priority - c->priorities];
    return (struct sla_dues){
        .first = due_after(sla->hours, t->first, at),
        .next = due_after(sla->hours, t->next, at),
        .solution = due_after(sla->hours, t->solution, at),
    };
}

int64_t sla_shift(const struct catalog_topic *topic, int64_t due, int64_t from,
                  int64_t to)
{
    if (due == 0)
        return 0;
    const struct schedule *hours =
        topic && topic->sla ? topic->sla->hours : NULL;
    int64_t stood = schedule_between(hours, from, to);
    return schedule_add(hours, due, (int)(stood / MS_MINUTE));
}

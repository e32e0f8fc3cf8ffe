/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_counts.h"

#include <stddef.h>

#include "base/buf.h"

void phone_counts_put(const struct phone_counts *c, struct buf *b)
{
    const struct {
        const char *name, *type, *help;
        int64_t value;
    } rows[] = {
        {"calls_total", "counter", "Calls that were answered.", c->calls},
        {"calls", "gauge", "Calls now.", c->active},
        {"busy_total", "counter", "Calls above phone.calls_max.", c->busy},
        {"refused_total", "counter", "Requests that were refused.", c->refused},
        {"banned_total", "counter", "Requests that were not answered.",
         c->banned},
        {"filed_total", "counter", "Calls that became tickets.", c->filed},
        {"unfiled_total", "counter",
         "Failures to file a call; it is tried "
         "again.",
         c->unfiled},
        {"answered_total", "counter", "Calls that an answer ended.",
         c->answered},
        {"silent_total", "counter", "Calls in which nothing was said.",
         c->silent},
        {"transferred_total", "counter", "Callers put through to a person.",
         c->transferred},
        {"untransferred_total", "counter", "Callers whom nobody answered.",
         c->untransferred},
        {"resumed_total", "counter", "Calls that a crash had cut off.",
         c->resumed},
        {"packets_total", "counter", "Packets of sound that came.", c->packets},
        {"concealed_ms_total", "counter", "Sound that was missing.",
         c->concealed_ms},
        {"dropped_total", "counter", "Packets too late or twice.", c->dropped},
        {"strangers_total", "counter", "Packets of nobody we talk to.",
         c->strangers},
        {"keys_total", "counter", "Keys that were pressed.", c->keys},
        {"accounts", "gauge", "Extensions that we are to be.", c->accounts},
        {"unregistered_total", "counter", "Registrations that failed.",
         c->unregistered},
        {"registered", "gauge", "Extensions that we are.", c->registered},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        buf_printf(b,
                   "# HELP otklik_phone_%s %s\n# TYPE otklik_phone_%s %s\n"
                   "otklik_phone_%s %lld\n",
                   rows[i].name, rows[i].help, rows[i].name, rows[i].type,
                   rows[i].name, (long long)rows[i].value);
}

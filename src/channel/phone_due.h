/*
 * channel/phone_due.h - a promised moment in words that a voice can say
 *
 * "сегодня до четырнадцати тридцати", "today by 2:30 p.m.": after "we will
 * answer". Numbers are words in Russian, where a voice does not know their
 * case. The moment is rounded up to a quarter of an hour; midnight belongs to
 * the day that it ends.
 *
 * Pure; any thread.
 */
#ifndef OTK_CHANNEL_PHONE_DUE_H
#define OTK_CHANNEL_PHONE_DUE_H

#include "channel/phone_script.h"
#include "desk/schedule.h"

struct arena;

/* Both of one place on earth. Empty: it is over already. */
struct str phone_due_words(struct local_time now, struct local_time due,
                           enum phone_language l, struct arena *a);

#endif

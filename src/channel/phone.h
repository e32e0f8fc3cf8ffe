/*
 * channel/phone.h - the telephone: calls are answered and become tickets
 *
 * Otklik is an extension of the customer's telephone system (it registers
 * there), or is called directly. SIP (RFC 3261) and RTP run in one thread of
 * their own on libre, whose objects no other thread touches; what may block
 * (the store, the voice) is done by other threads (channel/phone_hands.h).
 *
 * A build without libre has the same functions; phone_start() says why it
 * cannot.
 */
#ifndef OTK_CHANNEL_PHONE_H
#define OTK_CHANNEL_PHONE_H

#include <stdbool.h>

struct arena;
struct buf;
struct desk;
struct err;
struct phone;
struct phone_script;
struct retention_lines;

bool phone_is_built(void);

/* Listens when it returns; takes up the recordings of calls that a crash cut
 * off. The desk must outlive it. */
int phone_start(struct desk *d, struct phone **ret, struct err *e);
/* Says good-bye to all callers; what they said is filed. NULL is fine. */
void phone_stop(struct phone *p);
int phone_port(const struct phone *p);

/* Lines for /metrics. `p` is a struct phone. */
void phone_put_metrics(void *p, struct buf *b);

/* The owner's script as it stands now (phone.script); also for doctor. */
int phone_load_script(const struct desk *d, struct arena *a,
                      struct phone_script *ret, struct err *e);
/* Its lines that say themselves how long their recordings are kept. */
int phone_load_keeping(const struct desk *d, struct arena *a,
                       struct retention_lines *ret, struct err *e);

#endif

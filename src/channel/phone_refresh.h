/*
 * channel/phone_refresh.h - signs of life of a call, as requests of SIP
 *
 * The rules are those of channel/phone_timer.h. Our own refresh is an UPDATE
 * (RFC 3311) where the other side knows it, else an INVITE with the session as
 * it is.
 *
 * The thread of the telephone only.
 */
#ifndef OTK_CHANNEL_PHONE_REFRESH_H
#define OTK_CHANNEL_PHONE_REFRESH_H

#include <stdbool.h>
#include <stdint.h>

#include "channel/phone_timer.h"

struct phone_media;
struct pl;
struct sip;
struct sip_dialog;
struct sip_msg;
struct sip_request;

enum { REFRESH_FROM_BYTES = 1024 };

struct phone_refresh {
    struct phone_timer timer;
    struct sip *sip;
    const char *user;            /* of our Contact */
    struct sip_request *request; /* NULL: none is on its way */
    struct sip_dialog *dialog;   /* of it */
    int64_t min_s;
    bool knows_update; /* the other side does */
    bool by_update;    /* the one on its way */
    bool is_lost;      /* the other side does not know the call any more */
    char from[REFRESH_FROM_BYTES];
};

/* `user` is borrowed. */
void phone_refresh_init(struct phone_refresh *r, struct sip *sip,
                        const char *user, int64_t min_s);
void phone_refresh_close(struct phone_refresh *r);

/* An INVITE or UPDATE of the other side. False: it was answered with 422. */
bool phone_refresh_take(struct phone_refresh *r, const struct sip_msg *msg);
/* The headers of our answer. */
void phone_refresh_print(const struct phone_refresh *r,
                         char ret[TIMER_HEADERS_BYTES]);
/* The same for an answer that libre makes: it takes no headers of ours, so they
 * are put behind the From of the request that it copies. `r` must live until
 * the answer is sent. */
void phone_refresh_smuggle(struct phone_refresh *r, const struct sip_msg *msg);

/* Time goes by. False: nobody is there any more. */
bool phone_refresh_look(struct phone_refresh *r, struct sip_dialog *dialog,
                        struct phone_media *media);

#endif

/*
 * channel/phone_agent.h - what the calls share: the stack, the limits
 *
 * The thread of the telephone only.
 */
#ifndef OTK_CHANNEL_PHONE_AGENT_H
#define OTK_CHANNEL_PHONE_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "channel/phone_codec.h"
#include "channel/phone_conversation.h"
#include "channel/phone_counts.h"
#include "channel/phone_re.h"
#include "channel/phone_script.h"

struct desk;
struct phone_done;
struct phone_guard;
struct phone_hands;
struct phone_voice;

enum { PHONE_FOLDER_BYTES = 4096 + 16, PHONE_FAMILIES = 2 };

struct phone_agent {
    struct desk *desk;
    const struct phone_script *script;
    const struct phone_voice *voice;
    struct phone_hands *hands;
    struct phone_hands *thinkers; /* NULL: no answers are looked for */
    struct phone_guard *guard;
    struct phone_counts *counts;
    struct conversation_limits limits;
    struct phone_codecs codecs;
    char folder[PHONE_FOLDER_BYTES]; /* of recordings */
    struct sip *sip;
    struct sipsess_sock *sessions;
    struct sipevent_sock *events;     /* of transfers */
    struct sa listen[PHONE_FAMILIES]; /* for sound: IPv4, IPv6; or unset */
    struct list calls;
    uint64_t last_call; /* number of the last one */
    bool stopping;
    bool is_foreign; /* the last datagram: another version of SIP */
};

extern const char phone_allow[]; /* a header: what we understand */

/* An INVITE that begins a call: answered or refused. */
void phone_call_take(struct phone_agent *a, const struct sip_msg *msg);
/* An INVITE or UPDATE of a call that goes on, before libre sees it. True: it
 * was answered. */
bool phone_call_refreshed(struct phone_agent *a, const struct sip_msg *msg);
/* What the hands did for a call. Owns `f`. */
void phone_call_done(struct phone_agent *a, struct phone_done *f);
/* All calls end; what was said is handed over. */
void phone_calls_end(struct phone_agent *a);

#endif

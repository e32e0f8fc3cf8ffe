/*
 * channel/phone_voice.h - everything that the telephone can say, as sound
 *
 * The owner's files and the spoken texts of all lines are made when the
 * telephone starts. What cannot be made is a short tone: a call is taken all
 * the same.
 *
 * Immutable after phone_voice_new(); any thread.
 */
#ifndef OTK_CHANNEL_PHONE_VOICE_H
#define OTK_CHANNEL_PHONE_VOICE_H

#include "base/str.h"
#include "channel/phone_script.h"
#include "speech/sound.h"

struct desk;
struct phone_voice;

enum { PHONE_RATE = 8000 };

/* `script` is borrowed. What could not be made is logged and counted in
 * *ret_missing. */
struct phone_voice *phone_voice_new(const struct desk *d,
                                    const struct phone_script *script,
                                    size_t *ret_missing);
void phone_voice_free(struct phone_voice *v); /* NULL is fine */

/* At PHONE_RATE; nothing at all when nothing is to be said. Texts with
 * something of the call in them only when the owner has a sound for them. */
const struct sound *phone_voice_get(const struct phone_voice *v,
                                    const struct phone_line *line,
                                    enum phone_language l, enum phone_text t);

const struct sound *phone_voice_question(const struct phone_voice *v,
                                         const struct phone_line *line,
                                         enum phone_language l, size_t i);

/* A text that is said once and of which nothing is kept. Empty when it cannot
 * be spoken. The caller owns it. */
void phone_voice_once(const struct phone_voice *v, enum phone_language l,
                      struct str text, struct sound *ret);

/* PHONE_KNOWN with a name, in the same way. */
void phone_voice_known(const struct phone_voice *v,
                       const struct phone_line *line, enum phone_language l,
                       struct str name, struct sound *ret);

/* What is said of a ticket: PHONE_FILED with its number (after a sound of the
 * owner's the number alone), PHONE_DUE with `due` when that is known, and
 * PHONE_BYE. The caller owns it. */
void phone_voice_number(const struct phone_voice *v,
                        const struct phone_line *line, enum phone_language l,
                        int64_t ticket, struct str due, struct sound *ret);

#endif

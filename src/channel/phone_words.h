/*
 * channel/phone_words.h - what is said in one call only
 *
 * The name of the caller, what is out of order today, the number of a ticket:
 * made by the hands while the call goes on, and said in the place of a text of
 * the line, or beside it. Everything else comes from channel/phone_voice.h.
 */
#ifndef OTK_CHANNEL_PHONE_WORDS_H
#define OTK_CHANNEL_PHONE_WORDS_H

#include "channel/phone_script.h"
#include "speech/sound.h"

struct phone_voice;

/* Empty: not made. */
struct phone_words {
    struct sound known[PHONE_LANGUAGES]; /* for PHONE_GREETING */
    struct sound incident[PHONE_LANGUAGES];
    struct sound answer; /* of an article */
    struct sound filed;  /* number, due and good-bye, for PHONE_FILED */
};

void phone_words_free(struct phone_words *w);
/* What `from` has moves over. */
void phone_words_take(struct phone_words *w, struct phone_words *from);

/* What is heard when `t` is to be said; of the call or of the line. */
const struct sound *phone_words_get(const struct phone_words *w,
                                    const struct phone_voice *v,
                                    const struct phone_line *line,
                                    enum phone_language l, enum phone_text t);

#endif

/*
 * speech/synthesiser.h - a voice for a text
 *
 * Implementations: `memory` (tests: a tone as long as the text), `espeak` (the
 * program espeak-ng, which stays a process of its own: its licence is not
 * ours, and a text that breaks it breaks nothing else). What was spoken once
 * is kept in a folder, found by the BLAKE2b of voice and text.
 */
#ifndef OTK_SPEECH_SYNTHESISER_H
#define OTK_SPEECH_SYNTHESISER_H

#include "base/str.h"

struct err;
struct sound;
struct synthesiser;

enum { SYNTHESISER_TEXT_MAX = 4000, SYNTHESISER_KEPT_MAX = 2000 };

struct synthesiser_ops {
    const char *name;
    /* Required. Any rate; the caller owns *ret. OTK_ENOENT: the program or the
     * language is not there; OTK_EAGAIN. Any thread, several at a time. */
    int (*speak)(struct synthesiser *s, struct str text, const char *language,
                 struct sound *ret, struct err *e);
    void (*close)(struct synthesiser *s); /* required */
};

struct synthesiser {
    const struct synthesiser_ops *ops;
};

/* `language`: "ru", "en". At `rate_hz`, never empty. OTK_EINVAL: the text is
 * empty or too long. */
int synthesiser_speak(struct synthesiser *s, struct str text,
                      const char *language, int rate_hz, struct sound *ret,
                      struct err *e);
void synthesiser_close(struct synthesiser *s); /* NULL is fine */

struct synthesiser *synthesiser_memory_open(void);

/* `program`: "espeak-ng"; `folder`: where spoken texts are kept; "": nowhere
 * (a text with somebody's name in it). */
struct synthesiser *synthesiser_espeak_open(const char *program,
                                            const char *folder);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/phone_words.h"

#include "channel/phone_voice.h"

static void take(struct sound *to, struct sound *from)
{
    if (!from->n)
        return;
    sound_free(to);
    *to = *from;
    *from = (struct sound){0};
}

void phone_words_free(struct phone_words *w)
{
    for (int l = 0; l < PHONE_LANGUAGES; l++) {
        sound_free(&w->known[l]);
        sound_free(&w->incident[l]);
    }
    sound_free(&w->answer);
    sound_free(&w->filed);
}

void phone_words_take(struct phone_words *w, struct phone_words *from)
{
    for (int l = 0; l < PHONE_LANGUAGES; l++) {
        take(&w->known[l], &from->known[l]);
        take(&w->incident[l], &from->incident[l]);
    }
    take(&w->answer, &from->answer);
    take(&w->filed, &from->filed);
}

const struct sound *phone_words_get(const struct phone_words *w,
                                    const struct phone_voice *v,
                                    const struct phone_line *line,
                                    enum phone_language l, enum phone_text t)
{
    if (t == PHONE_INCIDENT)
        return &w->incident[l];
    if (t == PHONE_ANSWER)
        return &w->answer;
    if (t == PHONE_GREETING && w->known[l].n)
        return &w->known[l];
    if (t == PHONE_FILED && w->filed.n)
        return &w->filed;
    return phone_voice_get(v, line, l, t);
}

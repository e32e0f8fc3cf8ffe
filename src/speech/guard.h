/*
 * speech/guard.h - what nobody said is taken out of a transcript
 *
 * Whisper was taught on subtitles: where it hears nothing it writes what stood
 * under silence there (who made the subtitles, thanks for watching), and now
 * and then one phrase again and again (Koenecke et al. 2024). Taken out are
 *  - segments in which there is no voice, where somebody can tell (`speaks`),
 *  - segments that are unlikely and whose window probably has no speech,
 *  - credits of subtitles, and farewells to viewers that are not certain,
 *  - the third and later of segments that say the same in a row; within a
 *    segment all repetitions of a phrase from the fourth on,
 *  - what only repeats the prompt (speech/echo.h).
 */
#ifndef OTK_SPEECH_GUARD_H
#define OTK_SPEECH_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct whisper_transcript;

struct guard {
    /* Whether there is a voice between two times; NULL: nobody can tell. */
    bool (*speaks)(void *ctx, int64_t from_ms, int64_t to_ms);
    void *ctx;
    struct str prompt; /* that the model was told; may be empty */
};

struct guard_report {
    size_t silent, unlikely, phantoms, repeated, told; /* segments taken out */
    size_t shortened; /* segments that repeated */
};

/* Changes `t`, whose arena owns what is new. */
void guard_apply(const struct guard *g, struct whisper_transcript *t,
                 struct guard_report *ret);

#endif

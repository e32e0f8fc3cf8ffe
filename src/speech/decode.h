/*
 * speech/decode.h - any file that somebody sent, as sound
 *
 * WAVE is read here; all else is decoded by the program otklik-decode
 * (src/decoder), which has no files, no network, and so much memory and time.
 */
#ifndef OTK_SPEECH_DECODE_H
#define OTK_SPEECH_DECODE_H

#include <stddef.h>

#include "base/str.h"

struct err;
struct sound;

/* `program`: its path; "": beside the program that runs. OTK_EFORMAT: it is no
 * sound, or damaged, and why; OTK_ENOENT: there is no such program; OTK_ELIMIT,
 * OTK_EAGAIN. */
int sound_decode(const char *program, struct str bytes, struct sound *ret,
                 struct err *e);

/* Is there one? For doctor. */
int sound_decoder_find(const char *program, char *ret, size_t size,
                       struct err *e);

#endif

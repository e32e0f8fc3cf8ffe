/* speech/sound.h - a file of sound as what Whisper hears: 16 kHz, mono */
#ifndef OTK_SPEECH_SOUND_H
#define OTK_SPEECH_SOUND_H

#include <stddef.h>

#include "base/str.h"

struct err;

#define SOUND_BYTES_MAX ((size_t)4 << 30) /* of a file; RIFF has no more */

struct sound {
    float *pcm; /* WHISPER_RATE samples a second, -1 … 1 */
    size_t n;
};

/* sound_free(ret). OTK_ENOENT; OTK_EFORMAT: no WAV file, with the remedy;
 * OTK_ELIMIT: too long for memory or Whisper. */
int sound_load(const char *path, struct sound *ret, struct err *e);
/* The same of a file's bytes; errors do not name it. */
int sound_read(struct str bytes, struct sound *ret, struct err *e);
void sound_free(struct sound *s);

#endif

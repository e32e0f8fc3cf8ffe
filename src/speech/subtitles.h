/*
 * speech/subtitles.h - a transcript as text, SRT, WebVTT or JSON
 *
 * SRT as players read it; WebVTT by the W3C's recommendation, with a time for
 * each word where there are any; JSON with all that is known.
 */
#ifndef OTK_SPEECH_SUBTITLES_H
#define OTK_SPEECH_SUBTITLES_H

struct buf;
struct whisper_transcript;

enum subtitles_form { AS_TEXT, AS_SRT, AS_VTT, AS_JSON };

/* Appends; `name` is what JSON calls the sound, NULL: nothing. */
void subtitles_print(const struct whisper_transcript *t,
                     enum subtitles_form form, const char *name,
                     struct buf *ret);

#endif

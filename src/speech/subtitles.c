/* SPDX-License-Identifier: Apache-2.0 */
#include "speech/subtitles.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "model/whisper.h"

static void put_time(struct buf *b, int64_t ms, char point)
{
    buf_printf(b, "%02" PRId64 ":%02" PRId64 ":%02" PRId64 "%c%03" PRId64,
               ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, point, ms % 1000);
}

static void put_span(struct buf *b, const struct whisper_segment *x, char point)
{
    put_time(b, x->from_ms, point);
    buf_puts(b, " --> ");
    put_time(b, x->to_ms, point);
    buf_putc(b, '\n');
}

/* An arrow would end the text, an empty line the whole cue. */
static void put_line(struct buf *b, const char *text)
{
    for (; *text; text++) {
        bool breaks = *text == '\n' || *text == '\r';
        if (strncmp(text, "-->", 3) == 0) {
            buf_puts(b, "->");
            text += 2;
        } else {
            buf_putc(b, breaks ? ' ' : *text);
        }
    }
}

static void put_escaped(struct buf *b, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&': buf_puts(b, "&amp;"); break;
        case '<': buf_puts(b, "&lt;"); break;
        case '>': buf_puts(b, "&gt;"); break;
        case '\n':
        case '\r': buf_putc(b, ' '); break;
        default: buf_putc(b, *text);
        }
    }
}

static void put_srt(const struct whisper_transcript *t, struct buf *b)
{
    for (size_t i = 0; i < t->n_segments; i++) {
        buf_printf(b, "%zu\n", i + 1);
        put_span(b, &t->segments[i], ',');
        put_line(b, t->segments[i].text);
        buf_puts(b, "\n\n");
    }
}

static void put_cue(const struct whisper_segment *x, struct buf *b)
{
    put_span(b, x, '.');
    for (size_t i = 0; i < x->n_words; i++) {
        const struct whisper_word *w = &x->words[i];
        bool inside = i > 0 && w->from_ms > x->from_ms && w->from_ms < x->to_ms;
        if (inside) {
            buf_putc(b, '<');
            put_time(b, w->from_ms, '.');
            buf_putc(b, '>');
        }
        put_escaped(b, i == 0 && *w->text == ' ' ? w->text + 1 : w->text);
    }
    if (!x->n_words)
        put_escaped(b, x->text);
    buf_puts(b, "\n\n");
}

static void put_vtt(const struct whisper_transcript *t, struct buf *b)
{
    buf_puts(b, "WEBVTT\n\n");
    for (size_t i = 0; i < t->n_segments; i++)
        put_cue(&t->segments[i], b);
}

static void put_word(const struct whisper_word *w, struct buf *b)
{
    buf_printf(b, "{\"from_ms\":%" PRId64 ",\"to_ms\":%" PRId64 ",\"word\":",
               w->from_ms, w->to_ms);
    json_put_text(b, str_trim(str_from(w->text)));
    buf_puts(b, ",\"confidence\":");
    json_put_real(b, (double)w->confidence);
    buf_putc(b, '}');
}

static void put_segment(const struct whisper_segment *x, struct buf *b)
{
    buf_printf(b, "{\"from_ms\":%" PRId64 ",\"to_ms\":%" PRId64 ",\"text\":",
               x->from_ms, x->to_ms);
    json_put_text(b, str_from(x->text));
    buf_puts(b, ",\"confidence\":");
    json_put_real(b, (double)x->confidence);
    buf_puts(b, ",\"no_speech\":");
    json_put_real(b, (double)x->no_speech);
    buf_puts(b, ",\"repetition\":");
    json_put_real(b, (double)x->repetition);
    buf_puts(b, ",\"temperature\":");
    json_put_real(b, (double)x->temperature);
    buf_puts(b, x->n_words ? ",\"words\":[" : "");
    for (size_t i = 0; i < x->n_words; i++) {
        buf_puts(b, i ? "," : "");
        put_word(&x->words[i], b);
    }
    buf_puts(b, x->n_words ? "]}" : "}");
}

static void put_json(const struct whisper_transcript *t, const char *name,
                     struct buf *b)
{
    buf_putc(b, '{');
    if (name) {
        buf_puts(b, "\"file\":");
        json_put_text(b, str_from(name));
        buf_putc(b, ',');
    }
    buf_puts(b, "\"language\":");
    json_put_text(b, str_from(t->language));
    buf_puts(b, ",\"language_confidence\":");
    json_put_real(b, (double)t->language_chance);
    buf_printf(b, ",\"duration_ms\":%" PRId64 ",\"segments\":[",
               t->duration_ms);
    for (size_t i = 0; i < t->n_segments; i++) {
        buf_puts(b, i ? "," : "");
        put_segment(&t->segments[i], b);
    }
    buf_puts(b, "]}\n");
}

void subtitles_print(const struct whisper_transcript *t,
                     enum subtitles_form form, const char *name,
                     struct buf *ret)
{
    switch (form) {
    case AS_SRT: put_srt(t, ret); return;
    case AS_VTT: put_vtt(t, ret); return;
    case AS_JSON: put_json(t, name, ret); return;
    default:
        for (size_t i = 0; i < t->n_segments; i++) {
            buf_puts(ret, t->segments[i].text);
            buf_putc(ret, '\n');
        }
    }
}

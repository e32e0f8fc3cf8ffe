/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken out of a transcript, what stays, and how it is printed. */
#include "speech/guard.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "model/whisper.h"
#include "speech/subtitles.h"
#include "test.h"

enum { TEXT_MAX = 10000 };

/* A transcript of segments a second long, all certain. */
static struct whisper_transcript make(struct whisper_segment *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        list[i].from_ms = (int64_t)i * 1000;
        list[i].to_ms = (int64_t)i * 1000 + 1000;
        list[i].confidence = list[i].confidence > 0 ? list[i].confidence : 0.9F;
    }
    return (struct whisper_transcript){.segments = list,
                                       .n_segments = n,
                                       .language = "ru",
                                       .duration_ms = (int64_t)n * 1000,
                                       .arena = arena_new()};
}

static struct guard_report apply(const struct guard *g,
                                 struct whisper_transcript *t)
{
    struct guard_report r;
    guard_apply(g, t, &r);
    return r;
}

static void phantoms(void **state)
{
    (void)state;
    struct whisper_segment list[] = {
        {.text = "Субтитры сделал DimaTorzok"},
        {.text = "Редактор субтитров А.Семкин Корректор А.Егорова"},
        {.text = "Thanks for watching!", .no_speech = 0.5F},
        {.text = "Спасибо за просмотр.", .confidence = 0.5F},
        {.text = "Спасибо за просмотр заявки, я подожду."},
        {.text = "Thank you."}, /* certain */
        {.text = "Принтер не печатает."},
        {.text = "Don't forget to subscribe", .confidence = 0.6F},
    };
    struct whisper_transcript t = make(list, ROWS(list));
    struct guard_report r = apply(&(struct guard){0}, &t);
    assert_int_equal(r.phantoms, 5);
    assert_int_equal(t.n_segments, 3);
    assert_string_equal(t.segments[0].text,
                        "Спасибо за просмотр заявки, я подожду.");
    assert_string_equal(t.segments[1].text, "Thank you.");
    whisper_transcript_free(&t);
}

static void unlikely(void **state)
{
    (void)state;
    struct whisper_segment list[] = {
        {.text = "a", .confidence = 0.2F, .no_speech = 0.9F},
        {.text = "b", .confidence = 0.2F, .no_speech = 0.1F},
        {.text = "c", .confidence = 0.9F, .no_speech = 0.9F},
    };
    struct whisper_transcript t = make(list, ROWS(list));
    assert_int_equal(apply(&(struct guard){0}, &t).unlikely, 1);
    assert_string_equal(t.segments[0].text, "b");
    assert_int_equal(t.n_segments, 2);
    whisper_transcript_free(&t);
}

static bool speaks(void *ctx, int64_t from_ms, int64_t to_ms)
{
    assert_int_equal(to_ms - from_ms, 1000);
    return from_ms != *(int64_t *)ctx;
}

static void silence(void **state)
{
    (void)state;
    int64_t quiet_at = 1000;
    struct whisper_segment list[] = {{.text = "a"}, {.text = "b"}};
    struct whisper_transcript t = make(list, ROWS(list));
    struct guard g = {.speaks = speaks};
    g.ctx = &quiet_at;
    assert_int_equal(apply(&g, &t).silent, 1);
    assert_string_equal(t.segments[0].text, "a");
    whisper_transcript_free(&t);
}

/* A list that the model was told, where it heard nothing. */
static void prompt(void **state)
{
    (void)state;
    struct whisper_segment list[] = {
        {.text = "VPN, Outlook, Zebra."},
        {.text = "Outlook, Zebra.", .no_speech = 0.5F},
        {.text = "Outlook, Zebra."},
        {.text = "Zebra.", .confidence = 0.5F},
    };
    struct whisper_transcript t = make(list, ROWS(list));
    const struct guard g = {.prompt = STR("VPN, Outlook, Zebra.")};
    assert_int_equal(apply(&g, &t).told, 2);
    assert_int_equal(t.n_segments, 2);
    assert_string_equal(t.segments[0].text, "Outlook, Zebra.");
    assert_string_equal(t.segments[1].text, "Zebra.");
    whisper_transcript_free(&t);
}

/* Twice may be meant, three times in a row is a machine. */
static void same_segments(void **state)
{
    (void)state;
    struct whisper_segment list[] = {
        {.text = "Да."},  {.text = "да"},  {.text = "Да!"},
        {.text = "Нет."}, {.text = "Да."},
    };
    struct whisper_transcript t = make(list, ROWS(list));
    assert_int_equal(apply(&(struct guard){0}, &t).repeated, 1);
    assert_int_equal(t.n_segments, 4);
    whisper_transcript_free(&t);
}

static void phrases_within(void **state)
{
    (void)state;
    struct whisper_word words[] = {{.text = " no"},
                                   {.text = " no"},
                                   {.text = " no"},
                                   {.text = " no"},
                                   {.text = " help"}};
    struct whisper_segment list[] = {
        {.text = "no no no no help", .words = words, .n_words = 5},
        {.text = "я жду ответа я жду ответа я жду ответа я жду ответа я"},
        {.text = "no no no help"},
    };
    struct whisper_transcript t = make(list, ROWS(list));
    assert_int_equal(apply(&(struct guard){0}, &t).shortened, 2);
    assert_string_equal(t.segments[0].text, "no help");
    assert_int_equal(t.segments[0].n_words, 2);
    assert_string_equal(t.segments[0].words[1].text, " help");
    assert_string_equal(t.segments[1].text, "я жду ответа я");
    assert_string_equal(t.segments[2].text, "no no no help");
    whisper_transcript_free(&t);
}

/* ---- printing
 * ----------------------------------------------------------------------- */

static void expect(const struct whisper_transcript *t, enum subtitles_form f,
                   const char *text)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    subtitles_print(t, f, "a.wav", &b);
    assert_string_equal(b.ptr, text);
    buf_free(&b);
}

static void forms(void **state)
{
    (void)state;
    struct whisper_word words[] = {{.from_ms = 3661000,
                                    .to_ms = 3661500,
                                    .text = " <b>",
                                    .confidence = 0.5F},
                                   {.from_ms = 3661500,
                                    .to_ms = 3662000,
                                    .text = " \"&\"",
                                    .confidence = 1}};
    struct whisper_segment list[] = {
        {.from_ms = 0, .to_ms = 1500, .text = "a --> b\nc", .confidence = 0.5F},
        {.from_ms = 3661000,
         .to_ms = 3662005,
         .text = "<b> \"&\"",
         .confidence = 0.5F,
         .words = words,
         .n_words = 2}};
    const struct whisper_transcript t = {.segments = list,
                                         .n_segments = 2,
                                         .language = "en",
                                         .language_chance = 1,
                                         .duration_ms = 3700000};
    expect(&t, AS_TEXT, "a --> b\nc\n<b> \"&\"\n");
    expect(&t, AS_SRT,
           "1\n00:00:00,000 --> 00:00:01,500\na -> b c\n\n"
           "2\n01:01:01,000 --> 01:01:02,005\n<b> \"&\"\n\n");
    expect(&t, AS_VTT,
           "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\na --&gt; b c\n\n"
           "01:01:01.000 --> 01:01:02.005\n&lt;b&gt;<01:01:01.500> "
           "\"&amp;\"\n\n");
    expect(
        &t, AS_JSON,
        "{\"file\":\"a.wav\",\"language\":\"en\",\"language_confidence\":1.0,"
        "\"duration_ms\":3700000,\"segments\":[{\"from_ms\":0,\"to_ms\":1500,"
        "\"text\":\"a --> b\\nc\",\"confidence\":0.5,\"no_speech\":0.0,"
        "\"repetition\":0.0,\"temperature\":0.0},{\"from_ms\":3661000,"
        "\"to_ms\":3662005,\"text\":\"<b> \\\"&\\\"\",\"confidence\":0.5,"
        "\"no_speech\":0.0,\"repetition\":0.0,\"temperature\":0.0,\"words\":["
        "{\"from_ms\":3661000,\"to_ms\":3661500,\"word\":\"<b>\","
        "\"confidence\":0.5},{\"from_ms\":3661500,\"to_ms\":3662000,"
        "\"word\":\"\\\"&\\\"\",\"confidence\":1.0}]}]}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phantoms),      cmocka_unit_test(unlikely),
        cmocka_unit_test(silence),       cmocka_unit_test(prompt),
        cmocka_unit_test(same_segments), cmocka_unit_test(phrases_within),
        cmocka_unit_test(forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

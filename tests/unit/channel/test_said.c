/* SPDX-License-Identifier: Apache-2.0 */
/* What the caller said is kept, copied, and handed over once. */
#include "channel/phone_said.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "desk/call.h"
#include "speech/recording.h"
#include "speech/sound.h"
#include "test.h"

enum { RATE = 8000, FRAME = RATE / 50 };

static char folder[] = "/tmp/otklik-said-XXXXXX";

static void begin(struct phone_said *s, const char *id)
{
    const struct call_about about = {.id = str_from(id),
                                     .line = STR("200"),
                                     .language = STR("ru"),
                                     .started_at = 1000};
    phone_said_init(s, id, RATE);
    assert_true(phone_said_begin(s, folder, &about));
}

/* A second: bursts of noise, after which there is silence. */
static int64_t speak(struct phone_said *s)
{
    int16_t frame[FRAME];
    uint32_t seed = 1;
    int64_t voiced = 0;
    for (int i = 0; i < RATE / FRAME; i++) {
        for (int k = 0; k < FRAME; k++) {
            seed = seed * 1664525 + 1013904223;
            double x = (double)(seed >> 8) / (1 << 24) - 0.5;
            frame[k] = (int16_t)(i / 10 % 2 ? 6000 * x : 0);
        }
        voiced += phone_said_put(s, frame, FRAME);
    }
    return voiced;
}

static void test_sound(void **state)
{
    (void)state;
    struct phone_said s;
    size_t n = 0;
    begin(&s, "call-1");
    int64_t voiced = speak(&s);
    assert_true(voiced > 200 && voiced < 1000);
    phone_said_mark(&s, "Имя", "");
    char *wav = phone_said_copy(&s, &n);
    assert_non_null(wav);
    assert_int_equal(n, SOUND_WAV_HEAD + RATE * sizeof(int16_t));
    free(wav);
    struct buf marks = BUF_INIT(RECORDING_MARKS_BYTES);
    assert_int_equal(recording_marks(s.recording, &marks, NULL), 0);
    assert_non_null(strstr(marks.ptr, "\"from\":1000"));
    buf_free(&marks);
    /* of a long talk there is no copy */
    for (int i = 0; i < PHONE_THINK_SECONDS; i++)
        (void)speak(&s);
    assert_null(phone_said_copy(&s, &n));
    phone_said_free(&s);
}

static void test_words(void **state)
{
    (void)state;
    struct phone_said s;
    begin(&s, "call-2");
    (void)speak(&s);
    for (int i = 0; i < 2; i++) { /* the later ones count */
        struct phone_done f = {.said = mem_copy_str(i ? "b" : "a"),
                               .heard = mem_copy_str(i ? "d" : "c")};
        phone_said_take(&s, &f);
        assert_null(f.said);
        assert_null(f.heard);
    }
    struct phone_task close = {.work = WORK_CLOSE};
    phone_said_give(&s, &close);
    assert_non_null(close.recording);
    assert_string_equal(close.said, "b");
    assert_string_equal(close.heard, "d");
    assert_null(s.recording);
    /* nothing of it is left for a second one */
    struct phone_task again = {.work = WORK_FILE};
    phone_said_give(&s, &again);
    assert_null(again.recording);
    assert_null(again.heard);
    recording_remove(close.recording);
    free(close.said);
    free(close.heard);
    phone_said_free(&s);
    /* of a ticket the words come with what was heard */
    begin(&s, "call-3");
    s.words = mem_copy_str("a");
    s.heard = mem_copy_str("b");
    struct phone_task file = {.work = WORK_FILE};
    phone_said_give(&s, &file);
    assert_null(file.said);
    assert_string_equal(file.heard, "b");
    recording_remove(file.recording);
    free(file.heard);
    phone_said_free(&s);
}

/* No such folder, and none can be made. */
static void test_no_place(void **state)
{
    (void)state;
    struct phone_said s;
    const struct call_about about = {.id = STR("call-4"), .line = STR("1")};
    phone_said_init(&s, "call-4", RATE);
    assert_false(phone_said_begin(&s, "/proc/none/none", &about));
    assert_null(s.recording);
    phone_said_free(&s);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

/* It must be empty: what was not handed over is gone. */
static int drop_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_no_place),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}

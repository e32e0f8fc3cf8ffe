/* SPDX-License-Identifier: Apache-2.0 */
/* WAVE is read at once; all else is what the program makes of it. */
#include "speech/decode.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "speech/sound.h"
#include "test.h"

static char folder[] = "/tmp/otklik-decode-XXXXXX";
static char program[100];

static int setup(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(program, sizeof(program), "%s/decode", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_dir(folder, NULL);
}

static int decode(const char *script, struct str bytes, struct sound *ret,
                  struct err *e)
{
    char text[300];
    *e = (struct err){0};
    (void)snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
    assert_int_equal(file_write(program, str_from(text), 0700, NULL), 0);
    return sound_decode(program, bytes, ret, e);
}

static void test_wav(void **state)
{
    (void)state;
    unsigned char wav[SOUND_WAV_HEAD + 4] = {0};
    struct sound s;
    struct err e;
    sound_wav_head(wav, 8000, 2);
    assert_int_equal(
        decode("exit 9", (struct str){(char *)wav, sizeof(wav)}, &s, &e), 0);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.rate_hz, 8000);
    sound_free(&s);
}

static void test_other(void **state)
{
    (void)state;
    struct sound s;
    struct err e;
    assert_int_equal(decode("cat", STR("abcd5"), &s, &e), 0);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.rate_hz, 16000);
    assert_int_equal(s.samples[0], 'a' | 'b' << 8);
    sound_free(&s);
}

static void test_failures(void **state)
{
    (void)state;
    static const struct {
        const char *script, *what;
        int code;
    } rows[] = {
        {"echo no sound >&2; exit 1", "no sound", OTK_EFORMAT},
        {"kill -SEGV $$", "damaged", OTK_EFORMAT},
        {"exit 0", "no sound in the file", OTK_EFORMAT},
    };
    struct sound s;
    struct err e;
    for (size_t i = 0; i < ROWS(rows); i++) {
        int code = decode(rows[i].script, STR("abcd"), &s, &e);
        if (code != rows[i].code || !strstr(e.msg, rows[i].what))
            fail_msg("row %zu: %d %s", i, code, e.msg);
    }
    e = (struct err){0};
    assert_int_equal(sound_decode("/no/such", STR("abcd"), &s, &e), OTK_ENOENT);
    assert_non_null(strstr(e.msg, "libavformat-dev"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wav),
        cmocka_unit_test(test_other),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of synthesisers; espeak through a stand-in program, so that it
 * need not be there. */
#include "speech/synthesiser.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/file.h"
#include "speech/sound.h"
#include "test.h"

static char folder[] = "/tmp/otklik-voice-XXXXXX";
static char program[100], kept[100], count[100];

/* Says a WAVE file whose samples are the text, and counts its calls. */
static const char script[] = "#!/bin/sh\n"
                             "echo \"$@\" >> %s\n"
                             "cat > %s.in\n"
                             "[ -s %s.broken ] && exit 3\n"
                             "cat %s.wav\n";

static int setup(void **state)
{
    (void)state;
    char text[1000];
    char path[120];
    unsigned char wav[SOUND_WAV_HEAD + 4000] = {0};
    (void)signal(SIGPIPE, SIG_IGN);
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(program, sizeof(program), "%s/speak", folder);
    (void)snprintf(kept, sizeof(kept), "%s/kept", folder);
    (void)snprintf(count, sizeof(count), "%s/count", folder);
    (void)snprintf(text, sizeof(text), script, count, count, count, count);
    (void)snprintf(path, sizeof(path), "%s.wav", count);
    sound_wav_head(wav, 16000, 2000);
    return file_write(path, (struct str){(char *)wav, sizeof(wav)}, 0600,
                      NULL) ||
           file_write(program, str_from(text), 0700, NULL);
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_dir(folder, NULL);
}

static void check_contract(struct synthesiser *s)
{
    struct sound x;
    struct err e = {0};
    if (synthesiser_speak(s, STR(" Номер 15. "), "ru", 8000, &x, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(x.rate_hz, 8000);
    assert_true(x.n > 0);
    sound_free(&x);
    assert_int_equal(synthesiser_speak(s, STR("  "), "ru", 8000, &x, &e),
                     OTK_EINVAL);
    char *longer = calloc(1, SYNTHESISER_TEXT_MAX + 1);
    memset(longer, 'x', SYNTHESISER_TEXT_MAX + 1);
    assert_int_equal(
        synthesiser_speak(s, (struct str){longer, SYNTHESISER_TEXT_MAX + 1},
                          "ru", 8000, &x, &e),
        OTK_EINVAL);
    free(longer);
}

static void test_contract(void **state)
{
    (void)state;
    struct synthesiser *memory = synthesiser_memory_open();
    struct synthesiser *espeak = synthesiser_espeak_open(program, kept);
    check_contract(memory);
    check_contract(espeak);
    synthesiser_close(memory);
    synthesiser_close(espeak);
}

static long calls(void)
{
    struct stat st;
    return stat(count, &st) ? 0 : (long)st.st_size;
}

static void test_kept(void **state)
{
    (void)state;
    struct synthesiser *s = synthesiser_espeak_open(program, kept);
    struct sound x;
    struct err e = {0};
    assert_int_equal(synthesiser_speak(s, STR("--help"), "en", 8000, &x, &e),
                     0);
    sound_free(&x);
    long n = calls();
    assert_int_equal(synthesiser_speak(s, STR("--help"), "en", 8000, &x, &e),
                     0);
    sound_free(&x);
    assert_int_equal(calls(), n); /* it was not asked again */
    assert_int_equal(synthesiser_speak(s, STR("--help"), "ru", 8000, &x, &e),
                     0);
    sound_free(&x);
    assert_true(calls() > n);
    synthesiser_close(s);
}

static void test_not_kept(void **state)
{
    (void)state;
    struct synthesiser *s = synthesiser_espeak_open(program, "");
    struct sound x;
    struct err e = {0};
    long n = calls();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            synthesiser_speak(s, STR("a name"), "en", 8000, &x, &e), 0);
        assert_true(x.n > 0);
        sound_free(&x);
        assert_true(calls() > n); /* each time */
        n = calls();
    }
    synthesiser_close(s);
}

static void test_failures(void **state)
{
    (void)state;
    char path[120];
    struct sound x;
    struct err e = {0};
    struct synthesiser *s = synthesiser_espeak_open("/no/such/program", kept);
    assert_int_equal(synthesiser_speak(s, STR("a"), "ru", 8000, &x, &e),
                     OTK_ENOENT);
    assert_non_null(strstr(e.msg, "espeak-ng"));
    synthesiser_close(s);
    (void)snprintf(path, sizeof(path), "%s.broken", count);
    assert_int_equal(file_write(path, STR("x"), 0600, NULL), 0);
    s = synthesiser_espeak_open(program, kept);
    assert_int_equal(synthesiser_speak(s, STR("b"), "ru", 8000, &x, &e),
                     OTK_EFORMAT);
    synthesiser_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contract),
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_not_kept),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

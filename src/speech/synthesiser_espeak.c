/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "speech/sound.h"
#include "speech/synthesiser.h"

enum {
    WAV_BYTES = 64 << 20, /* 4000 letters are some minutes */
    TIMEOUT_MS = 30 * 1000,
    PATH_BYTES = 4096 + 80,
    HASH_RAW = 32,
};

/* What belongs to a text that is kept: change it when the sound changes. */
static const char version[] = "espeak-1";

struct espeak {
    struct synthesiser base;
    char *program, *folder;
};

static struct espeak *self(struct synthesiser *s)
{
    return (struct espeak *)s;
}

static void kept_path(const struct espeak *s, struct str text,
                      const char *language, char ret[PATH_BYTES])
{
    crypto_generichash_state h;
    unsigned char raw[HASH_RAW];
    char hex[2 * HASH_RAW + 1];
    (void)crypto_generichash_init(&h, NULL, 0, HASH_RAW);
    (void)crypto_generichash_update(&h, (const unsigned char *)version,
                                    sizeof(version));
    (void)crypto_generichash_update(&h, (const unsigned char *)language,
                                    strlen(language) + 1);
    (void)crypto_generichash_update(&h, (const unsigned char *)text.p, text.n);
    (void)crypto_generichash_final(&h, raw, sizeof(raw));
    (void)sodium_bin2hex(hex, sizeof(hex), raw, sizeof(raw));
    (void)snprintf(ret, PATH_BYTES, "%.4000s/%s.wav", s->folder, hex);
}

/* The text goes in by a pipe: it is no argument and cannot look like one. */
static int run(const struct espeak *s, struct str text, const char *language,
               struct buf *out, struct err *e)
{
    char program[256];
    char voice[16];
    char v[] = "-v", in[] = "--stdin", wav[] = "--stdout", b[] = "-b1";
    struct process_done done;
    (void)snprintf(program, sizeof(program), "%s", s->program);
    (void)snprintf(voice, sizeof(voice), "%s", language);
    char *argv[] = {program, v, voice, b, in, wav, NULL};
    struct process_ask ask = {argv, text, TIMEOUT_MS};
    int r = process_run(&ask, out, &done, e);
    if (r == OTK_ENOENT)
        return err_wrap(e, r, "to speak, install the package espeak-ng");
    return r ? r : process_check(&done, s->program, e);
}

/* Texts with numbers in them come once each: the folder is kept small by
 * beginning anew. */
static void make_room(const char *folder)
{
    size_t n = 0;
    DIR *d = opendir(folder);
    while (d && readdir(d))
        n++;
    if (d)
        (void)closedir(d);
    if (n > SYNTHESISER_KEPT_MAX)
        (void)file_empty_dir(folder, NULL);
}

static int espeak_speak(struct synthesiser *base, struct str text,
                        const char *language, struct sound *ret, struct err *e)
{
    const struct espeak *s = self(base);
    char path[PATH_BYTES];
    struct buf wav = BUF_INIT(WAV_BYTES);
    bool keeps = s->folder[0] != '\0';
    kept_path(s, text, language, path);
    int r =
        keeps && file_exists(path) ? file_read(path, &wav, NULL) : OTK_ENOENT;
    if (!r)
        r = sound_read_wav(buf_str(&wav), ret, NULL);
    if (!r) {
        buf_free(&wav);
        return OTK_OK;
    }
    buf_reset(&wav);
    r = run(s, text, language, &wav, e);
    if (!r)
        r = sound_read_wav(buf_str(&wav), ret, e);
    if (!r && keeps) {
        make_room(s->folder);
        /* not kept: it will be spoken again */
        if (file_make_dir(s->folder, NULL) == 0)
            (void)file_write(path, buf_str(&wav), 0600, NULL);
    }
    buf_free(&wav);
    return r;
}

static void espeak_close(struct synthesiser *base)
{
    struct espeak *s = self(base);
    free(s->program);
    free(s->folder);
    free(s);
}

static const struct synthesiser_ops espeak_ops = {
    .name = "espeak",
    .speak = espeak_speak,
    .close = espeak_close,
};

struct synthesiser *synthesiser_espeak_open(const char *program,
                                            const char *folder)
{
    struct espeak *s = MEM_NEW(struct espeak);
    s->base.ops = &espeak_ops;
    s->program = mem_copy_str(program);
    s->folder = mem_copy_str(folder);
    return &s->base;
}

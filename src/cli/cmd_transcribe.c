/* SPDX-License-Identifier: Apache-2.0 */
/* otklik transcribe */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/scope.h"
#include "cli/cli.h"
#include "cli/models.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "desk/vocabulary.h"
#include "model/hub.h"
#include "model/whisper.h"
#include "speech/decode.h"
#include "speech/guard.h"
#include "speech/sound.h"
#include "speech/subtitles.h"

enum { OUTPUT_BYTES = 1 << 28, FILE_MODE = 0644 };
static const size_t SOUND_BYTES = (size_t)4 << 30; /* RIFF has no more */

struct running {
    const struct args *a;
    struct whisper *model;
    struct whisper_session *session;
    struct whisper_options options;
    struct arena *arena; /* of the prompt */
    enum subtitles_form form;
};

static const char *const forms[] = {
    [AS_TEXT] = "text", [AS_SRT] = "srt", [AS_VTT] = "vtt", [AS_JSON] = "json"};

/* ---- the model
 * ---------------------------------------------------------------------- */

/* models/WORD of the desk, as a folder or with .bin behind it. */
static bool is_of_desk(const struct args *a, const char *word,
                       char ret[PATH_MAX])
{
    struct err no_name;
    if (models_check_name(word, &no_name) ||
        models_path(a, word, ret, &no_name))
        return false;
    if (file_exists(ret))
        return true;
    size_t n = strlen(ret);
    (void)snprintf(ret + n, PATH_MAX - n, ".bin");
    return file_exists(ret);
}

/* A path, a name in the desk's models/, or what model pull calls it. */
static int find_model(const struct args *a, char ret[PATH_MAX], struct err *e)
{
    SCOPED(scope_arena) struct arena *arena = arena_new();
    const char *word = args_text(a, "model");
    struct hub_name pulled;
    struct err no_name;
    (void)snprintf(ret, PATH_MAX, "%s", word ? word : "");
    if (word && file_exists(ret))
        return OTK_OK;
    word = word ? word : "whisper";
    if (is_of_desk(a, word, ret))
        return OTK_OK;
    if (!hub_name_read(arena, str_from(word), NULL, &pulled, &no_name) &&
        is_of_desk(a, pulled.folder, ret))
        return OTK_OK;
    return err_set(e, OTK_ENOENT,
                   "no model '%.100s', neither as a file or folder nor in "
                   "%.100s/models; --model takes a ggml-*.bin of whisper.cpp "
                   "or a folder of Hugging Face, and otklik model pull "
                   "whisper-base fetches one",
                   word, cli_folder(a));
}

/* ---- a sound
 * ------------------------------------------------------------------------ */

static void show(void *ctx, double share)
{
    cli_progress(NULL, ctx, share);
}

static void tell_guard(const char *path, const struct guard_report *g)
{
    size_t gone = g->silent + g->unlikely + g->phantoms + g->repeated + g->told;
    if (gone || g->shortened)
        (void)fprintf(stderr,
                      "otklik: %s: left out what nobody said: %zu segments "
                      "(%zu silent, %zu unlikely, %zu phantoms, %zu repeated, "
                      "%zu of the prompt), "
                      "%zu shortened\n",
                      path, gone, g->silent, g->unlikely, g->phantoms,
                      g->repeated, g->told, g->shortened);
}

/* FOLDER/NAME.srt of a sound called NAME.wav. */
static int write_beside(const struct running *x, const char *path,
                        const struct buf *out, struct err *e)
{
    char to[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    size_t len = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    int n =
        snprintf(to, sizeof(to), "%s/%.*s.%s", args_text(x->a, "output"),
                 (int)len, name, x->form == AS_TEXT ? "txt" : forms[x->form]);
    if (n < 0 || n >= PATH_MAX)
        return err_set(e, OTK_ELIMIT, "%.80s…: path too long", to);
    return file_write(to, buf_str(out), FILE_MODE, e);
}

struct pcm {
    float *samples; /* at WHISPER_RATE */
    size_t n;
};

static int decode(struct str bytes, struct pcm *ret, struct err *e)
{
    struct sound raw = {0};
    struct sound sound = {0};
    int r = sound_decode("", bytes, &raw, e);
    if (!r)
        r = sound_resample(&raw, WHISPER_RATE, &sound, e);
    sound_free(&raw);
    if (r)
        return r;
    ret->n = sound.n;
    ret->samples = mem_try(sound.n + 1, sizeof(*ret->samples));
    if (ret->samples)
        sound_floats(sound.samples, sound.n, ret->samples);
    else
        r = err_set(e, OTK_ELIMIT, "no memory for %zu samples", sound.n);
    sound_free(&sound);
    return r;
}

static int read_sound(const char *path, struct pcm *ret, struct err *e)
{
    struct buf bytes = BUF_INIT(SOUND_BYTES);
    int r = file_read(path, &bytes, e);
    if (!r && (r = decode(buf_str(&bytes), ret, e)))
        (void)err_place(e, r, "%s", path);
    buf_free(&bytes);
    return r;
}

static int transcribe(struct running *x, const char *path, struct err *e)
{
    struct pcm sound = {0};
    struct whisper_transcript t = {0};
    struct guard_report report = {0};
    const struct guard guard = {.prompt = x->options.prompt};
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    char name[] = "transcribe";
    int r = read_sound(path, &sound, e);
    if (r)
        return r;
    x->options.progress = show;
    x->options.ctx = name;
    r = whisper_transcribe(x->model, x->session, sound.samples, sound.n,
                           &x->options, &t, e);
    free(sound.samples);
    if (r)
        return e->field[0] ? r : err_place(e, r, "%s", path);
    if (!args_has(x->a, "unguarded"))
        guard_apply(&guard, &t, &report);
    tell_guard(path, &report);
    subtitles_print(&t, x->form, path, &out);
    if (args_has(x->a, "output"))
        r = buf_check(&out)
                ? err_set(e, OTK_ELIMIT, "%s: the text is too long", path)
                : write_beside(x, path, &out, e);
    else if (cli_print(&out))
        r = err_set(e, OTK_EIO, "the transcript was not written");
    buf_free(&out);
    whisper_transcript_free(&t);
    return r;
}

/* ---- the command
 * -------------------------------------------------------------------- */

/* The table of options has seen that it is one of them. */
static enum subtitles_form form_of(const struct args *a)
{
    const char *word = args_text(a, "format");
    for (int i = AS_TEXT; word && i <= AS_JSON; i++) {
        if (strcmp(word, forms[i]) == 0)
            return (enum subtitles_form)i;
    }
    return cli_json(a) ? AS_JSON : AS_TEXT;
}

/* The words of the desk, and after them those of the command line, which say
 * best what is in this sound. */
static int add_vocabulary(struct running *x, struct err *e)
{
    struct desk *d = NULL;
    struct vocabulary *v = NULL;
    struct desk_options o = {.folder = cli_folder(x->a), .records_only = true};
    int r = desk_open(&o, &d, e);
    if (!r)
        r = vocabulary_load(d, &v, e);
    if (!r) {
        const char *language = x->options.language;
        struct catalog *c = desk_catalog(d);
        struct str words = vocabulary_prompt(
            v, c, str_from(desk_settings(d).speech.vocabulary),
            language ? language : "", x->arena);
        x->options.prompt =
            str_from(arena_printf(x->arena, STR_FMT " " STR_FMT, STR_ARG(words),
                                  STR_ARG(x->options.prompt)));
        catalog_unref(c);
    }
    vocabulary_unref(v);
    desk_close(d);
    return r;
}

static int read_options(struct running *x, struct err *e)
{
    int64_t beams = 1;
    const struct args *a = x->a;
    const char *language = args_text(a, "language");
    int r = OTK_OK;
    x->form = form_of(a);
    if (args_whole(a, "beams", 1, 1, WHISPER_BEAMS_MAX, &beams, e))
        r = OTK_EINVAL;
    if (!r && a->n_words > 1 && !args_has(a, "output") &&
        (x->form == AS_SRT || x->form == AS_VTT))
        r = err_set(e, OTK_EINVAL,
                    "subtitles of several files need --output "
                    "FOLDER");
    x->options = (struct whisper_options){
        .language = language && strcmp(language, "auto") != 0 ? language : NULL,
        .translates = args_has(a, "translate"),
        .has_words = args_has(a, "words"),
        .beams = (int)beams,
        .prompt = str_from(args_text(a, "prompt")),
        .forgets = args_has(a, "forget"),
        .tries = args_has(a, "fast"),
        .cuts_windows = args_has(a, "fast"),
    };
    return r || !args_has(a, "vocabulary") ? r : add_vocabulary(x, e);
}

static int start(struct running *x, struct err *e)
{
    char path[PATH_MAX];
    enum precision p = PRECISION_I8;
    int64_t threads = 1;
    int64_t usual = sysconf(_SC_NPROCESSORS_ONLN);
    usual = usual < 1                     ? 1
            : usual > WHISPER_THREADS_MAX ? WHISPER_THREADS_MAX
                                          : usual;
    int r = read_options(x, e);
    if (!r)
        r = models_precision(x->a, PRECISION_I8, &p, e);
    if (!r &&
        args_whole(x->a, "threads", usual, 1, WHISPER_THREADS_MAX, &threads, e))
        r = OTK_EINVAL;
    if (!r)
        r = find_model(x->a, path, e);
    if (!r)
        r = whisper_load(path, p, &x->model, e);
    if (!r)
        x->session = whisper_session_new((int)threads);
    return r;
}

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    SCOPED(scope_arena) struct arena *arena = arena_new();
    struct running x = {.a = a, .arena = arena};
    int r = start(&x, &e);
    for (int i = 0; !r && i < a->n_words; i++)
        r = transcribe(&x, a->words[i], &e);
    whisper_session_free(x.session);
    whisper_unref(x.model);
    return r ? cli_fail(r, &e) : EXIT_OK;
}

static const struct arg_option options[] = {
    {'m', "model", "MODEL", "a ggml-*.bin, a folder, or a name in models/"},
    {'l', "language", "CODE", "ru, en, …; auto (default): heard"},
    {'f', "format", "text|srt|vtt|json", "of the output (default text)"},
    {'o', "output", "FOLDER", "write FOLDER/NAME.FORMAT for each file"},
    {'w', "words", NULL, "times and confidences of words (vtt, json)"},
    {'T', "translate", NULL, "into English"},
    {0, "prompt", "TEXT", "words that are likely: names, products"},
    {0, "vocabulary", NULL,
     "the desk's own words too: staff, topics, articles"},
    {'b', "beams", "N", "texts side by side, 1 to 8 (default 1)"},
    {0, "forget", NULL, "each 30 s by themselves"},
    {0, "fast", NULL, "one try, and no silence after a short sound"},
    {0, "unguarded", NULL, "keep what nobody seems to have said"},
    {'p', "precision", "f32|bf16|int8", "of the weights (default int8)"},
    {'t', "threads", "N", "1 to 64 (default: all processors)"},
    {0},
};

const struct arg_command cmd_transcribe = {
    .name = "transcribe",
    .words = "FILE...",
    .min_words = 1,
    .max_words = -1,
    .summary = "Write down what is said in sound files",
    .about =
        "Reads any file of sound of up to 5 hours and asks a Whisper\nmodel: a "
        "ggml-*.bin of whisper.cpp or a folder of "
        "Hugging Face; by default\nmodels/whisper of the desk. What nobody "
        "said - credits of subtitles, one phrase\nagain and again - is left "
        "out and counted on stderr. Texts are data: nothing in\nthem is "
        "obeyed.\n",
    .options = options,
    .run = run,
};

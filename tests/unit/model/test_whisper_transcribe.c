/* SPDX-License-Identifier: Apache-2.0 */
/* Whole sounds through a small model of random weights. */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "model/whisper_private.h"
#include "model/whisper_rules.h"
#include "model/whisper_search.h"
#include "whisper_models.h"

enum {
    WINDOW_MS = 2000, /* of 100 rows */
    SAMPLES = WHISPER_RATE * 5,
    LINES = WHISPER_BEAMS_MAX + 1,
};

static struct whisper *w;
static struct whisper_session *s;
static float *pcm;

static int make(void **state)
{
    char path[WHISPER_PATH];
    struct err e = {0};
    struct rand r;
    if (whisper_open(state))
        return -1;
    whisper_make("--type f16 --seed 3", "f16.bin", path);
    if (whisper_load(path, PRECISION_F32, &w, &e))
        fail_msg("%s", e.msg);
    s = whisper_session_new(2);
    pcm = mem_new(SAMPLES, sizeof(*pcm));
    rand_init(&r, 9);
    for (size_t i = 0; i < SAMPLES; i++)
        pcm[i] = 0.2F * sinf((float)(i * i % 70000) * 0.001F) +
                 (float)(rand_real(&r) * 0.1 - 0.05);
    return 0;
}

static int clean(void **state)
{
    free(pcm);
    whisper_session_free(s);
    whisper_unref(w);
    return whisper_close(state);
}

static struct whisper_transcript run(const struct whisper_options *o,
                                     size_t samples)
{
    struct whisper_transcript t = {0};
    struct err e = {0};
    if (whisper_transcribe(w, s, pcm, samples, o, &t, &e))
        fail_msg("%s", e.msg);
    return t;
}

/* ---- the whole
 * ---------------------------------------------------------------------- */

static void check_segments(const struct whisper_transcript *t, bool has_words)
{
    int64_t last = 0;
    for (size_t i = 0; i < t->n_segments; i++) {
        const struct whisper_segment *x = &t->segments[i];
        struct str text = str_from(x->text);
        assert_true(x->from_ms >= 0 && x->from_ms <= x->to_ms);
        assert_true(x->to_ms <= t->duration_ms + 20);
        assert_true(text.n && utf8_check(text) == text.n);
        assert_true(x->confidence > 0 && x->confidence <= 1);
        assert_true(x->no_speech >= 0 && x->no_speech <= 1);
        assert_true(x->n_words > 0 || !has_words);
        last = 0;
        for (size_t k = 0; k < x->n_words; k++) {
            assert_true(x->words[k].from_ms >= last);
            assert_true(x->words[k].to_ms >= x->words[k].from_ms);
            assert_true(x->words[k].confidence > 0);
            last = x->words[k].from_ms;
        }
    }
}

static void of_several_windows(void **state)
{
    (void)state;
    const struct whisper_options o = {
        .language = "ru", .has_words = true, .tries = 1};
    struct whisper_transcript t = run(&o, SAMPLES);
    assert_string_equal(t.language, "ru");
    assert_true(t.language_chance == 1);
    assert_int_equal(t.duration_ms, 5000);
    assert_true(t.n_segments > 0);
    assert_true(t.segments[t.n_segments - 1].to_ms > WINDOW_MS);
    check_segments(&t, true);
    whisper_transcript_free(&t);
}

/* The words of a segment are its text. */
static void words_are_the_text(void **state)
{
    (void)state;
    const struct whisper_options o = {
        .language = "en", .has_words = true, .tries = 1};
    struct whisper_transcript t = run(&o, SAMPLES / 2);
    for (size_t i = 0; i < t.n_segments; i++) {
        const struct whisper_segment *x = &t.segments[i];
        const char *at = x->text;
        for (size_t k = 0; k < x->n_words; k++) {
            struct str word = str_trim(str_from(x->words[k].text));
            at += strspn(at, " ");
            assert_memory_equal(at, word.p, word.n);
            at += word.n;
        }
    }
    whisper_transcript_free(&t);
}

static void same_each_time(void **state)
{
    (void)state;
    const struct whisper_options o = {.language = "en", .seed = 4};
    struct whisper_transcript a = run(&o, SAMPLES / 4);
    struct whisper_transcript b = run(&o, SAMPLES / 4);
    assert_int_equal(a.n_segments, b.n_segments);
    for (size_t i = 0; i < a.n_segments; i++)
        assert_string_equal(a.segments[i].text, b.segments[i].text);
    whisper_transcript_free(&a);
    whisper_transcript_free(&b);
}

static void hears_the_language(void **state)
{
    (void)state;
    const struct whisper_options o = {.tries = 1};
    struct whisper_transcript t = run(&o, SAMPLES / 4);
    assert_true(whisper_language_find(str_from(t.language)) >= 0);
    assert_true(t.language_chance > 0.01F && t.language_chance < 1);
    whisper_transcript_free(&t);
}

/* "HEAD printer printer … TAIL", with more between than a prompt may have. */
static struct whisper_transcript run_told(const char *head, const char *tail)
{
    struct buf b = BUF_INIT(WHISPER_PROMPT_BYTES);
    buf_puts(&b, head);
    for (int i = 0; i < 400; i++)
        buf_puts(&b, " printer");
    buf_puts(&b, tail);
    const struct whisper_options o = {.language = "en",
                                      .tries = 1,
                                      .without_times = true,
                                      .prompt = buf_str(&b)};
    struct whisper_transcript t = run(&o, SAMPLES / 4);
    assert_int_equal(t.n_segments, 1);
    buf_free(&b);
    return t;
}

/* What does not fit is cut off in front. */
static void the_end_of_a_prompt_counts(void **state)
{
    (void)state;
    struct whisper_transcript a = run_told("scanner", "");
    struct whisper_transcript b = run_told("cable", "");
    struct whisper_transcript c = run_told("scanner", " cable");
    assert_string_equal(a.segments[0].text, b.segments[0].text);
    assert_string_not_equal(a.segments[0].text, c.segments[0].text);
    whisper_transcript_free(&a);
    whisper_transcript_free(&b);
    whisper_transcript_free(&c);
}

static void options_that_change_the_text(void **state)
{
    (void)state;
    const struct whisper_options plain = {
        .language = "en", .tries = 1, .without_times = true};
    struct whisper_options told = plain;
    struct whisper_options cut = plain;
    told.prompt = STR("printer, принтер");
    cut.cuts_windows = true;
    struct whisper_transcript a = run(&plain, SAMPLES / 4);
    struct whisper_transcript b = run(&told, SAMPLES / 4);
    struct whisper_transcript c = run(&cut, SAMPLES / 4);
    assert_int_equal(a.n_segments, 1);
    assert_int_equal(a.segments[0].from_ms, 0);
    assert_int_equal(a.segments[0].to_ms, 1260);
    assert_true(b.n_segments && c.n_segments);
    assert_string_not_equal(a.segments[0].text, b.segments[0].text);
    whisper_transcript_free(&a);
    whisper_transcript_free(&b);
    whisper_transcript_free(&c);
}

/* What it took; in a short sound there is no room for a long text. */
static void work_is_counted(void **state)
{
    enum { SHORT = WHISPER_RATE * 12 / 100, PROMPT = 3, ROOM = 32 + 2 };
    (void)state;
    struct whisper_options o = {.language = "en", .tries = 1};
    struct whisper_transcript t = run(&o, SHORT);
    assert_int_equal(t.work.windows, 1);
    assert_int_equal(t.work.retries, 0);
    assert_true(t.work.tokens > PROMPT && t.work.tokens <= PROMPT + ROOM);
    assert_true(t.work.encoder_ms >= 0 && t.work.decoder_ms >= 0);
    size_t once = t.work.tokens;
    whisper_transcript_free(&t);
    o.tries = 0; /* nothing that it says is likely */
    t = run(&o, SHORT);
    assert_int_equal(t.work.retries, WHISPER_TRIES - 1);
    assert_true(t.work.tokens > once);
    size_t all = t.work.tokens;
    whisper_transcript_free(&t);
    o.tries = 2;
    t = run(&o, SHORT);
    assert_int_equal(t.work.retries, 1);
    assert_true(t.work.tokens > once && t.work.tokens < all);
    whisper_transcript_free(&t);
    o.tries = 1;
    t = run(&o, SAMPLES);
    assert_true(t.work.windows >= 3);
    whisper_transcript_free(&t);
}

static void next_to_nothing(void **state)
{
    (void)state;
    const struct whisper_options o = {.language = "en"};
    struct whisper_transcript t = run(&o, 0);
    assert_int_equal(t.n_segments, 0);
    whisper_transcript_free(&t);
    t = run(&o, 100);
    assert_int_equal(t.n_segments, 0);
    whisper_transcript_free(&t);
}

/* ---- asked to stop, asked wrongly
 * ---------------------------------------------------- */

struct watch {
    int asked, stop_at;
    double last;
};

static bool stop(void *ctx)
{
    struct watch *x = ctx;
    return ++x->asked == x->stop_at;
}

static void show(void *ctx, double share)
{
    struct watch *x = ctx;
    assert_true(share >= x->last);
    x->last = share;
}

static void can_be_stopped(void **state)
{
    (void)state;
    struct watch x = {.stop_at = 20};
    struct whisper_options o = {
        .language = "en", .tries = 1, .cancelled = stop, .progress = show};
    struct whisper_transcript t = {0};
    struct err e = {0};
    o.ctx = &x;
    assert_int_equal(whisper_transcribe(w, s, pcm, SAMPLES, &o, &t, &e),
                     OTK_EAGAIN);
    assert_int_equal(x.asked, 20);
    x = (struct watch){.stop_at = -1};
    t = run(&o, SAMPLES);
    assert_true(x.last == 1);
    whisper_transcript_free(&t);
}

static void wrong_options(void **state)
{
    (void)state;
    struct whisper_transcript t = {0};
    struct err e = {0};
    struct whisper_options o = {.language = "xx"};
    assert_int_equal(whisper_transcribe(w, s, pcm, 10, &o, &t, &e), OTK_EINVAL);
    assert_string_equal(e.field, "language");
    o = (struct whisper_options){.language = "yue"}; /* large-v3's only */
    assert_int_equal(whisper_transcribe(w, s, pcm, 10, &o, &t, &e), OTK_EINVAL);
    o = (struct whisper_options){.beams = 9};
    assert_int_equal(whisper_transcribe(w, s, pcm, 10, &o, &t, &e), OTK_EINVAL);
    o = (struct whisper_options){.prompt = STR("\xff")};
    assert_int_equal(whisper_transcribe(w, s, pcm, 10, &o, &t, &e), OTK_EINVAL);
    o = (struct whisper_options){0};
    assert_int_equal(whisper_transcribe(w, s, pcm, (size_t)1 << 40, &o, &t, &e),
                     OTK_ELIMIT);
    const float bad[] = {0, NAN};
    assert_int_equal(whisper_transcribe(w, s, bad, 2, &o, &t, &e), OTK_EFORMAT);
}

/* ---- searching
 * ---------------------------------------------------------------------- */

static void search_for(struct whisper_memory *m, struct whisper_search how,
                       uint64_t seed, struct whisper_found *ret)
{
    const uint32_t prompt[] = {w->vocabulary.start, w->vocabulary.languages,
                               w->vocabulary.transcribe,
                               w->vocabulary.no_times};
    struct whisper_rules rules;
    struct rand rand;
    struct err e = {0};
    whisper_rules_init(&rules, &w->vocabulary, false);
    rand_init(&rand, seed);
    how.w = w;
    how.s = s;
    how.m = m;
    how.rules = &rules;
    how.prompt = prompt;
    how.n_prompt = ROWS(prompt);
    how.rand = &rand;
    assert_int_equal(whisper_search(&how, ret, &e), OTK_OK);
}

/* Any text is good. */
static const struct whisper_search any = {
    .most = 20, .beams = 1, .least_log = -INFINITY, .repetition = INFINITY};

static void search(struct whisper_memory *m, int beams, float temperature,
                   uint64_t seed, struct whisper_found *ret)
{
    struct whisper_search how = any;
    how.beams = beams;
    how.temperature = temperature;
    search_for(m, how, seed, ret);
}

/* The logarithms that the search says, told by decoding its text at once. */
static void check_found(struct whisper_memory *m, const struct whisper_found *f)
{
    struct whisper_rules rules;
    struct whisper_step steps[4 + 20];
    struct err e = {0};
    size_t vocab = w->sizes.vocab;
    whisper_rules_init(&rules, &w->vocabulary, false);
    const uint32_t prompt[] = {w->vocabulary.start, w->vocabulary.languages,
                               w->vocabulary.transcribe,
                               w->vocabulary.no_times};
    for (size_t i = 0; i < 4 + f->n; i++)
        steps[i] = (struct whisper_step){
            .token = i < 4 ? prompt[i] : f->tokens[i - 4],
            .at = i,
            .line = LINES - 1,
            .wants = i >= 3,
        };
    float *logits = mem_new((f->n + 1) * vocab, sizeof(*logits));
    assert_int_equal(whisper_decode(w, s, m, steps, 4 + f->n, logits, NULL, &e),
                     OTK_OK);
    for (size_t i = 0; i < f->n; i++) {
        whisper_rules_apply(&rules, f->tokens, i, logits + i * vocab);
        float log = logf(logits[i * vocab + f->tokens[i]]);
        assert_true(fabsf(log - f->logs[i]) < 1e-3F * (1 + fabsf(log)));
    }
    free(logits);
}

/* A memory that has heard something. */
static struct whisper_memory *listen(void)
{
    struct whisper_memory *m = whisper_memory_new(w, LINES);
    size_t rows = w->sizes.audio.ctx;
    float *heard = mem_new(rows * w->sizes.audio.state, sizeof(*heard));
    float *mels = mem_new(rows * 2 * w->sizes.mels, sizeof(*mels));
    for (size_t i = 0; i < rows * 2 * w->sizes.mels; i++)
        mels[i] = pcm[i] * 4;
    whisper_encode(w, s, mels, rows, heard);
    whisper_memory_hear(w, s, m, heard, rows);
    free(mels);
    free(heard);
    return m;
}

/* Beams find a text at least as likely as the greedy one's beginning allows;
 * each line's memory is its own. */
static void beams_and_draws(void **state)
{
    (void)state;
    struct whisper_memory *m = listen();
    struct whisper_found *f = mem_new(2, sizeof(*f));
    search(m, 1, 0, 1, &f[0]);
    assert_true(f[0].n > 0);
    check_found(m, &f[0]);
    for (int beams = 2; beams <= WHISPER_BEAMS_MAX; beams += 3) {
        search(m, beams, 0, 1, &f[1]);
        check_found(m, &f[1]);
        assert_true(f[1].mean_log > f[0].mean_log - 0.5);
    }
    search(m, 1, 1, 1, &f[0]);
    check_found(m, &f[0]);
    search(m, 1, 1, 1, &f[1]); /* by the same seed */
    assert_int_equal(f[0].n, f[1].n);
    assert_memory_equal(f[0].tokens, f[1].tokens, f[0].n * sizeof(uint32_t));
    search(m, 1, 1, 2, &f[1]);
    assert_true(f[0].n != f[1].n ||
                memcmp(f[0].tokens, f[1].tokens, f[0].n * 4) != 0);
    free(f);
    whisper_memory_free(m);
}

static void check_same(const struct whisper_found *a,
                       const struct whisper_found *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->tokens, b->tokens, a->n * sizeof(*a->tokens));
    assert_true(a->mean_log == b->mean_log);
}

/* What cannot become good is not finished; what can is as it was. */
static void gives_up(void **state)
{
    (void)state;
    struct whisper_memory *m = listen();
    struct whisper_found *f = mem_new(2, sizeof(*f));
    struct whisper_search how = any;
    for (int warm = 0; warm < 2; warm++) {
        how.temperature = (float)warm;
        how.least_log = -INFINITY;
        search_for(m, how, 1, &f[0]);
        assert_true(f[0].n > 10);
        how.least_log = f[0].mean_log - 1e-6;
        search_for(m, how, 1, &f[1]);
        check_same(&f[0], &f[1]);
        how.least_log = f[0].mean_log / 4;
        search_for(m, how, 1, &f[1]);
        assert_true(f[1].n < f[0].n && f[1].mean_log < how.least_log);
        assert_true(f[1].decoded < f[0].decoded);
    }
    /* the last search brings the likeliest home, alone */
    how.is_last = true;
    how.least_log = 0;
    search_for(m, how, 1, &f[1]);
    assert_true(f[1].n == how.most || f[1].is_ended);
    assert_int_equal(f[1].decoded, 4 + f[1].n - !f[1].is_ended);
    check_found(m, &f[1]);
    free(f);
    whisper_memory_free(m);
}

/* Text that is its own repetition ends, and not before it is that. */
static void repeats_itself(void **state)
{
    (void)state;
    enum { PHRASES = 40 };
    const uint32_t phrase[] = {'h', 'e', 'l', 'l', 'o', ' '};
    uint32_t text[PHRASES * ROWS(phrase)];
    for (size_t i = 0; i < ROWS(text); i++)
        text[i] = phrase[i % ROWS(phrase)];
    assert_true(whisper_repetition(&w->vocabulary, text, ROWS(phrase)) < 1);
    assert_true(whisper_repetition(&w->vocabulary, text, ROWS(text)) > 10);
    assert_true(whisper_repetition(&w->vocabulary, text, 0) <= 1);

    struct whisper *real = w;
    char path[WHISPER_PATH];
    struct err e = {0};
    whisper_make("--type f16 --loops", "loops.bin", path);
    assert_int_equal(whisper_load(path, PRECISION_F32, &w, &e), OTK_OK);
    struct whisper_memory *m = listen();
    struct whisper_found *f = mem_new(1, sizeof(*f));
    struct whisper_search how = any;
    how.most = 90;
    for (int last = 0; last < 2; last++) {
        for (int warm = 0; warm < 2; warm++) {
            how.is_last = last;
            how.temperature = 0.1F * (float)warm;
            how.repetition = INFINITY;
            search_for(m, how, 1, f);
            assert_int_equal(f->n, how.most);
            how.repetition = 2.4F;
            search_for(m, how, 1, f);
            assert_int_equal(f->n, 48);
            assert_int_equal(f->tokens[0], 'a');
        }
    }
    free(f);
    whisper_memory_free(m);
    whisper_unref(w);
    w = real;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_several_windows),
        cmocka_unit_test(words_are_the_text),
        cmocka_unit_test(same_each_time),
        cmocka_unit_test(hears_the_language),
        cmocka_unit_test(options_that_change_the_text),
        cmocka_unit_test(the_end_of_a_prompt_counts),
        cmocka_unit_test(work_is_counted),
        cmocka_unit_test(next_to_nothing),
        cmocka_unit_test(can_be_stopped),
        cmocka_unit_test(wrong_options),
        cmocka_unit_test(beams_and_draws),
        cmocka_unit_test(gives_up),
        cmocka_unit_test(repeats_itself),
    };
    return cmocka_run_group_tests(tests, make, clean);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "speech/recogniser.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"
#include "speech/echo.h"

static const double CERTAIN = 0.8;

const char *recogniser_name(const struct recogniser *r)
{
    return r->ops->name;
}

void recogniser_close(struct recogniser *r)
{
    if (r)
        r->ops->close(r);
}

static double share(double x)
{
    return x >= 0 && x <= 1 ? x : -1; /* also what is no number */
}

/* Keep what has words, in the order of time and within the sound. */
static void put_right(struct transcript *t, int64_t ms)
{
    size_t n = 0;
    int64_t at = 0;
    for (size_t i = 0; i < t->n_segments; i++) {
        struct transcript_segment s = t->segments[i];
        s.text = str_trim(s.text);
        s.confidence = share(s.confidence);
        s.from_ms = s.from_ms < at ? at : s.from_ms;
        s.from_ms = s.from_ms > ms ? ms : s.from_ms;
        s.to_ms = s.to_ms < s.from_ms ? s.from_ms : s.to_ms;
        s.to_ms = s.to_ms > ms ? ms : s.to_ms;
        if (s.text.n == 0 || utf8_check(s.text) != s.text.n)
            continue;
        at = s.to_ms;
        t->segments[n++] = s;
    }
    t->n_segments = n;
}

/* ---- what only repeats the prompt
 * ---------------------------------------------------------------- */

static struct str join(const struct transcript *t, struct arena *a)
{
    struct buf b = BUF_INIT(RECOGNISER_TEXT_MAX + 1);
    for (size_t i = 0; i < t->n_segments; i++) {
        buf_puts(&b, b.len ? " " : "");
        buf_put_str(&b, t->segments[i].text);
    }
    struct str text = arena_str(a, buf_str(&b));
    buf_free(&b);
    return text;
}

/* A whole text where the recogniser makes no segments. */
static void drop_echo(struct transcript *t, struct str prompt, struct arena *a)
{
    struct transcript_segment whole = {.confidence = t->confidence,
                                       .text = t->text};
    struct transcript_segment *list = t->n_segments ? t->segments : &whole;
    size_t n = t->n_segments ? t->n_segments : 1;
    struct echo_piece *pieces = ARENA_ARRAY(a, struct echo_piece, n);
    bool *is_echo = ARENA_ARRAY(a, bool, n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        pieces[i] =
            (struct echo_piece){list[i].text, list[i].confidence < CERTAIN};
    echo_find(prompt, pieces, n, is_echo);
    for (size_t i = 0; i < n; i++) {
        if (!is_echo[i])
            list[kept++] = list[i];
    }
    if (kept == n)
        return;
    t->n_segments = t->n_segments ? kept : 0;
    t->text = join(t, a);
}

int recogniser_run(struct recogniser *r, const struct recogniser_ask *ask,
                   struct arena *a, struct transcript *ret, struct err *e)
{
    struct transcript t = {.confidence = -1};
    int64_t ms = (int64_t)ask->n * 1000 / RECOGNISER_RATE;
    int err = ask->n ? r->ops->recognise(r, ask, a, &t, e) : OTK_OK;
    if (err)
        return err_wrap(e, err, "%s", r->ops->name);
    if (t.text.n > RECOGNISER_TEXT_MAX ||
        t.n_segments > RECOGNISER_SEGMENTS_MAX)
        return err_set(e, OTK_ELIMIT, "%s: the transcript is too long",
                       r->ops->name);
    if (utf8_check(t.text) != t.text.n)
        return err_set(e, OTK_EFORMAT, "%s: the transcript is not UTF-8",
                       r->ops->name);
    t.text = str_trim(t.text);
    t.confidence = share(t.confidence);
    put_right(&t, ms);
    if (ask->prompt.n)
        drop_echo(&t, ask->prompt, a);
    *ret = t;
    return OTK_OK;
}

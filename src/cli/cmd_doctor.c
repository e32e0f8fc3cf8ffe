/* SPDX-License-Identifier: Apache-2.0 */
/* otklik doctor: is everything there that a start needs? */
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "channel/phone.h"
#include "channel/phone_codec.h"
#include "channel/phone_script.h"
#include "channel/phone_voice.h"
#include "cli/cli.h"
#include "db/db.h"
#include "desk/audit.h"
#include "desk/catalog.h"
#include "desk/desk.h"
#include "knowledge/knowledge.h"
#include "speech/decode.h"
#include "speech/recogniser.h"
#include "tensor/kernels.h"
#include "triage/triage.h"

enum { OUTPUT_BYTES = 1 << 20 };

struct doctor {
    struct buf *out;
    bool json;
    int wrong, n;
};

static void say(struct doctor *x, bool ok, const char *what, const char *how)
{
    x->wrong += !ok;
    if (!x->json) {
        buf_printf(x->out, "%s %s%s%s\n", ok ? "ok   " : "WRONG", what,
                   how[0] ? ": " : "", how);
        return;
    }
    buf_printf(x->out, "%s{\"ok\":%s,\"what\":", x->n++ ? "," : "",
               ok ? "true" : "false");
    json_put_text(x->out, str_from(what));
    buf_puts(x->out, ",\"text\":");
    json_put_text(x->out, str_from(how));
    buf_putc(x->out, '}');
}

static int verify_audit(struct db_tx *tx, void *arg, struct err *e)
{
    return audit_verify(tx, arg, e);
}

/* Opening the desk has loaded the model; does it help? */
static void examine_vectors(struct doctor *x, const struct desk *d,
                            const struct knowledge_index *k)
{
    const char *name = desk_settings(d).knowledge.model;
    char text[200];
    if (!name[0] || !k)
        return;
    double ru = knowledge_index_weight(k, STR("ru"));
    double en = knowledge_index_weight(k, STR("en"));
    double other = knowledge_index_weight(k, STR(""));
    (void)snprintf(text, sizeof(text),
                   "its vectors count %.2f in ru, %.2f in en, %.2f in others%s",
                   ru, en, other,
                   ru + en + other > 0
                       ? ""
                       : ": it does not help these articles; empty "
                         "knowledge.model or take another");
    say(x, true, "the model of search (knowledge.model) is there", text);
}

/* What hears, and what reads uploads; wrong only when calls would wait. */
static void examine_speech(struct doctor *x, struct desk *d)
{
    struct err e = {0};
    char path[4096];
    const struct settings s = desk_settings(d);
    struct recogniser *r = desk_recogniser(d);
    say(x, r || !s.phone.enabled, "recordings are turned into text",
        r ? recogniser_name(r)
          : "no: set speech.recogniser, or people listen to them");
    bool found =
        sound_decoder_find(s.speech.decoder, path, sizeof(path), &e) == 0;
    if (r)
        say(x, found, "uploaded sound is decoded", found ? path : e.msg);
}

static void examine_codecs(struct doctor *x, const struct desk *d)
{
    struct err e = {0};
    struct phone_codecs codecs;
    char text[100] = "";
    size_t n = 0;
    int r =
        phone_codecs_read(str_from(desk_settings(d).phone.codecs), &codecs, &e);
    for (size_t i = 0; !r && i < codecs.n; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? ", " : "",
                              phone_codec_kind(codecs.list[i])->name);
    say(x, r == 0, "calls have codecs", r ? e.msg : text);
}

/* The hours of those to whom callers are put through; NULL: all are there. */
static const char *absent_schedule(struct desk *d, const struct phone_script *s)
{
    const char *absent = NULL;
    struct catalog *c = desk_catalog(d);
    for (size_t i = 0; i < s->n_lines && !absent; i++) {
        const char *name = s->lines[i].transfer.schedule;
        if (name[0] && !catalog_schedule(c, str_from(name)))
            absent = name;
    }
    catalog_unref(c);
    return absent;
}

static void examine_phone(struct doctor *x, struct desk *d)
{
    struct err e = {0};
    char text[200];
    size_t missing = 0;
    struct phone_script script;
    if (!desk_settings(d).phone.enabled)
        return;
    say(x, phone_is_built(), "this program can telephone",
        phone_is_built()
            ? ""
            : "install libre-dev and libssl-dev and build it again");
    examine_codecs(x, d);
    struct arena *a = arena_new();
    int r = phone_load_script(d, a, &script, &e);
    say(x, r == 0, "the telephone's script can be read", e.msg);
    if (!r) {
        phone_voice_free(phone_voice_new(d, &script, &missing));
        (void)snprintf(text, sizeof(text),
                       "%zu cannot: install espeak-ng, or give sounds of your "
                       "own in %.100s",
                       missing, desk_settings(d).phone.script);
        say(x, missing == 0, "all its texts can be said", missing ? text : "");
        const char *absent = absent_schedule(d, &script);
        (void)snprintf(text, sizeof(text), "the desk has no schedule '%.100s'",
                       absent ? absent : "");
        say(x, !absent, "callers are put through in hours that there are",
            absent ? text : "");
    }
    arena_free(a);
}

static void examine(struct doctor *x, struct desk *d)
{
    struct err e = {0};
    char text[200];
    int64_t rows = 0;
    say(x, db_verify(desk_db(d), &e) == 0, "the store is sound", e.msg);
    e = (struct err){0};
    int r = db_read(desk_db(d), 0, verify_audit, &rows, &e);
    (void)snprintf(text, sizeof(text), "%lld rows", (long long)rows);
    say(x, r == 0, "the audit chain is whole", r ? e.msg : text);
    struct triage_model *m = desk_model(d);
    say(x, m != NULL, "a model is there",
        m ? triage_info(m)->version
          : "make one: otklik train FILE (or: otklik init)");
    triage_unref(m);
    struct knowledge_index *k = desk_knowledge(d);
    (void)snprintf(text, sizeof(text), "%zu published",
                   k ? knowledge_index_len(k) : 0);
    say(x, k && knowledge_index_len(k), "there are articles",
        k && knowledge_index_len(k) ? text : "import some: otklik kb import");
    examine_vectors(x, d, k);
    knowledge_index_unref(k);
    struct catalog *c = desk_catalog(d);
    (void)snprintf(text, sizeof(text), "%zu", c->n_staff);
    say(x, c->n_staff > 0, "there is staff",
        c->n_staff ? text : "add somebody: otklik user add");
    catalog_unref(c);
    examine_speech(x, d);
    examine_phone(x, d);
    say(x, true, "language models are computed by", kernels_reason());
    struct statvfs disk;
    bool known = statvfs(desk_folder(d), &disk) == 0;
    double free_gb =
        known ? (double)disk.f_bavail * (double)disk.f_frsize / 1e9 : 0;
    (void)snprintf(text, sizeof(text), "%.1f GB free", free_gb);
    say(x, free_gb >= 1, "the disk has room", text);
}

static int run(void *ctx, const struct args *a)
{
    (void)ctx;
    struct err e = {0};
    struct desk *d = NULL;
    struct buf out = BUF_INIT(OUTPUT_BYTES);
    struct doctor x = {.out = &out, .json = cli_json(a)};
    struct desk_options o = {.folder = cli_folder(a)};
    buf_puts(&out, x.json ? "[" : "");
    int r = desk_open(&o, &d, &e);
    say(&x, r == 0, "the desk opens", r ? e.msg : desk_folder(d));
    if (!r)
        examine(&x, d);
    buf_puts(&out, x.json ? "]\n" : "");
    desk_close(d);
    int code = cli_print(&out);
    return code == EXIT_OK && x.wrong ? EXIT_FOUND_WRONG : code;
}

const struct arg_command cmd_doctor = {
    .name = "doctor",
    .words = "",
    .summary = "Check what a start needs, and say how to mend it",
    .about = "",
    .run = run,
};

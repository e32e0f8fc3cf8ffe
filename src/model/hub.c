/* SPDX-License-Identifier: Apache-2.0 */
#include "model/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/suggest.h"

#define HEX     "0123456789abcdef"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define WEIGHTS "model.safetensors"
#define INDEX   "model.safetensors.index.json"
#define BYTES_MAX                                                              \
    ((int64_t)1 << 50) /* of one file: so that sums cannot wrap                \
                        */

const struct hub_short hub_short[] = {
    {"minilm", "sentence-transformers/all-MiniLM-L6-v2",
     "sentences, English, 23 M parameters"},
    {"minilm-multilingual",
     "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
     "sentences, 50 languages, 118 M parameters"},
    {"distilbert-multilingual", "distilbert/distilbert-base-multilingual-cased",
     "to train further, 104 languages, 135 M parameters"},
    {"rubert-tiny2", "cointegrated/rubert-tiny2",
     "sentences, Russian, 29 M parameters"},
    {"whisper-tiny", "openai/whisper-tiny", "speech, 38 M parameters"},
    {"whisper-base", "openai/whisper-base", "speech, 73 M parameters"},
    {"whisper-small", "openai/whisper-small", "speech, 242 M parameters"},
    {"whisper-turbo", "openai/whisper-large-v3-turbo",
     "speech, 809 M parameters"},
    {0},
};

/* Besides the weights. */
static const char *const wanted[] = {
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "modules.json",
    "sentence_bert_config.json",
    "1_Pooling/config.json",
};

/* ---- names -----------------------------------------------------------------
 */

/* Only bytes that mean themselves in an address and in a path. */
static bool is_plain(struct str s, const char *more)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!s.p[i] || (!strchr(LETTERS, s.p[i]) && !strchr(more, s.p[i])))
            return false;
    }
    return s.n > 0;
}

/* No "", "." or ".." between the slashes. */
static bool stays_inside(struct str path)
{
    struct str part;
    if (!path.n || path.p[path.n - 1] == '/')
        return false;
    while (str_next(&path, '/', &part)) {
        if (!part.n || str_is(part, ".") || str_is(part, ".."))
            return false;
    }
    return true;
}

static bool is_owner_and_model(struct str s)
{
    size_t slash = str_find(s, '/');
    struct str model = str_sub(s, slash + 1, s.n);
    /* the folder is named after it: not a hidden one, nor like an option */
    return s.n <= HUB_NAME_MAX && slash && slash < s.n &&
           !strchr(".-", s.p[0]) && is_plain(s, "-_./") &&
           str_find(model, '/') == model.n && stays_inside(s);
}

static int resolve(struct str *name, struct err *e)
{
    struct suggest near = {.word = *name};
    for (const struct hub_short *s = hub_short; s->name; s++) {
        if (str_is(*name, s->name)) {
            *name = str_from(s->means);
            return OTK_OK;
        }
        suggest_offer(&near, s->name);
    }
    const char *best = suggest_best(&near);
    return err_set(e, OTK_ENOENT,
                   "no model is called '%.60s'%s%s; say OWNER/MODEL as on the "
                   "hub, or one of `otklik model pull --help`",
                   name->p, best ? "; did you mean " : "", best ? best : "");
}

int hub_name_read(struct arena *a, struct str text, const char *revision,
                  struct hub_name *ret, struct err *e)
{
    text = str_from(arena_copy(a, text));
    size_t at = str_find(text, '@');
    struct str name = str_from(arena_copy(a, str_sub(text, 0, at)));
    struct str rev = str_sub(text, at + 1, text.n);
    if (at < text.n && revision && !str_is(rev, revision))
        return err_set(e, OTK_EINVAL,
                       "the name says revision '%.60s', --revision says "
                       "'%.60s': leave one out",
                       rev.p, revision);
    if (at == text.n)
        rev = str_from(revision ? revision : "main");
    if (str_find(name, '/') == name.n) {
        int r = resolve(&name, e);
        if (r)
            return r;
    }
    if (!is_owner_and_model(name))
        return err_set(e, OTK_EINVAL,
                       "'%.80s' is not the name of a model: OWNER/MODEL, "
                       "letters, digits and -_.",
                       name.p);
    if (rev.n > HUB_REVISION_MAX || !is_plain(rev, "-_./") ||
        !stays_inside(rev))
        return err_set(e, OTK_EINVAL,
                       "'%.60s' is not a revision: a branch, tag or commit",
                       rev.p ? rev.p : "");
    ret->name = arena_copy(a, name);
    ret->revision = arena_copy(a, rev);
    char *folder = arena_copy(a, name);
    folder[str_find(name, '/')] = '-';
    ret->folder = folder;
    return OTK_OK;
}

/* ---- addresses -------------------------------------------------------------
 */

static struct str base_of(const char *hub)
{
    struct str s = str_from(hub);
    while (s.n && s.p[s.n - 1] == '/')
        s.n--;
    return s;
}

const char *hub_listing_url(struct arena *a, const char *hub,
                            const struct hub_name *n)
{
    /* a revision may hold slashes, and is one piece of the path here */
    char rev[HUB_REVISION_MAX * 3 + 1];
    size_t len = 0;
    for (const char *p = n->revision; *p; p++) {
        if (*p != '/') {
            rev[len++] = *p;
            continue;
        }
        memcpy(rev + len, "%2F", 3);
        len += 3;
    }
    rev[len] = '\0';
    return arena_printf(a, STR_FMT "/api/models/%s/revision/%s?blobs=true",
                        STR_ARG(base_of(hub)), n->name, rev);
}

const char *hub_file_url(struct arena *a, const char *hub,
                         const struct hub_name *n, const char *commit,
                         const char *path)
{
    return arena_printf(a, STR_FMT "/%s/resolve/%s/%s", STR_ARG(base_of(hub)),
                        n->name, commit, path);
}

/* ---- the listing -----------------------------------------------------------
 */

struct reading {
    struct arena *arena;
    struct hub_listing *ret;
    bool weights, index, settings, tokenizer;
    long shards, shards_all; /* how many there are, and should be */
};

static bool is_hex(struct str s, size_t min, size_t max)
{
    bool ok = s.n >= min && s.n <= max;
    for (size_t i = 0; ok && i < s.n; i++)
        ok = s.p[i] && strchr(HEX, s.p[i]);
    return ok;
}

static bool is_path(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f || s.p[i] == '\\')
            return false;
    }
    return s.n <= HUB_PATH_MAX && stays_inside(s);
}

/* "model-00001-of-00002.safetensors": of how many? 0: it is no shard. */
static long shard_of(struct str path)
{
    enum { DIGITS = 5, NUMBER_AT = 6, OF_AT = 11, ALL_AT = 15, REST_AT = 20 };
    int64_t number = 0;
    int64_t all = 0;
    bool ok = str_starts(path, "model-") &&
              str_is(str_sub(path, OF_AT, ALL_AT - OF_AT), "-of-") &&
              str_is(str_sub(path, REST_AT, path.n), ".safetensors") &&
              !str_to_int(str_sub(path, NUMBER_AT, DIGITS), &number) &&
              !str_to_int(str_sub(path, ALL_AT, DIGITS), &all) && number > 0 &&
              number <= all;
    return ok ? (long)all : 0;
}

static bool is_wanted(struct reading *x, struct str path)
{
    long all = shard_of(path);
    if (all) {
        x->shards++;
        x->shards_all = all;
        return true;
    }
    if (str_is(path, WEIGHTS))
        return x->weights = true;
    if (str_is(path, INDEX))
        return x->index = true;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (!str_is(path, wanted[i]))
            continue;
        x->settings |= str_is(path, "config.json");
        x->tokenizer |= str_is(path, "tokenizer.json") ||
                        str_is(path, "vocab.txt") || str_is(path, "vocab.json");
        return true;
    }
    return false;
}

static int take_file(struct reading *x, const json_t *o, struct str path,
                     struct err *e)
{
    static const struct json_want size = {"size", true, 0, BYTES_MAX};
    static const struct json_want sum = {"sha256", false, 0, 64};
    struct hub_listing *l = x->ret;
    struct str sha256 = {0};
    int64_t bytes = 0;
    const json_t *lfs = json_object_get(o, "lfs");
    bool has_lfs = json_is_object(lfs);
    for (size_t i = 0; i < l->n; i++) {
        if (str_is(path, l->files[i].path))
            return err_set(e, OTK_EFORMAT, "listed twice");
    }
    if (l->n == HUB_FILES_MAX)
        return err_set(e, OTK_ELIMIT, "more than %d files", HUB_FILES_MAX);
    bool own = has_lfs && json_object_get(lfs, "size");
    int r = json_whole(own ? lfs : o, &size, &bytes, e);
    if (r)
        return r;
    r = has_lfs ? json_text(lfs, &sum, &sha256, e) : OTK_ENOENT;
    if (r && r != OTK_ENOENT)
        return r;
    if (sha256.n && !is_hex(sha256, 64, 64))
        return err_field(e, OTK_EFORMAT, "sha256", "not 64 hex digits");
    l->files[l->n++] = (struct hub_file){
        .path = arena_copy(x->arena, path),
        .bytes = bytes,
        .sha256 = arena_copy(x->arena, sha256),
    };
    return OTK_OK;
}

static int read_files(struct reading *x, const json_t *siblings, struct err *e)
{
    static const struct json_want name = {"rfilename", true, 1, HUB_PATH_MAX};
    size_t n = json_array_size(siblings);
    if (n > HUB_LISTED_MAX)
        return err_set(e, OTK_ELIMIT, "%zu files, the limit is %d", n,
                       HUB_LISTED_MAX);
    for (size_t i = 0; i < n; i++) {
        struct str path;
        const json_t *o = json_array_get(siblings, i);
        int r = json_text(o, &name, &path, e);
        if (r)
            return err_place(e, r, "file %zu", i + 1);
        if (!is_path(path))
            return err_set(e, OTK_EFORMAT,
                           "file %zu would lie outside of its folder: '%.60s'; "
                           "do not use this hub",
                           i + 1, path.p);
        r = is_wanted(x, path) ? take_file(x, o, path, e) : OTK_OK;
        if (r)
            return err_place(e, r, "%.80s", path.p);
    }
    return OTK_OK;
}

/* One file of weights is enough: leave the shards of the same out. */
static void leave_shards(struct hub_listing *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct str path = str_from(l->files[i].path);
        if (!shard_of(path) && !str_is(path, INDEX))
            l->files[n++] = l->files[i];
    }
    l->n = n;
}

static int by_path(const void *a, const void *b)
{
    const struct hub_file *x = a;
    const struct hub_file *y = b;
    return strcmp(x->path, y->path);
}

static int check_listing(const struct reading *x, struct err *e)
{
    if (!x->settings)
        return err_set(e, OTK_ENOENT,
                       "no config.json: not a model of this kind");
    if (!x->weights && !x->index)
        return err_set(e, OTK_ENOENT,
                       "no weights as safetensors, and pickles are not taken; "
                       "choose another model, or a revision that has them");
    if (!x->weights && (x->shards == 0 || x->shards != x->shards_all))
        return err_set(e, OTK_EFORMAT, "%ld of %ld files of weights are there",
                       x->shards, x->shards_all);
    if (!x->tokenizer)
        return err_set(e, OTK_ENOENT,
                       "no tokenizer.json, vocab.txt or vocab.json: not a "
                       "model of this kind");
    return OTK_OK;
}

int hub_listing_read(struct arena *a, struct str json, struct hub_listing *ret,
                     struct err *e)
{
    static const struct json_want sha = {"sha", true, 1, 64};
    struct reading x = {.arena = a, .ret = ret};
    SCOPED(scope_json) json_t *top = NULL;
    struct str commit = {0};
    ret->n = 0;
    ret->bytes = 0;
    int r = json_read(json, HUB_LISTING_MAX, &top, e);
    if (!r)
        r = json_text(top, &sha, &commit, e);
    if (r)
        return r;
    const json_t *siblings = json_object_get(top, "siblings");
    if (!is_hex(commit, 40, 64))
        return err_field(e, OTK_EFORMAT, "sha", "not a commit");
    if (!json_is_array(siblings))
        return err_field(e, OTK_EFORMAT, "siblings", "must be a list");
    ret->commit = arena_copy(a, commit);
    r = read_files(&x, siblings, e);
    if (!r)
        r = check_listing(&x, e);
    if (r)
        return r;
    if (x.weights)
        leave_shards(ret);
    qsort(ret->files, ret->n, sizeof(ret->files[0]), by_path);
    for (size_t i = 0; i < ret->n; i++)
        ret->bytes += ret->files[i].bytes;
    return OTK_OK;
}

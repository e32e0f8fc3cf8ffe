/* SPDX-License-Identifier: Apache-2.0 */
#include "model/whisper_folder.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/scope.h"
#include "base/utf8.h"
#include "model/weights.h"
#include "model/whisper_source.h"

enum {
    PATH_BYTES = 4096,
    CONFIG_BYTES = 1 << 20,
    VOCABULARY_BYTES = 32 << 20,
    DEPTH_MAX = 32,
    VALUES_MAX = 4 * WHISPER_VOCAB_MAX,
    TOKEN_BYTES = 1024,
    NAME_BYTES = WEIGHT_NAME_MAX + 1,
};

static int read_text(const char *folder, const char *name, struct buf *text,
                     struct err *e)
{
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
    return n < (int)sizeof(path)
               ? file_read(path, text, e)
               : err_set(e, OTK_EINVAL, "the folder's path is too long");
}

/* ---- config.json
 * -------------------------------------------------------------------- */

static int read_count(const json_t *o, const char *name, bool required,
                      size_t *ret, struct err *e)
{
    int64_t n = 0;
    const struct json_want want = {name, required, 1, 1 << 20};
    int r = json_whole(o, &want, &n, e);
    if (!r)
        *ret = (size_t)n;
    return r == OTK_ENOENT && !required ? OTK_OK : r;
}

/* What would change the network and is not known here. */
static int check_kind(const json_t *o, struct err *e)
{
    struct str s = {0};
    bool scaled = false;
    const struct json_want kind = {"model_type", true, 1, 100};
    const struct json_want curve = {"activation_function", false, 1, 100};
    const struct json_want scale = {"scale_embedding", false, 0, 0};
    int r = json_text(o, &kind, &s, e);
    if (!r && !str_is(s, "whisper"))
        r = err_field(e, OTK_EFORMAT, "model_type",
                      "'" STR_FMT "' is no model that transcribes; 'whisper' "
                      "is",
                      STR_ARG(s));
    if (r)
        return r;
    r = json_text(o, &curve, &s, e);
    if (!r && !str_is(s, "gelu"))
        r = err_field(e, OTK_EFORMAT, "activation_function",
                      "'" STR_FMT "' is not known here", STR_ARG(s));
    if (r && r != OTK_ENOENT)
        return r;
    r = json_flag(o, &scale, &scaled, e);
    if (!r && scaled)
        r = err_field(e, OTK_EFORMAT, "scale_embedding",
                      "true is not known here");
    return r == OTK_ENOENT ? OTK_OK : r;
}

static int read_sizes(const json_t *o, struct whisper_sizes *s, struct err *e)
{
    const struct {
        const char *name;
        bool required;
        size_t *at;
    } fields[] = {
        {"vocab_size", true, &s->vocab},
        {"num_mel_bins", false, &s->mels},
        {"d_model", true, &s->audio.state},
        {"max_source_positions", false, &s->audio.ctx},
        {"encoder_attention_heads", true, &s->audio.heads},
        {"encoder_layers", true, &s->audio.layers},
        {"encoder_ffn_dim", true, &s->audio.inner},
        {"max_target_positions", false, &s->text.ctx},
        {"decoder_attention_heads", true, &s->text.heads},
        {"decoder_layers", true, &s->text.layers},
        {"decoder_ffn_dim", true, &s->text.inner},
    };
    int r = check_kind(o, e);
    s->mels = 80; /* transformers' configuration_whisper.py */
    s->audio.ctx = 1500;
    s->text.ctx = 448;
    for (size_t i = 0; !r && i < sizeof(fields) / sizeof(*fields); i++)
        r = read_count(o, fields[i].name, fields[i].required, fields[i].at, e);
    s->text.state = s->audio.state;
    return r ? r : whisper_sizes_check(s, e);
}

int whisper_folder_sizes(const char *folder, struct whisper_sizes *ret,
                         struct err *e)
{
    struct buf text = BUF_INIT(CONFIG_BYTES);
    SCOPED(scope_json) json_t *o = NULL;
    int r = read_text(folder, "config.json", &text, e);
    if (!r)
        r = json_read(buf_str(&text), CONFIG_BYTES, &o, e);
    if (!r)
        r = read_sizes(o, ret, e);
    buf_free(&text);
    return r ? err_place(e, r, "%s/config.json", folder) : OTK_OK;
}

/* ---- vocabulary
 * --------------------------------------------------------------------- */

/* The byte that a sign of GPT-2's alphabet stands for: those that can be seen
 * stand for themselves, the others, in order, for U+0100 and on. -1: none. */
static int byte_of(uint32_t sign)
{
    enum { FIRST = 0x100 };
    int next = FIRST;
    if ((sign >= '!' && sign <= '~') || (sign >= 0xa1 && sign <= 0xac) ||
        (sign >= 0xae && sign <= 0xff))
        return (int)sign;
    for (int b = 0; b < FIRST; b++) {
        bool seen =
            (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
        if (!seen && (uint32_t)next++ == sign)
            return b;
    }
    return -1;
}

/* False: a sign that is not of the alphabet, as special tokens have. */
static bool decode(struct str signs, struct arena *a, struct str *ret)
{
    char bytes[TOKEN_BYTES];
    size_t n = 0;
    size_t at = 0;
    while (at < signs.n) {
        uint32_t sign = 0;
        size_t taken = utf8_decode(str_sub(signs, at, signs.n), &sign);
        int b = taken ? byte_of(sign) : -1;
        if (b < 0 || n == TOKEN_BYTES)
            return false;
        at += taken;
        bytes[n++] = (char)b;
    }
    *ret = arena_str(a, (struct str){bytes, n});
    return true;
}

int whisper_vocabulary_read(struct str json, struct arena *a, size_t vocab,
                            struct str **ret, size_t *ret_n, struct err *e)
{
    SCOPED(scope_json) json_t *o = NULL;
    int r = json_measure(json, DEPTH_MAX, VALUES_MAX, e);
    if (!r)
        r = json_read(json, VOCABULARY_BYTES, &o, e);
    if (r)
        return r;
    json_t *model = json_object_get(o, "model");
    json_t *words = json_is_object(model) ? json_object_get(model, "vocab") : o;
    if (!json_is_object(words))
        return err_field(e, OTK_EFORMAT, "model.vocab",
                         "must be an object that gives each token a number");
    struct str *tokens = ARENA_ARRAY(a, struct str, vocab + 1);
    size_t n = 0;
    for (void *i = json_object_iter(words); i;
         i = json_object_iter_next(words, i)) {
        const json_t *v = json_object_iter_value(i);
        struct str signs = str_from(json_object_iter_key(i));
        json_int_t id = json_is_integer(v) ? json_integer_value(v) : -1;
        if (id < 0 || (size_t)id >= vocab)
            return err_set(e, OTK_EFORMAT,
                           "token '%.100s': its number must be 0 to %zu",
                           signs.p, vocab - 1);
        if (!decode(signs, a, &tokens[id]))
            continue;
        n = (size_t)id + 1 > n ? (size_t)id + 1 : n;
    }
    *ret = tokens;
    *ret_n = n;
    return OTK_OK;
}

int whisper_folder_tokens(const char *folder, struct arena *a, size_t vocab,
                          struct str **ret, size_t *ret_n, struct err *e)
{
    static const char *const names[] = {"vocab.json", "tokenizer.json"};
    struct buf text = BUF_INIT(VOCABULARY_BYTES);
    const char *name = NULL;
    for (size_t i = 0; !name && i < 2; i++) {
        char path[PATH_BYTES];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        name = file_exists(path) ? names[i] : NULL;
    }
    if (!name)
        return err_set(e, OTK_ENOENT,
                       "%s has neither vocab.json nor tokenizer.json", folder);
    int r = read_text(folder, name, &text, e);
    if (!r &&
        (r = whisper_vocabulary_read(buf_str(&text), a, vocab, ret, ret_n, e)))
        (void)err_place(e, r, "%s/%s", folder, name);
    buf_free(&text);
    return r;
}

/* ---- tensors
 * ------------------------------------------------------------------------ */

struct pair {
    const char *ours, *theirs;
};

static const struct pair whole[] = {
    {"encoder.positional_embedding", "encoder.embed_positions.weight"},
    {"decoder.positional_embedding", "decoder.embed_positions.weight"},
    {"decoder.token_embedding.weight", "decoder.embed_tokens.weight"},
    {"encoder.ln_post.weight", "encoder.layer_norm.weight"},
    {"encoder.ln_post.bias", "encoder.layer_norm.bias"},
    {"decoder.ln.weight", "decoder.layer_norm.weight"},
    {"decoder.ln.bias", "decoder.layer_norm.bias"},
};

/* Of what follows the layer's number. */
static const struct pair parts[] = {
    {"attn.query.", "self_attn.q_proj."},
    {"attn.key.", "self_attn.k_proj."},
    {"attn.value.", "self_attn.v_proj."},
    {"attn.out.", "self_attn.out_proj."},
    {"cross_attn.query.", "encoder_attn.q_proj."},
    {"cross_attn.key.", "encoder_attn.k_proj."},
    {"cross_attn.value.", "encoder_attn.v_proj."},
    {"cross_attn.out.", "encoder_attn.out_proj."},
    {"attn_ln.", "self_attn_layer_norm."},
    {"cross_attn_ln.", "encoder_attn_layer_norm."},
    {"mlp_ln.", "final_layer_norm."},
    {"mlp.0.", "fc1."},
    {"mlp.2.", "fc2."},
};

/* "encoder.blocks.3.mlp.0.bias" is "encoder.layers.3.fc1.bias". */
static void translate(const char *name, char ret[NAME_BYTES])
{
    static const char blocks[] = ".blocks.";
    const char *at = strstr(name, blocks);
    const char *layer = at ? at + sizeof(blocks) - 1 : NULL;
    const char *rest = layer ? strchr(layer, '.') : NULL;
    (void)snprintf(ret, NAME_BYTES, "%s", name);
    for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++) {
        if (strcmp(name, whole[i].ours) == 0)
            (void)snprintf(ret, NAME_BYTES, "%s", whole[i].theirs);
    }
    for (size_t i = 0; rest && i < sizeof(parts) / sizeof(*parts); i++) {
        size_t n = strlen(parts[i].ours);
        if (strncmp(rest + 1, parts[i].ours, n) == 0)
            (void)snprintf(ret, NAME_BYTES, "%.*s.layers.%.*s.%s%s",
                           (int)(at - name), name, (int)(rest - layer), layer,
                           parts[i].theirs, rest + 1 + n);
    }
}

const struct weight *whisper_folder_tensor(const struct weights *w,
                                           const char *name)
{
    char theirs[NAME_BYTES];
    char prefixed[NAME_BYTES + 8];
    translate(name, theirs);
    (void)snprintf(prefixed, sizeof(prefixed), "model.%s", theirs);
    const struct weight *x = weights_find(w, str_from(prefixed));
    return x ? x : weights_find(w, str_from(theirs));
}

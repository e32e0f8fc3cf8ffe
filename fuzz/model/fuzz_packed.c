/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a packed file of a network of width 8. What is accepted gives
 * an encoder that computes. Hardly a change gets past the sums, so the bytes
 * behind the table are tried without them, too.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "model/config.h"
#include "model/encoder.h"
#include "model/packed.h"
#include "tensor/kernels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LAYERS = 1, HIDDEN = 8, PARTS = 7, TOKENS = 3 };

static const struct model_config config = {
    .family = MODEL_BERT,
    .vocab = 4,
    .hidden = HIDDEN,
    .layers = LAYERS,
    .heads = 2,
    .inner = 12,
    .max_positions = 4,
    .max_tokens = 4,
    .type_vocab = 2,
    .layer_norm_eps = 1e-12,
};

static void stop(const char *why)
{
    (void)fprintf(stderr, "%s\n", why);
    abort();
}

static void use(const struct encoder *x)
{
    static const uint32_t ids[TOKENS] = {0, 3, 1};
    static const size_t offsets[] = {0, TOKENS};
    const struct batch b = {ids, offsets, 1};
    struct session *s = session_new(1);
    struct err e = {0};
    float y[TOKENS * HIDDEN];
    if (encoder_run(x, s, &b, WANT_TOKENS, y, &e) && !e.msg[0])
        stop("an error without a text");
    session_free(s);
}

static void feed(struct str bytes, enum precision p)
{
    static const struct packed_source source = {{0}};
    struct str parts[PARTS];
    struct encoder *x = NULL;
    struct err e = {0};
    int r = packed_read(bytes, &config, p, &source, parts, &e);
    if (r && !e.msg[0])
        stop("an error without a text");
    for (size_t i = 0; !r && i < PARTS; i++) {
        if (parts[i].p < bytes.p || parts[i].n > bytes.n ||
            parts[i].p + parts[i].n > bytes.p + bytes.n)
            stop("a part outside of the file");
    }
    if (r || encoder_map(&config, p, parts, &x, &e))
        return;
    use(x);
    encoder_free(x);
}

/* The same values past the sums: parts as they would lie in a file. */
static void feed_parts(struct str bytes, enum precision p)
{
    struct str parts[PARTS];
    struct encoder *x = NULL;
    struct err e = {0};
    size_t at = 0;
    for (size_t i = 0; i < PARTS; i++) {
        size_t n = encoder_part_bytes(&config, p, i);
        parts[i] = str_sub(bytes, at, n);
        at += (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    if (!encoder_map(&config, p, parts, &x, &e)) {
        use(x);
        encoder_free(x);
    } else if (!e.msg[0]) {
        stop("an error without a text");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t room = (size / ALIGNMENT + 1) * ALIGNMENT;
    char *copy = aligned_alloc(ALIGNMENT, room);
    if (!copy || encoder_n_parts(&config) != PARTS)
        stop("no memory, or another number of parts");
    memcpy(copy, data, size);
    for (int p = 0; p < PRECISIONS; p++) {
        feed((struct str){copy, size}, (enum precision)p);
        /* behind the header and the table */
        feed_parts(str_sub((struct str){copy, size}, 256, size),
                   (enum precision)p);
    }
    free(copy);
    return 0;
}

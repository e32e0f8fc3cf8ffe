/*
 * model/whisper_search.h - the tokens of one window
 *
 * Greedy, by beams (the likeliest texts side by side, ranked by the mean of
 * their tokens' logarithms), or drawn by chance at a temperature, several times
 * at once, of which the likeliest is taken.
 *
 * A text without beams that cannot become good any more is not finished: its
 * mean would stay under `least_log` even if all that may still come were
 * certain, or it says one phrase over and over. When no text is left, the
 * search gives up, unless it is the last one: then the likeliest goes on alone
 * as long as it does not repeat itself.
 */
#ifndef OTK_MODEL_WHISPER_SEARCH_H
#define OTK_MODEL_WHISPER_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct rand;
struct whisper;
struct whisper_memory;
struct whisper_rules;
struct whisper_session;

enum {
    WHISPER_TOKENS_MAX = 2048, /* of a window */
    WHISPER_DRAWS = 5,         /* texts drawn at a temperature */
};

struct whisper_found {
    uint32_t tokens[WHISPER_TOKENS_MAX]; /* without the end */
    float logs[WHISPER_TOKENS_MAX];      /* logarithm of each one's chance */
    size_t n;
    double mean_log; /* the end counts */
    float no_speech; /* chance that it is said in place of the language */
    bool is_ended;   /* false: there was no room for more */
    size_t decoded;  /* tokens of all lines */
};

struct whisper_search {
    const struct whisper *w;
    struct whisper_session *s;
    struct whisper_memory *m; /* of max(beams + 1, WHISPER_DRAWS) lines */
    const struct whisper_rules *rules;
    const uint32_t *prompt; /* up to the text */
    size_t n_prompt;
    size_t start;      /* where in the prompt the start token is */
    size_t most;       /* tokens of the text */
    double least_log;  /* mean of a text that is good */
    float repetition;  /* whisper_repetition() of a text that is not */
    bool is_last;      /* there will be no other search */
    int beams;         /* 1: greedy */
    float temperature; /* above 0: beams are not looked at */
    struct rand *rand; /* for a temperature */
    bool (*cancelled)(void *ctx);
    void *ctx;
};

struct whisper_vocabulary;
/* Bytes of text for each byte that zlib makes of it. */
float whisper_repetition(const struct whisper_vocabulary *v,
                         const uint32_t *tokens, size_t n);

/* OTK_EAGAIN: cancelled; OTK_ELIMIT: no memory. */
int whisper_search(const struct whisper_search *x, struct whisper_found *ret,
                   struct err *e);

#endif

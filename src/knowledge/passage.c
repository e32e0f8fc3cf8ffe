/* SPDX-License-Identifier: Apache-2.0 */
#include "knowledge/asked.h"
#include "knowledge/index.h"
#include "knowledge/scratch.h"

static bool has(const struct raw_feature *raw, size_t n, uint64_t hash)
{
    for (size_t i = 0; i < n; i++) {
        if (raw[i].hash == hash)
            return true;
    }
    return false;
}

struct str knowledge_passage(const struct knowledge_index *x,
                             struct knowledge_scratch *s,
                             const struct knowledge_article *article,
                             struct str question)
{
    const struct asked_feature *f;
    const struct raw_feature *raw;
    const struct postings *p = x->wholes[SPACE_WORDS];
    size_t words;
    size_t n = asked_cut(s->asked, x, question, &f, &words);
    struct str rest = article->answer;
    struct str line;
    struct str best = {0};
    float most = 0;
    while (str_next(&rest, '\n', &line)) {
        float sum = 0;
        line = str_trim(line);
        size_t n_raw = cutter_cut(s->cutter, line, &raw);
        for (size_t i = 0; i < n; i++) {
            if (f[i].space == SPACE_WORDS && has(raw, n_raw, f[i].hash))
                sum +=
                    f[i].weight * postings_idf(p, postings_term(p, f[i].hash));
        }
        if (sum > most || best.n == 0) {
            most = sum;
            best = line;
        }
    }
    return best;
}

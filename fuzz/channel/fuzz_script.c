/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as phone.yaml; what is taken has a text for everything. */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "channel/phone_script.h"

static void look_at(const struct phone_prompt *prompts, struct arena *a)
{
    for (int t = 0; t < PHONE_TEXTS; t++) {
        struct phone_fill f = {"{ticket}", STR("9223372036854775807")};
        if (!prompts[t].text || !prompts[t].sound)
            abort();
        (void)phone_text_fill(str_from(prompts[t].text), &f, 1, a);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct phone_script s;
    struct err e = {0};
    struct arena *a = arena_new();
    int r = phone_script_read("phone.yaml", text, "ru", a, &s, &e);
    if (r && !e.msg[0])
        abort();
    for (size_t i = 0; !r && i < s.n_lines; i++) {
        const struct phone_line *l = &s.lines[i];
        if (l->n_languages < 1 || l->n_languages > PHONE_LANGUAGES)
            abort();
        for (size_t q = 0; q < l->n_questions; q++) {
            const struct phone_question *x = &l->questions[q];
            if (!x->field || !x->prompts[0].text || !x->prompts[1].sound ||
                x->how.digits_max > PHONE_DIGITS_MAX)
                abort();
        }
        for (int language = 0; language < PHONE_LANGUAGES; language++)
            look_at(l->prompts[language], a);
    }
    arena_free(a);
    return 0;
}

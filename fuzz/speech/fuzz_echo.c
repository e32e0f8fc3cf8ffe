/* SPDX-License-Identifier: Apache-2.0 */
/* A prompt and the pieces of a transcript, each on a line: what has no word of
 * the prompt is no echo, and who is certain has no more echoes than who
 * doubts. */
#include <stdint.h>
#include <stdlib.h>

#include "speech/echo.h"

enum { PIECES_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size};
    struct str prompt = {0};
    struct echo_piece pieces[PIECES_MAX] = {0};
    bool certain[PIECES_MAX];
    bool doubtful[PIECES_MAX];
    size_t n = 0;
    (void)str_next(&rest, '\n', &prompt);
    while (n < PIECES_MAX && str_next(&rest, '\n', &pieces[n].text))
        n++;
    echo_find(prompt, pieces, n, certain);
    for (size_t i = 0; i < n; i++)
        pieces[i].is_doubtful = true;
    echo_find(prompt, pieces, n, doubtful);
    for (size_t i = 0; i < n; i++) {
        if ((certain[i] && !doubtful[i]) || (doubtful[i] && prompt.n == 0) ||
            (doubtful[i] && pieces[i].text.n == 0))
            abort();
    }
    return 0;
}

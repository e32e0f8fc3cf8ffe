/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a question to five articles. The first byte: bit 0, staff
 * asks; bits 1 and 2, the language; the others, how many hits are wanted.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "knowledge/knowledge.h"

#define T(lit)                                                                 \
    {                                                                          \
        "" lit, sizeof(lit) - 1                                                \
    }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct knowledge_article articles[] = {
    {.id = 1,
     .key = T("vpn"),
     .language = T("ru"),
     .topic = T("network"),
     .title = T("Не подключается VPN"),
     .questions = T("впн не работает\nошибка 809"),
     .answer = T("Проверьте сертификат и время на компьютере.\n\n"
                 "Затем подключитесь снова.")},
    {.id = 2,
     .key = T("printer"),
     .language = T("ru"),
     .title = T("Принтер жуёт бумагу"),
     .questions = T("замятие бумаги"),
     .answer = T("Откройте лоток и достаньте лист.")},
    {.id = 3,
     .key = T("printer-en"),
     .language = T("en"),
     .title = T("The printer is jammed"),
     .questions = T("paper jam"),
     .answer = T("Open the tray and take the sheet out.")},
    {.id = 4,
     .key = T("secret"),
     .language = T("ru"),
     .audience = AUDIENCE_STAFF,
     .title = T("Перезапуск сервера печати"),
     .answer = T("Только для своих: перезапустите службу.")},
    {.id = 5, .key = T("bare"), .title = T("VPN"), .answer = T("\xff\n\n\n")},
};

static struct knowledge_index *desk;
static struct knowledge_scratch *scratch;

static void clean(void)
{
    knowledge_scratch_free(scratch);
    knowledge_index_unref(desk);
}

static void stop(const char *why)
{
    (void)fprintf(stderr, "%s\n", why);
    abort();
}

static void check(const struct knowledge_query *q,
                  const struct knowledge_hit *h)
{
    struct str answer = h->article->answer;
    struct str p = knowledge_passage(desk, scratch, h->article, q->text);
    if (!(h->confidence >= 0 && h->confidence <= 1))
        stop("a confidence is no chance");
    if (h->article->audience == AUDIENCE_STAFF && !q->with_staff)
        stop("a stranger sees what is for staff");
    if (p.n && (p.p < answer.p || p.p + p.n > answer.p + answer.n))
        stop("a passage is not of its answer");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { N = sizeof(articles) / sizeof(articles[0]) };
    static const char *const languages[] = {"", "ru", "en", "xx"};
    struct knowledge_hit hits[N];
    if (!desk) {
        scratch = knowledge_scratch_new();
        if (knowledge_index_new(articles, N, NULL, &desk, NULL) ||
            atexit(clean))
            stop("no index");
    }
    if (size == 0)
        return 0;
    struct knowledge_query q = {
        .text = {(const char *)data + 1, size - 1},
        .language = str_from(languages[data[0] >> 1 & 3]),
        .topic = STR("network"),
        .with_staff = data[0] & 1,
    };
    size_t max = (data[0] >> 3) % (N + 1);
    size_t n = knowledge_search(desk, scratch, &q, hits, max);
    if (n > max)
        stop("more hits than there is room for");
    for (size_t i = 0; i < n; i++) {
        check(&q, &hits[i]);
        if (i && !(hits[i - 1].score >= hits[i].score))
            stop("the hits are not in order");
    }
    return 0;
}

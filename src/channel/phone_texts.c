/* SPDX-License-Identifier: Apache-2.0 */
/* What is said when the owner says nothing else. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "channel/phone_script.h"

static const struct {
    const char *name, *said[PHONE_LANGUAGES];
} texts[PHONE_TEXTS] = {
    [PHONE_CHOOSE] = {"choose",
                      {"Для русского языка нажмите {key}.",
                       "For English, press {key}."}},
    [PHONE_GREETING] = {"greeting",
                        {"Здравствуйте. Вы позвонили в службу поддержки.",
                         "Hello. You have reached the support desk."}},
    [PHONE_KNOWN] = {"known",
                     {"Здравствуйте, {name}. Вы позвонили в службу поддержки.",
                      "Hello, {name}. You have reached the support desk."}},
    [PHONE_CONSENT] = {"consent",
                       {"Разговор записывается.", "The call is recorded."}},
    [PHONE_OFFER] = {"offer",
                     {"Чтобы поговорить с сотрудником, нажмите {key}.",
                      "To speak to somebody, press {key}."}},
    [PHONE_CLOSED] = {"closed",
                      {"Сейчас нерабочее время. Оставьте, пожалуйста, "
                       "сообщение.",
                       "Nobody is here at this hour. Please leave a message."}},
    [PHONE_ASK] = {"ask",
                   {"Пожалуйста, расскажите, что случилось. Когда закончите, "
                    "нажмите решётку или просто помолчите.",
                    "Please tell us what happened. When you have finished, "
                    "press hash or just stay silent."}},
    [PHONE_AGAIN] = {"again",
                     {"Я вас не слышу. Пожалуйста, расскажите, что случилось.",
                      "I cannot hear you. Please tell us what happened."}},
    [PHONE_TRANSFER] = {"transferring",
                        {"Соединяю с сотрудником.",
                         "I am putting you through."}},
    [PHONE_NOBODY] = {"nobody",
                      {"К сожалению, сейчас никто не может ответить. "
                       "Пожалуйста, расскажите, что случилось.",
                       "I am sorry, nobody can answer now. Please tell us what "
                       "happened."}},
    [PHONE_MOMENT] = {"moment", {"Одну минуту.", "One moment, please."}},
    [PHONE_HELPED] = {"helped",
                      {"Это помогло? Если да, нажмите один. Если нет, нажмите "
                       "два, и мы передадим вопрос сотруднику.",
                       "Did this help? If it did, press one. If not, press "
                       "two, and somebody will look at it."}},
    [PHONE_GLAD] = {"glad",
                    {"Рады, что помогли. До свидания.",
                     "Glad to hear that. Good-bye."}},
    [PHONE_FILED] = {"filed",
                     {"Спасибо. Ваше обращение принято. Его номер: {ticket}. "
                      "Повторяю: {ticket}.",
                      "Thank you. Your request is on the desk. Its number is "
                      "{ticket}. Again: {ticket}."}},
    [PHONE_DUE] = {"due", {"Мы ответим {due}.", "We will answer {due}."}},
    [PHONE_BYE] = {"bye", {"До свидания.", "Good-bye."}},
    [PHONE_LATER] = {"later",
                     {"Спасибо. Ваше обращение записано. Мы вам ответим. До "
                      "свидания.",
                      "Thank you. Your request is recorded. We will answer "
                      "you. Good-bye."}},
    [PHONE_NOTHING] = {"nothing",
                       {"К сожалению, ничего не слышно. Позвоните, пожалуйста, "
                        "ещё раз. До свидания.",
                        "I am sorry, nothing can be heard. Please call again. "
                        "Good-bye."}},
};

const char *phone_text_name(enum phone_text t)
{
    return texts[t].name;
}

const char *phone_text_usual(enum phone_text t, enum phone_language l)
{
    return texts[t].said[l];
}

static const char *const codes[PHONE_LANGUAGES] = {"ru", "en"};

const char *phone_language_code(enum phone_language l)
{
    return codes[l];
}

bool phone_language_find(struct str code, enum phone_language *ret)
{
    for (int i = 0; i < PHONE_LANGUAGES; i++) {
        if (str_is(code, codes[i])) {
            *ret = (enum phone_language)i;
            return true;
        }
    }
    return false;
}

/* The value of the mark that `text` begins with; `*ret_n`: how long it is. */
static const struct phone_fill *find_mark(struct str text,
                                          const struct phone_fill *fills,
                                          size_t n, size_t *ret_n)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(fills[i].mark);
        if (str_starts(text, fills[i].mark)) {
            *ret_n = length;
            return &fills[i];
        }
    }
    return NULL;
}

struct str phone_text_fill(struct str text, const struct phone_fill *fills,
                           size_t n, struct arena *a)
{
    struct buf b = BUF_INIT(2 * PHONE_TEXT_MAX);
    while (text.n) {
        size_t length = 1;
        const struct phone_fill *f = find_mark(text, fills, n, &length);
        if (f)
            buf_put(&b, f->value.p, f->value.n);
        else
            buf_putc(&b, text.p[0]);
        text = str_sub(text, length, text.n);
    }
    struct str kept = arena_str(a, buf_str(&b));
    buf_free(&b);
    return kept;
}

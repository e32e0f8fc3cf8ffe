/*
 * channel/phone_script.h - what is said on which number, and our accounts
 *
 * A YAML file of the owner's (phone.yaml of the desk):
 *
 *   accounts:                       # extensions that we are, at what systems
 *     - address: sip:support@pbx.example
 *       server: sip:192.0.2.7:5060;transport=tcp   # empty: by the address
 *       user: support               # empty: of the address
 *       password: "…"               # or password_env: NAME
 *       expires: 300
 *   lines:                          # by the number that is called
 *     default:
 *       language: ru                # ru or en; or
 *       languages: [ru, en]         # the caller chooses by key
 *       greeting: "…"               # text in the first of them that is spoken
 *       greet_by_name: false        # true: who is known hears `known`
 *       keep_days: 30               # its recordings; 0: for ever
 *       ask: {ru: "…", en: "…"}     # … or one for each; "": nothing is said
 *       bye_sound: bye.wav          # … or a WAVE file, relative to the desk
 *
 *       questions:                  # after that, in this order
 *         - field: Добавочный       # as the ticket shows it
 *           text: {ru: "…", en: "…"}    # or sound:
 *           kind: digits            # or speech
 *           digits: 4               # at most; of speech: seconds
 *
 *       transfer:                   # to a person
 *         to: sip:100@pbx.example
 *         key: "0"                  # and/or always: true
 *         schedule: Office          # of the desk; without: round the clock
 *
 * The texts, their marks ({ticket}, {due}, {name}, {key}), and what is said
 * where the owner says nothing, are in phone_texts.c. Errors name the line.
 */
#ifndef OTK_CHANNEL_PHONE_SCRIPT_H
#define OTK_CHANNEL_PHONE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "channel/phone_conversation.h"

struct arena;
struct err;

enum {
    PHONE_ACCOUNTS_MAX = 32,
    PHONE_LINES_MAX = 200,
    PHONE_TEXT_MAX = 2000,
    PHONE_FIELD_MAX = 500,
    PHONE_FIELD_NAME_MAX = 60, /* of a question, bytes */
    PHONE_SCRIPT_BYTES = 1 << 20,
    PHONE_KEEP_AS_DESK = -1, /* the line does not say: phone.keep_days */
};

struct phone_account {
    const char *address, *server, *user, *password;
    int64_t expires_s;
};

enum phone_language { PHONE_RU, PHONE_EN, PHONE_LANGUAGES };

struct phone_prompt {
    const char *text;  /* "": nothing is said */
    const char *sound; /* path of a WAVE file; "": the text is spoken */
};

/* Asked when the caller has said what happened. */
struct phone_question {
    const char *field; /* as the ticket shows it */
    struct phone_prompt prompts[PHONE_LANGUAGES];
    struct conversation_question how;
};

/* A person whom callers reach. */
struct phone_referral {
    const char *to;       /* "sip:100@pbx.example"; "": nobody */
    const char *schedule; /* of the desk, by name; "": always open */
    char key;             /* '\0': none */
    bool always;          /* every call, without a key */
};

struct phone_line {
    const char *number; /* the user part that is called; "default" */
    enum phone_language languages[PHONE_LANGUAGES]; /* the first: no choice */
    size_t n_languages;
    bool knows_callers; /* greets those by name who have one */
    int64_t keep_days;  /* of its recordings; 0: for ever */
    struct phone_prompt prompts[PHONE_LANGUAGES][PHONE_TEXTS];
    struct phone_question questions[PHONE_QUESTIONS_MAX];
    size_t n_questions;
    struct phone_referral transfer;
};

struct phone_script {
    struct phone_account accounts[PHONE_ACCOUNTS_MAX];
    size_t n_accounts;
    struct phone_line *lines; /* the first is the default */
    size_t n_lines;
};

/* Texts live in `a`. `path` is only named in errors; `text` empty: nothing but
 * the default line, in `language`. OTK_EFORMAT, OTK_ELIMIT. */
int phone_script_read(const char *path, struct str text, const char *language,
                      struct arena *a, struct phone_script *ret, struct err *e);

/* The line that is called; the default one for others. Never NULL. */
const struct phone_line *phone_script_line(const struct phone_script *s,
                                           struct str number);

/* The account whose user part that is, or the only one; NULL. */
const struct phone_account *phone_script_account(const struct phone_script *s,
                                                 struct str user);

/* ---- texts
 * ------------------------------------------------------------------------- */

/* "ru", "en" */
const char *phone_language_code(enum phone_language l);
bool phone_language_find(struct str code, enum phone_language *ret);

/* The name of a text in the file. */
const char *phone_text_name(enum phone_text t);
/* What is said when the owner says nothing else. */
const char *phone_text_usual(enum phone_text t, enum phone_language l);

struct phone_fill {
    const char *mark; /* "{ticket}" */
    struct str value;
};
/* The text with all marks filled in; in `a`. */
struct str phone_text_fill(struct str text, const struct phone_fill *fills,
                           size_t n, struct arena *a);

#endif

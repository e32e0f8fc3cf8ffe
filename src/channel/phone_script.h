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
 *       language: ru                # ru or en
 *       greeting: "…"               # text that is spoken …
 *       greeting_sound: hello.wav   # … or a WAVE file, relative to the desk
 *
 * and so on with `again`, `filed` ({ticket} stands for the number), `later` and
 * `nothing`. What is not said is as it stands in phone_script.c. Errors name
 * the line.
 */
#ifndef OTK_CHANNEL_PHONE_SCRIPT_H
#define OTK_CHANNEL_PHONE_SCRIPT_H

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
    PHONE_SCRIPT_BYTES = 1 << 20,
};

struct phone_account {
    const char *address, *server, *user, *password;
    int64_t expires_s;
};

struct phone_prompt {
    const char *text;
    const char *sound; /* path of a WAVE file; "": the text is spoken */
};

struct phone_line {
    const char *number; /* the user part that is called; "default" */
    const char *language;
    struct phone_prompt prompts[PHONE_TEXTS];
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

/* "{ticket}" filled in, into `a`. */
struct str phone_text_fill(struct str text, int64_t ticket, struct arena *a);

/* The name of a text in the file. */
const char *phone_text_name(enum phone_text t);

#endif

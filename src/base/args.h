/*
 * base/args.h - the command line, read by tables
 *
 * A program has commands, a command has options; from the same tables come
 * parsing, help, shell completion and man pages. Options may stand anywhere
 * until "--"; "--name=value", "--name value", "-n value" and "-nvalue" are
 * the same. `a.b=c` words are settings (see base/conf.h) when the command
 * takes them. `help COMMAND` is `COMMAND --help`.
 *
 * Results point into argv and live as long.
 */
#ifndef OTK_BASE_ARGS_H
#define OTK_BASE_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

struct arg_option {
    char letter;       /* 'o', or 0 */
    const char *name;  /* "output" */
    const char *value; /* "FILE", "a|b" for a choice; NULL: a switch */
    const char *help;  /* one line */
};

enum { ARGS_OPTIONS_MAX = 24, ARGS_WORDS_MAX = 4096 };

struct args;

struct arg_command {
    const char *name;    /* "kb import" */
    const char *words;   /* "FILE..." as help shows it; "" for none */
    int min_words;       /* how many must stand there … */
    int max_words;       /* … and may; -1: any number */
    bool takes_settings; /* `a.b=c` words are overrides */
    const char *summary; /* one line, no full stop */
    const char *about;   /* paragraphs for --help and the man page */
    const struct arg_option *options; /* ends with name == NULL */
    int (*run)(void *ctx, const struct args *a);
};

struct args {
    const struct arg_command *command;
    const struct arg_option *common; /* options of every command */
    const char *values[2 * ARGS_OPTIONS_MAX];
    const char **words; /* positional */
    int n_words;
    const char **settings; /* overrides, in order */
    int n_settings;
    bool help;
};

/* The program as a whole; `commands` ends with name == NULL. */
struct args_program {
    const char *name;    /* "otklik" */
    const char *summary; /* one line */
    const struct arg_option *common;
    const struct arg_command *commands;
    const char *footer; /* exit codes, files: for help and man */
};

/*
 * Read argv (argc words, without the program). OTK_EFORMAT with a text that
 * names the word and what was meant. args_free() in any case.
 */
int args_read(const struct args_program *p, int argc, char **argv,
              struct args *ret, struct err *e);
void args_free(struct args *a);

/* The value of an option that the tables hold; NULL when not given. */
const char *args_text(const struct args *a, const char *name);
bool args_has(const struct args *a, const char *name);
/* A whole number in min … max, `fallback` when not given. */
int args_whole(const struct args *a, const char *name, int64_t fallback,
               int64_t min, int64_t max, int64_t *ret, struct err *e);

void args_help(const struct args_program *p, struct buf *ret);
void args_command_help(const struct args_program *p,
                       const struct arg_command *c, struct buf *ret);
/* `shell`: "bash" or "zsh"; false for others. */
bool args_completion(const struct args_program *p, const char *shell,
                     struct buf *ret);
/* man(7) source of the program's page (c == NULL) or a command's. */
void args_man(const struct args_program *p, const struct arg_command *c,
              struct buf *ret);

#endif

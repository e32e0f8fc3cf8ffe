/* SPDX-License-Identifier: Apache-2.0 */
#include "base/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/suggest.h"

static const struct arg_option none[] = {{0}};

static const struct arg_option *options_of(const struct arg_command *c)
{
    return c->options ? c->options : none;
}

/*
 * Does the command's name, which may have two words, stand in front of argv?
 * Returns how many words it took.
 */
static int match_command(const char *name, int argc, char **argv)
{
    struct str rest = str_from(name);
    struct str word;
    int n = 0;
    while (str_next(&rest, ' ', &word)) {
        if (n == argc || !str_is(word, argv[n]))
            return 0;
        n++;
    }
    return n;
}

static bool in_group(const struct arg_command *c, const char *group)
{
    size_t n = strlen(group);
    return strncmp(c->name, group, n) == 0 && c->name[n] == ' ';
}

static int unknown_command(const struct args_program *p, int argc, char **argv,
                           struct err *e)
{
    char typed[128];
    bool second = argc > 1 && argv[1][0] != '-';
    struct suggest near = {0};
    struct buf group = BUF_INIT(sizeof(e->msg) / 2);
    for (const struct arg_command *c = p->commands; c->name; c++) {
        if (in_group(c, argv[0]))
            buf_printf(&group, "%s%s", group.len ? ", " : "", c->name);
    }
    (void)snprintf(typed, sizeof(typed), "%s%s%s", argv[0],
                   group.len && second ? " " : "",
                   group.len && second ? argv[1] : "");
    near.word = str_from(typed);
    for (const struct arg_command *c = p->commands; c->name; c++)
        suggest_offer(&near, c->name);
    const char *best = suggest_best(&near);
    int r = OTK_OK;
    if (group.len && !buf_check(&group) && (!second || !best))
        r = err_set(e, OTK_EFORMAT, "no command '%s'; there are: %s", typed,
                    group.ptr);
    else if (best)
        r = err_set(e, OTK_EFORMAT, "no command '%s'; did you mean '%s'?",
                    typed, best);
    else
        r = err_set(e, OTK_EFORMAT, "no command '%s'; see `%s --help`", typed,
                    p->name);
    buf_free(&group);
    return r;
}

/* The index in `values` of an option, the command's first; -1: unknown. */
static int slot_of(const struct args *a, struct str name, char letter,
                   const struct arg_option **ret)
{
    const struct arg_option *tables[] = {options_of(a->command), a->common};
    for (int t = 0; t < 2; t++) {
        for (int i = 0; tables[t][i].name; i++) {
            const struct arg_option *o = &tables[t][i];
            if (letter ? o->letter != letter : !str_is(name, o->name))
                continue;
            *ret = o;
            return t * ARGS_OPTIONS_MAX + i;
        }
    }
    return -1;
}

static int unknown_option(const struct args *a, const char *word, struct err *e)
{
    struct str name = str_from(word);
    name = str_sub(name, 0, str_find(name, '='));
    struct suggest near = {.word = str_sub(name, 2, name.n)};
    for (const struct arg_option *o = options_of(a->command); o->name; o++)
        suggest_offer(&near, o->name);
    for (const struct arg_option *o = a->common; o->name; o++)
        suggest_offer(&near, o->name);
    const char *best = near.word.n ? suggest_best(&near) : NULL;
    return err_set(e, OTK_EFORMAT, "no option '" STR_FMT "'%s%s%s",
                   STR_ARG(name), best ? "; did you mean --" : "",
                   best ? best : "", best ? "?" : "");
}

/* One option at argv[*at]; moves on to the last word it took. */
static int take_option(struct args *a, int argc, char **argv, int *at,
                       struct err *e)
{
    const char *word = argv[*at];
    bool is_long = word[1] == '-';
    struct str name = is_long ? str_from(word + 2) : (struct str){0};
    size_t n = str_find(name, '=');
    const struct arg_option *o = NULL;
    int slot = slot_of(a, str_sub(name, 0, n), is_long ? '\0' : word[1], &o);
    if (slot < 0)
        return unknown_option(a, word, e);
    const char *value = NULL;
    if (is_long && n < name.n)
        value = name.p + n + 1;
    else if (!is_long && word[2])
        value = word + 2;
    if (!o->value) {
        if (value)
            return err_set(e, OTK_EFORMAT, "--%s takes no value", o->name);
        a->values[slot] = o->name;
        return OTK_OK;
    }
    if (!value && ++*at < argc)
        value = argv[*at];
    if (!value)
        return err_set(e, OTK_EFORMAT, "--%s needs a value: --%s %s", o->name,
                       o->name, o->value);
    if (strchr(o->value, '|')) {
        struct str rest = str_from(o->value);
        struct str one;
        bool found = false;
        while (!found && str_next(&rest, '|', &one))
            found = str_is(one, value);
        if (!found)
            return err_set(e, OTK_EFORMAT, "--%s: '%s' is none of %s", o->name,
                           value, o->value);
    }
    a->values[slot] = value;
    return OTK_OK;
}

static int take_words(struct args *a, int argc, char **argv, struct err *e)
{
    bool only_words = false;
    for (int i = 0; i < argc; i++) {
        const char *w = argv[i];
        if (!only_words && strcmp(w, "--") == 0) {
            only_words = true;
        } else if (!only_words &&
                   (strcmp(w, "--help") == 0 || strcmp(w, "-h") == 0)) {
            a->help = true;
        } else if (!only_words && w[0] == '-' && w[1]) {
            int r = take_option(a, argc, argv, &i, e);
            if (r)
                return r;
        } else if (!only_words && a->command->takes_settings &&
                   conf_is_assignment(w)) {
            a->settings[a->n_settings++] = w;
        } else {
            a->words[a->n_words++] = w;
        }
    }
    return OTK_OK;
}

static int check_count(const struct args_program *p, const struct args *a,
                       struct err *e)
{
    const struct arg_command *c = a->command;
    if (a->n_words < c->min_words)
        return err_set(e, OTK_EFORMAT, "missing argument: %s %s %s", p->name,
                       c->name, c->words);
    if (c->max_words >= 0 && a->n_words > c->max_words)
        return err_set(e, OTK_EFORMAT, "one argument too many: '%s'",
                       a->words[c->max_words]);
    return OTK_OK;
}

int args_read(const struct args_program *p, int argc, char **argv,
              struct args *ret, struct err *e)
{
    *ret = (struct args){.common = p->common ? p->common : none};
    if (argc > ARGS_WORDS_MAX)
        return err_set(e, OTK_ELIMIT, "%d words, the limit is %d", argc,
                       ARGS_WORDS_MAX);
    if (argc == 0 || strcmp(argv[0], "--help") == 0 ||
        strcmp(argv[0], "-h") == 0) {
        ret->help = true;
        return OTK_OK;
    }
    if (strcmp(argv[0], "help") == 0) {
        ret->help = true;
        argc--;
        argv++;
    }
    if (argc == 0)
        return OTK_OK;
    int taken = 0;
    for (const struct arg_command *c = p->commands; c->name && !taken; c++) {
        taken = match_command(c->name, argc, argv);
        ret->command = c;
    }
    if (!taken) {
        ret->command = NULL;
        return unknown_command(p, argc, argv, e);
    }
    ret->words = mem_new((size_t)argc + 1, sizeof(*ret->words));
    ret->settings = mem_new((size_t)argc + 1, sizeof(*ret->settings));
    int r = take_words(ret, argc - taken, argv + taken, e);
    if (!r && !ret->help)
        r = check_count(p, ret, e);
    return r;
}

void args_free(struct args *a)
{
    free(a->words);
    free(a->settings);
    *a = (struct args){0};
}

const char *args_text(const struct args *a, const char *name)
{
    const struct arg_option *o;
    int slot = slot_of(a, str_from(name), '\0', &o);
    if (slot < 0)
        bug("command %s has no option --%s", a->command->name, name);
    return a->values[slot];
}

bool args_has(const struct args *a, const char *name)
{
    return args_text(a, name) != NULL;
}

int args_whole(const struct args *a, const char *name, int64_t fallback,
               int64_t min, int64_t max, int64_t *ret, struct err *e)
{
    const char *text = args_text(a, name);
    *ret = fallback;
    if (!text)
        return OTK_OK;
    if (str_to_int(str_from(text), ret) || *ret < min || *ret > max)
        return err_set(e, OTK_EFORMAT,
                       "--%s: '%s' is not a whole number from %lld to %lld",
                       name, text, (long long)min, (long long)max);
    return OTK_OK;
}

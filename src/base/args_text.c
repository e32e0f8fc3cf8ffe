/* SPDX-License-Identifier: Apache-2.0 */
/* What the option tables say, as help, completion and man pages. */
#include <stdio.h>
#include <string.h>

#include "base/args.h"
#include "base/buf.h"
#include "base/str.h"

enum { HELP_COLUMN = 28 };

static void put_option(const struct arg_option *o, struct buf *ret)
{
    size_t start = ret->len;
    if (o->letter)
        buf_printf(ret, "  -%c, --%s", o->letter, o->name);
    else
        buf_printf(ret, "      --%s", o->name);
    if (o->value)
        buf_printf(ret, " %s", o->value);
    size_t used = ret->len - start;
    int pad = used + 2 <= HELP_COLUMN ? HELP_COLUMN - (int)used : 2;
    buf_printf(ret, "%*s%s\n", pad, "", o->help);
}

static void put_options(const char *title, const struct arg_option *o,
                        struct buf *ret)
{
    if (!o || !o->name)
        return;
    buf_printf(ret, "\n%s:\n", title);
    for (; o->name; o++)
        put_option(o, ret);
}

void args_help(const struct args_program *p, struct buf *ret)
{
    buf_printf(ret, "%s - %s\n\nUsage: %s COMMAND [OPTIONS]\n\nCommands:\n",
               p->name, p->summary, p->name);
    for (const struct arg_command *c = p->commands; c->name; c++)
        buf_printf(ret, "  %-16s %s\n", c->name, c->summary);
    put_options("Options of every command", p->common, ret);
    buf_printf(ret, "\n%s COMMAND --help says more.\n%s", p->name, p->footer);
}

static void put_usage(const struct args_program *p, const struct arg_command *c,
                      struct buf *ret)
{
    buf_printf(ret, "%s %s%s%s%s%s", p->name, c->name,
               c->options && c->options->name ? " [OPTIONS]" : "",
               c->words[0] ? " " : "", c->words,
               c->takes_settings ? " [SETTING=VALUE...]" : "");
}

void args_command_help(const struct args_program *p,
                       const struct arg_command *c, struct buf *ret)
{
    buf_puts(ret, "Usage: ");
    put_usage(p, c, ret);
    buf_printf(ret, "\n\n%s.\n%s%s", c->summary, c->about[0] ? "\n" : "",
               c->about);
    put_options("Options", c->options, ret);
    put_options("Options of every command", p->common, ret);
}

/* ---- completion ------------------------------------------------------------
 */

static void put_option_words(const struct arg_option *o, struct buf *ret)
{
    for (; o && o->name; o++)
        buf_printf(ret, " --%s", o->name);
}

static void put_bash(const struct args_program *p, struct buf *ret)
{
    buf_printf(ret,
               "# bash completion for %s\n_%s() {\n"
               "  local cur=${COMP_WORDS[COMP_CWORD]} words=\n"
               "  case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n",
               p->name, p->name);
    for (const struct arg_command *c = p->commands; c->name; c++) {
        buf_printf(ret, "  \"%s%s) words=\"", c->name,
                   strchr(c->name, ' ') ? "\"" : " \"*");
        put_option_words(c->options, ret);
        put_option_words(p->common, ret);
        buf_puts(ret, "\" ;;\n");
    }
    buf_puts(ret, "  esac\n  if [ \"$COMP_CWORD\" = 1 ]; then words=\"");
    struct str last = {0};
    for (const struct arg_command *c = p->commands; c->name; c++) {
        struct str name = str_from(c->name);
        struct str first = str_sub(name, 0, str_find(name, ' '));
        if (!str_eq(first, last))
            buf_printf(ret, " " STR_FMT, STR_ARG(first));
        last = first;
    }
    buf_puts(ret, "\"\n");
    for (const struct arg_command *c = p->commands; c->name; c++) {
        const char *space = strchr(c->name, ' ');
        if (space)
            buf_printf(ret,
                       "  elif [ \"$COMP_CWORD\" = 2 ] && [ "
                       "\"${COMP_WORDS[1]}\" = %.*s ] && [[ %s == \"$cur\"* "
                       "]]; then words=\"%s $words\"\n",
                       (int)(space - c->name), c->name, space + 1, space + 1);
    }
    buf_printf(ret,
               "  fi\n  if [[ $cur == -* ]] || [ \"$COMP_CWORD\" -le 2 ]; "
               "then\n    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- "
               "\"$cur\")\n  fi\n}\ncomplete -o default -F _%s %s\n",
               p->name, p->name);
}

/* Inside '…' of a shell; `special` characters get a backslash. */
static void put_zsh_text(const char *s, const char *special, struct buf *ret)
{
    for (; *s; s++) {
        if (*s == '\'')
            buf_puts(ret, "'\\'");
        else if (strchr(special, *s))
            buf_putc(ret, '\\');
        buf_putc(ret, *s);
    }
}

static void put_zsh_options(const struct arg_option *o, struct buf *ret)
{
    for (; o && o->name; o++) {
        buf_printf(ret, " '--%s[", o->name);
        put_zsh_text(o->help, "[]\\", ret);
        buf_printf(ret, "]%s'", o->value ? ":value:_files" : "");
    }
}

static void put_zsh(const struct args_program *p, struct buf *ret)
{
    buf_printf(ret,
               "#compdef %s\n# zsh completion for %s\n"
               "local -a commands\ncommands=(\n",
               p->name, p->name);
    for (const struct arg_command *c = p->commands; c->name; c++) {
        buf_printf(ret, "  '%s:", c->name);
        put_zsh_text(c->summary, "", ret);
        buf_puts(ret, "'\n");
    }
    buf_puts(ret, ")\nif (( CURRENT == 2 )); then\n"
                  "  _describe command commands\n  return\nfi\n"
                  "case \"$words[2] $words[3]\" in\n");
    for (const struct arg_command *c = p->commands; c->name; c++) {
        buf_printf(ret, "  \"%s%s) _arguments", c->name,
                   strchr(c->name, ' ') ? "\"" : " \"*");
        put_zsh_options(c->options, ret);
        put_zsh_options(p->common, ret);
        buf_puts(ret, " '*:file:_files' ;;\n");
    }
    buf_puts(ret, "esac\n");
}

bool args_completion(const struct args_program *p, const char *shell,
                     struct buf *ret)
{
    if (strcmp(shell, "bash") == 0)
        put_bash(p, ret);
    else if (strcmp(shell, "zsh") == 0)
        put_zsh(p, ret);
    else
        return false;
    return true;
}

/* ---- man pages
 * ---------------------------------------------------------------- */

/* Text for troff: '-' and '\' escaped, no line begins with a dot. */
static void put_man_text(const char *s, struct buf *ret)
{
    bool line_start = true;
    for (; *s; s++) {
        if (line_start && (*s == '.' || *s == '\''))
            buf_puts(ret, "\\&");
        if (*s == '\n' && s[1] == '\n') {
            buf_puts(ret, "\n.PP");
            continue;
        }
        if (*s == '\\' || *s == '-')
            buf_putc(ret, '\\');
        buf_putc(ret, *s);
        line_start = *s == '\n';
    }
}

static void put_man_options(const char *title, const struct arg_option *o,
                            struct buf *ret)
{
    if (!o || !o->name)
        return;
    buf_printf(ret, ".SH %s\n", title);
    for (; o->name; o++) {
        buf_puts(ret, ".TP\n.B ");
        if (o->letter)
            buf_printf(ret, "\\-%c, ", o->letter);
        buf_puts(ret, "\\-\\-");
        put_man_text(o->name, ret);
        if (o->value)
            buf_printf(ret, " \\fI%s\\fR", o->value);
        buf_putc(ret, '\n');
        put_man_text(o->help, ret);
        buf_putc(ret, '\n');
    }
}

static void put_man_commands(const struct args_program *p, struct buf *ret)
{
    buf_puts(ret, ".SH COMMANDS\n");
    for (const struct arg_command *c = p->commands; c->name; c++) {
        buf_printf(ret, ".TP\n.B %s %s\n", c->name, c->words);
        put_man_text(c->summary, ret);
        buf_putc(ret, '\n');
    }
}

void args_man(const struct args_program *p, const struct arg_command *c,
              struct buf *ret)
{
    char page[128];
    (void)snprintf(page, sizeof(page), "%s%s%s", p->name, c ? "-" : "",
                   c ? c->name : "");
    for (char *s = page; *s; s++) {
        if (*s == ' ')
            *s = '-';
    }
    buf_printf(ret, ".TH %s 1 \"\" \"%s %s\"\n.SH NAME\n", page, p->name,
               OTK_VERSION);
    put_man_text(page, ret);
    buf_puts(ret, " \\- ");
    put_man_text(c ? c->summary : p->summary, ret);
    buf_puts(ret, "\n.SH SYNOPSIS\n.B ");
    if (c)
        put_usage(p, c, ret);
    else
        buf_printf(ret, "%s COMMAND [OPTIONS]", p->name);
    buf_putc(ret, '\n');
    if (c && c->about[0]) {
        buf_puts(ret, ".SH DESCRIPTION\n");
        put_man_text(c->about, ret);
    }
    if (!c)
        put_man_commands(p, ret);
    if (c)
        put_man_options("OPTIONS", c->options, ret);
    put_man_options("OPTIONS OF EVERY COMMAND", p->common, ret);
    buf_puts(ret, ".SH NOTES\n");
    put_man_text(p->footer, ret);
}

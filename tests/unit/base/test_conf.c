/* SPDX-License-Identifier: Apache-2.0 */
/* Settings and command lines. */
#include <stddef.h>
#include <string.h>

#include "base/args.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "test.h"

struct values {
    char *name, *secret;
    int64_t port;
    double share;
    bool on;
    int kind;
};

static const struct conf_setting table[] = {
    {.name = "web.name",
     .type = CONF_TEXT,
     .offset = offsetof(struct values, name),
     .fallback = "desk",
     .min = 1,
     .max = 10,
     .help = "a name"},
    {.name = "web.port",
     .type = CONF_WHOLE,
     .offset = offsetof(struct values, port),
     .fallback = "80",
     .min = 1,
     .max = 65535,
     .help = "a port"},
    {.name = "web.secret",
     .type = CONF_TEXT,
     .offset = offsetof(struct values, secret),
     .fallback = "",
     .max = 10,
     .help = "hidden",
     .secret = true},
    {.name = "mind.share",
     .type = CONF_REAL,
     .offset = offsetof(struct values, share),
     .fallback = "0.5",
     .max = 1,
     .help = "a share"},
    {.name = "mind.on",
     .type = CONF_FLAG,
     .offset = offsetof(struct values, on),
     .fallback = "false",
     .help = "a switch"},
    {.name = "mind.kind",
     .type = CONF_CHOICE,
     .offset = offsetof(struct values, kind),
     .fallback = "b",
     .choices = "a|b|c",
     .help = "a kind"},
    {0},
};

static void test_sources(void **state)
{
    (void)state;
    struct values v = {0};
    struct conf c;
    struct err e = {0};
    conf_init(&c, table, &v);
    assert_string_equal(v.name, "desk");
    assert_int_equal(v.kind, 1);
    const char *yaml =
        "# x\nweb:\n  port: 8080\n  name: ёж\nmind:\n  on: yes\n";
    assert_int_equal(conf_read_yaml(&c, "a.yaml", str_from(yaml), &e), 0);
    assert_int_equal(v.port, 8080);
    assert_true(v.on);
    char *environment[] = {(char *)(uintptr_t) "OTKLIK_WEB_PORT=81",
                           (char *)(uintptr_t) "OTKLIK_OTHER=1", NULL};
    assert_int_equal(conf_read_environment(&c, "OTKLIK_", environment, &e), 0);
    assert_int_equal(v.port, 81);
    assert_int_equal(conf_override(&c, "web.port=82", &e), 0);
    assert_int_equal(v.port, 82);
    assert_int_equal(conf_override(&c, "web.secret=abc", &e), 0);
    struct buf b = BUF_INIT(10000);
    conf_print(&c, &b);
    assert_non_null(strstr(b.ptr, "port: 82"));
    assert_null(strstr(b.ptr, "abc"));
    /* what is printed can be read again */
    assert_int_equal(conf_read_yaml(&c, "b.yaml", buf_str(&b), &e), 0);
    assert_string_equal(v.name, "ёж");
    buf_free(&b);
    conf_free(&c);
}

static void check_error(const char *yaml, const char *holds)
{
    struct values v = {0};
    struct conf c;
    struct err e = {0};
    conf_init(&c, table, &v);
    int r = conf_read_yaml(&c, "a.yaml", str_from(yaml), &e);
    assert_int_equal(r, e.code);
    if (e.code == 0 || !strstr(e.msg, holds))
        fail_msg("'%s' gave '%s', wanted '%s'", yaml, e.msg, holds);
    conf_free(&c);
}

static void test_errors(void **state)
{
    (void)state;
    check_error("web:\n  prot: 1\n", "a.yaml:2: web.prot: unknown setting; did "
                                     "you mean web.port?");
    check_error("web:\n  port: x\n", "a.yaml:2: web.port: 'x' is not a whole");
    check_error("web:\n  port: 0\n", "not between 1 and 65535");
    check_error("web:\n  name: aaaaaaaaaaaaaaaaaaa\n", "the limit is 10");
    check_error("mind:\n  kind: d\n", "none of a|b|c");
    check_error("mind:\n  on: perhaps\n", "neither true nor false");
    check_error("web:\n  port: 1\n  port: 2\n", "a.yaml:3");
    check_error("web: [1]\n", "a list has no meaning");
    check_error("web:\n  port: 1\n bad", "a.yaml:");
    check_error("just words", "expected `name: value`");
}

/* ---- the command line -------------------------------------------------------
 */

static int nothing(void *ctx, const struct args *a)
{
    (void)ctx;
    (void)a;
    return 0;
}

static const struct arg_option common[] = {{'j', "json", NULL, "JSON"}, {0}};
static const struct arg_option options[] = {
    {'o', "output", "FILE", "where to"}, {0, "kind", "a|b", "which"}, {0}};
static const struct arg_command commands[] = {
    {.name = "serve",
     .words = "",
     .takes_settings = true,
     .summary = "Run",
     .about = "",
     .run = nothing},
    {.name = "kb import",
     .words = "FILE",
     .min_words = 1,
     .max_words = 1,
     .summary = "Import",
     .about = "",
     .options = options,
     .run = nothing},
    {0},
};
static const struct args_program program = {"otk", "a program", common,
                                            commands, "Footer.\n"};

static int parse(struct args *a, struct err *e, int n, const char **words)
{
    return args_read(&program, n, (char **)(uintptr_t)words, a, e);
}

static void test_words(void **state)
{
    (void)state;
    struct args a;
    struct err e = {0};
    const char *w1[] = {"kb", "import", "-ofile", "x.csv", "--kind=b", "-j"};
    assert_int_equal(parse(&a, &e, 6, w1), 0);
    assert_string_equal(a.command->name, "kb import");
    assert_string_equal(args_text(&a, "output"), "file");
    assert_string_equal(args_text(&a, "kind"), "b");
    assert_true(args_has(&a, "json"));
    assert_string_equal(a.words[0], "x.csv");
    args_free(&a);
    const char *w2[] = {"serve", "web.port=9", "--"};
    assert_int_equal(parse(&a, &e, 3, w2), 0);
    assert_int_equal(a.n_settings, 1);
    args_free(&a);
    const char *w3[] = {"kb", "import", "--", "--odd"};
    assert_int_equal(parse(&a, &e, 4, w3), 0);
    assert_string_equal(a.words[0], "--odd");
    args_free(&a);
}

static void check_words(const char *holds, int n, const char **words)
{
    struct args a;
    struct err e = {0};
    assert_int_equal(parse(&a, &e, n, words), OTK_EFORMAT);
    if (!strstr(e.msg, holds))
        fail_msg("'%s', wanted '%s'", e.msg, holds);
    args_free(&a);
}

static void test_wrong_words(void **state)
{
    (void)state;
    check_words("did you mean 'serve'", 1, (const char *[]){"srve"});
    check_words("did you mean 'kb import'", 2, (const char *[]){"kb", "imprt"});
    check_words("missing argument", 2, (const char *[]){"kb", "import"});
    check_words("one argument too many: 'b'", 4,
                (const char *[]){"kb", "import", "a", "b"});
    check_words("did you mean --output", 4,
                (const char *[]){"kb", "import", "a", "--outptu=1"});
    check_words("needs a value", 4,
                (const char *[]){"kb", "import", "a", "--output"});
    check_words("none of a|b", 4,
                (const char *[]){"kb", "import", "a", "--kind=c"});
    check_words("takes no value", 4,
                (const char *[]){"kb", "import", "a", "--json=1"});
}

static void test_texts(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(100000);
    args_help(&program, &b);
    args_command_help(&program, &commands[1], &b);
    assert_true(args_completion(&program, "bash", &b));
    assert_true(args_completion(&program, "zsh", &b));
    assert_false(args_completion(&program, "fish", &b));
    args_man(&program, &commands[1], &b);
    assert_non_null(strstr(b.ptr, "kb import"));
    assert_non_null(strstr(b.ptr, "--output"));
    assert_non_null(strstr(b.ptr, ".TH otk-kb-import 1"));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sources), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_words),   cmocka_unit_test(test_wrong_words),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Settings and command lines. */
#include <stddef.h>
#include <string.h>

#include "base/args.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
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
    check_error("web:\n  port: 1\n---\nweb:\n  name: x\n", "a.yaml:3");
    check_error("a:\n b:\n  c:\n   d:\n    e: 1\n", "nested too deeply");
    check_error("web: &x\n  port: *x\n", "aliases have no meaning");
    check_error("web:\n  port: 99999999999999999999\n", "not a whole");
    check_error("mind:\n  share: nan\n", "is not a number");
    check_error("mind:\n  share: 1.5\n", "not between 0 and 1");
    check_error("web:\n  name: \"\"\n", "must not be empty");
    check_error("web:\n  name: \"a\\0b\"\n", "NUL");
    check_error("\xff\xfe\xfd", "a.yaml:1");
    check_error("web:\n\tport: 1\n", "a.yaml:2");
    check_error("nothing.like.it: 1\n", "config show");
}

/* What a person leaves behind after deleting lines is still a file. */
static void test_empty_yaml(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "\n\n",
                                        "# only words\n",
                                        "---\n",
                                        "web:\nmind:\n  on: true\n",
                                        "web: {}\n"};
    for (size_t i = 0; i < ROWS(texts); i++) {
        struct values v = {0};
        struct conf c;
        struct err e = {0};
        conf_init(&c, table, &v);
        if (conf_read_yaml(&c, "a.yaml", str_from(texts[i]), &e))
            fail_msg("'%s': %s", texts[i], e.msg);
        assert_int_equal(v.port, 80);
        conf_free(&c);
    }
    struct values v = {0};
    struct conf c;
    conf_init(&c, table, &v);
    assert_int_equal(conf_read_yaml(&c, "a", (struct str){0}, NULL), 0);
    conf_free(&c);
}

static void test_wrong_sources(void **state)
{
    (void)state;
    struct values v = {0};
    struct conf c;
    struct err e = {0};
    conf_init(&c, table, &v);
    char *environment[] = {(char *)(uintptr_t) "OTKLIK_WEB_PORT=x", NULL};
    assert_int_equal(conf_read_environment(&c, "OTKLIK_", environment, &e),
                     OTK_EFORMAT);
    assert_non_null(strstr(e.msg, "OTKLIK_WEB_PORT"));
    assert_int_equal(conf_override(&c, "web.prot=1", &e), OTK_EFORMAT);
    assert_non_null(strstr(e.msg, "command line"));
    assert_non_null(strstr(e.msg, "web.port?"));
    assert_int_equal(v.port, 80); /* refused is untouched */
    assert_true(conf_is_assignment("web.port=1"));
    assert_true(conf_is_assignment("web.name="));
    assert_false(conf_is_assignment("port=1"));
    assert_false(conf_is_assignment("web.port"));
    assert_false(conf_is_assignment("=web.port"));
    assert_false(conf_is_assignment("Web Port.x=1"));
    conf_free(&c);
}

static void check_edit(const char *yaml, const char *name, const char *value,
                       const char *want)
{
    struct values v = {0};
    struct conf c;
    struct err e = {0};
    struct buf b = BUF_INIT(10000);
    conf_init(&c, table, &v);
    int r = conf_edit_yaml(&c, "a.yaml", str_from(yaml), str_from(name),
                           str_from(value), &b, &e);
    if (want && (r || strcmp(buf_str(&b).p ? b.ptr : "", want) != 0))
        fail_msg("'%s' became '%s' (%s), wanted '%s'", yaml, b.ptr, e.msg,
                 want);
    if (!want && (!r || e.code != r || !e.msg[0]))
        fail_msg("'%s' was edited: '%s'", yaml, b.ptr);
    buf_free(&b);
    conf_free(&c);
}

static void test_edit(void **state)
{
    (void)state;
    check_edit("# ё\nweb:\n  port: 80 # p\n  name: x\n", "web.port", "81",
               "# ё\nweb:\n  port: 81 # p\n  name: x\n");
    check_edit("\xef\xbb\xbfweb:\r\n  name: ёж\r\n  port: 80\r\n", "web.name",
               "я: #",
               "\xef\xbb\xbfweb:\r\n  name: \"я: #\"\r\n  port: 80\r\n");
    check_edit("web: {port: 80, name: 'it''s'}", "web.name", "a\"b",
               "web: {port: 80, name: \"a\\\"b\"}");
    check_edit("mind:\n  on: no\n", "mind.on", "yes", "mind:\n  on: true\n");
    check_edit("mind:\n  kind: a\n", "mind.kind", "c",
               "mind:\n  kind: \"c\"\n");
    check_edit("mind:\n  share: 1", "mind.share", "0.25",
               "mind:\n  share: 0.25");
    check_edit("web:\n  name: >\n    long\n    text\n  port: 1\n", "web.name",
               "y", "web:\n  name: \"y\"\n  port: 1\n");
    check_edit("web:\n  secret:\n", "web.port", "2",
               "web:\n  secret:\nweb.port: 2\n");
    check_edit("", "web.port", "2", "web.port: 2\n");
    check_edit("# only words", "web.port", "2", "# only words\nweb.port: 2\n");
    check_edit("web.port: 80\n", "web.port", "2", "web.port: 2\n");
    /* what has no plain place is left to a person */
    check_edit("{web: {port: 80}}", "web.name", "x", NULL);
    check_edit("web:\n  port: 80\n...\n", "web.name", "x", NULL);
    check_edit("web: [1]\n", "web.port", "2", NULL);
    check_edit("web:\n  port: 0\n", "web.name", "x", NULL);
    /* and what is wrong is not written */
    check_edit("web:\n  port: 80\n", "web.port", "0", NULL);
    check_edit("web:\n  port: 80\n", "web.prot", "1", NULL);
    check_edit("web:\n  name: x\n", "web.name", "", NULL);
    check_edit("web:\n  name: x\n", "web.name", "aaaaaaaaaaaaaaaa", NULL);
    check_edit("web:\n  secret: x\n", "web.secret", "y", NULL);
}

static void test_copy(void **state)
{
    (void)state;
    struct values x = {0};
    struct values y = {0};
    struct conf a;
    struct conf b;
    size_t name;
    conf_init(&a, table, &x);
    conf_init(&b, table, &y);
    assert_int_equal(conf_find(&a, STR("web.name"), &name, NULL), 0);
    assert_true(conf_same(&a, &b, name));
    assert_null(conf_copy(&a, &b, name));
    const char *texts[] = {"web.name=other", "web.port=7", "mind.share=0.7",
                           "mind.on=true", "mind.kind=c"};
    for (size_t i = 0; i < ROWS(texts); i++)
        assert_int_equal(conf_override(&b, texts[i], NULL), 0);
    for (size_t i = 0; table[i].name; i++) {
        bool same = conf_same(&a, &b, i);
        char *old = conf_copy(&a, &b, i);
        assert_true(!old == (same || i != name));
        assert_true(conf_same(&a, &b, i));
        assert_int_equal(a.sources[i], b.sources[i]);
        free(old);
    }
    assert_string_equal(x.name, "other");
    assert_ptr_not_equal(x.name, y.name);
    assert_int_equal(x.port, 7);
    assert_true(x.on);
    conf_free(&a);
    conf_free(&b);
}

static void test_json_of_settings(void **state)
{
    (void)state;
    struct values v = {0};
    struct conf c;
    struct buf b = BUF_INIT(10000);
    json_t *j = NULL;
    conf_init(&c, table, &v);
    assert_int_equal(conf_override(&c, "web.secret=hunter", NULL), 0);
    conf_print_json(&c, NULL, &b);
    assert_null(strstr(b.ptr, "hunter"));
    assert_int_equal(json_read(buf_str(&b), 10000, &j, NULL), 0);
    const json_t *one = json_object_get(j, "web.secret");
    assert_string_equal(json_string_value(json_object_get(one, "source")),
                        "command line");
    one = json_object_get(j, "mind.kind");
    assert_string_equal(json_string_value(json_object_get(one, "value")), "b");
    assert_string_equal(json_string_value(json_object_get(one, "source")),
                        "default");
    json_decref(j);
    buf_free(&b);
    conf_free(&c);
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
    const char *w4[] = {"help", "kb", "import"};
    assert_int_equal(parse(&a, &e, 3, w4), 0);
    assert_true(a.help);
    assert_string_equal(a.command->name, "kb import");
    args_free(&a);
    assert_int_equal(parse(&a, &e, 1, w4), 0);
    assert_true(a.help);
    assert_null(a.command);
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
    check_words("no command 'kb'; there are: kb import", 1,
                (const char *[]){"kb"});
    check_words("see `otk --help`", 1, (const char *[]){"zzzzzz"});
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

/* Every command and option stands in every text made from the tables. */
static void test_texts_are_whole(void **state)
{
    (void)state;
    static const char *const shells[] = {"bash", "zsh"};
    for (size_t i = 0; i < ROWS(shells); i++) {
        struct buf b = BUF_INIT(100000);
        assert_true(args_completion(&program, shells[i], &b));
        for (const struct arg_command *c = commands; c->name; c++)
            assert_non_null(strstr(b.ptr, c->name));
        for (const struct arg_option *o = options; o->name; o++)
            assert_non_null(strstr(b.ptr, o->name));
        assert_non_null(strstr(b.ptr, "--json"));
        buf_free(&b);
    }
    struct buf help = BUF_INIT(100000);
    struct buf man = BUF_INIT(100000);
    args_help(&program, &help);
    args_man(&program, NULL, &man);
    for (const struct arg_command *c = commands; c->name; c++) {
        assert_non_null(strstr(help.ptr, c->name));
        assert_non_null(strstr(help.ptr, c->summary));
        assert_non_null(strstr(man.ptr, c->name));
    }
    assert_non_null(strstr(help.ptr, "Footer."));
    assert_non_null(strstr(man.ptr, "Footer."));
    buf_free(&help);
    buf_free(&man);
}

/* Words with an apostrophe, brackets or a colon do not break a script. */
static void test_zsh_quotes(void **state)
{
    (void)state;
    static const struct arg_option odd[] = {
        {0, "desk", "DIR", "the desk's [own] folder: a path"}, {0}};
    static const struct arg_command one[] = {{.name = "do",
                                              .words = "",
                                              .summary = "Don't ask",
                                              .about = "",
                                              .options = odd,
                                              .run = nothing},
                                             {0}};
    static const struct args_program p = {"otk", "a program", NULL, one, ""};
    struct buf b = BUF_INIT(10000);
    assert_true(args_completion(&p, "zsh", &b));
    assert_non_null(strstr(b.ptr, "'do:Don'\\''t ask'"));
    assert_non_null(
        strstr(b.ptr, "'--desk[the desk'\\''s \\[own\\] folder: a path]:"));
    buf_free(&b);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct arg_option own[] = {{'n', "rows", "N", "rows"}, {0}};
    static const struct arg_command one[] = {
        {.name = "do", .words = "", .summary = "", .about = "", .options = own},
        {0}};
    static const struct args_program p = {"otk", "a program", NULL, one, ""};
    struct args a;
    struct err e = {0};
    int64_t n = 0;
    const char *w1[] = {"do", "-n", "12"};
    assert_int_equal(args_read(&p, 3, (char **)(uintptr_t)w1, &a, &e), 0);
    assert_int_equal(args_whole(&a, "rows", 5, 1, 20, &n, &e), 0);
    assert_int_equal(n, 12);
    assert_int_equal(args_whole(&a, "rows", 5, 1, 11, &n, &e), OTK_EFORMAT);
    assert_non_null(strstr(e.msg, "--rows: '12'"));
    args_free(&a);
    const char *w2[] = {"do"};
    assert_int_equal(args_read(&p, 1, (char **)(uintptr_t)w2, &a, &e), 0);
    assert_int_equal(args_whole(&a, "rows", 5, 1, 20, &n, &e), 0);
    assert_int_equal(n, 5);
    args_free(&a);
    const char *w3[] = {"do", "--rows=1x"};
    assert_int_equal(args_read(&p, 2, (char **)(uintptr_t)w3, &a, &e), 0);
    assert_int_equal(args_whole(&a, "rows", 5, 1, 20, &n, &e), OTK_EFORMAT);
    args_free(&a);
    assert_int_equal(args_read(&p, 0, NULL, &a, &e), 0);
    assert_true(a.help);
    args_free(&a);
}

/* A word that looks like a setting is one only where settings are taken. */
static void test_settings_words(void **state)
{
    (void)state;
    struct args a;
    struct err e = {0};
    const char *w1[] = {"kb", "import", "web.port=9"};
    assert_int_equal(parse(&a, &e, 3, w1), 0);
    assert_int_equal(a.n_settings, 0);
    assert_string_equal(a.words[0], "web.port=9");
    args_free(&a);
    const char *w2[] = {"serve", "web.port=9", "web.name=a=b"};
    assert_int_equal(parse(&a, &e, 3, w2), 0);
    assert_int_equal(a.n_settings, 2);
    assert_string_equal(a.settings[1], "web.name=a=b");
    assert_int_equal(a.n_words, 0);
    args_free(&a);
    const char *w3[] = {"serve", "stray"};
    assert_int_equal(parse(&a, &e, 2, w3), OTK_EFORMAT);
    args_free(&a);
    const char *w4[] = {"kb", "import", "--help"};
    assert_int_equal(parse(&a, &e, 3, w4), 0); /* no missing argument then */
    assert_true(a.help);
    args_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_wrong_words),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_empty_yaml),
        cmocka_unit_test(test_wrong_sources),
        cmocka_unit_test(test_edit),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_json_of_settings),
        cmocka_unit_test(test_texts_are_whole),
        cmocka_unit_test(test_zsh_quotes),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_settings_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

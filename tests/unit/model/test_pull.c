/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pull.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "unit/net/server.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define OTHER  "fedcba9876543210fedcba9876543210fedcba98"
#define BASICS                                                                 \
    "{\"rfilename\":\"config.json\",\"size\":2},"                              \
    "{\"rfilename\":\"vocab.txt\",\"size\":3}"
#define WEIGHTS "{\"rfilename\":\"model.safetensors\",\"size\":10}"

static struct arena *arena;

/* A hub with one model, as small as one can be. */
static struct hub {
    const char *commit;
    bool refuse_weights;
} hub;

static char top[] = "/tmp/otklik-hub-XXXXXX";
static char folder[64];

static void answer(struct server *s, int fd, const char *request)
{
    char json[1024];
    (void)s;
    if (strstr(request, "/api/models/a/b/revision/")) {
        (void)snprintf(json, sizeof(json),
                       "{\"sha\":\"%s\",\"siblings\":[" BASICS "," WEIGHTS "]}",
                       hub.commit);
        server_reply(fd, "200 OK", "", json, strlen(json));
    } else if (strstr(request, "/config.json ")) {
        server_reply(fd, "200 OK", "ETag: \"c\"\r\n", "{}", 2);
    } else if (strstr(request, "/vocab.txt ")) {
        server_reply(fd, "200 OK", "ETag: \"v\"\r\n", "a\nb", 3);
    } else if (hub.refuse_weights || !strstr(request, hub.commit)) {
        server_reply(fd, "404 Not Found", "", "", 0);
    } else {
        server_reply(fd, "200 OK", "ETag: \"w\"\r\n", "0123456789", 10);
    }
}

static int pull_it(struct server *s, struct pull_report *ret, struct err *e)
{
    char url[64];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d", s->port);
    struct pull p = {
        .name = {"a/b", "main", "a-b"},
        .hub = arena_copy(arena, str_from(url)),
        .folder = folder,
        .bytes_max = 15,
    };
    *e = (struct err){0};
    server_settle();
    int r = pull_model(arena, &p, ret, e);
    server_settle();
    return r;
}

static bool there(const char *name)
{
    return file_exists(arena_printf(arena, "%s%s", folder, name));
}

static void test_pull(void **state)
{
    (void)state;
    struct pull_report x;
    struct err e;
    struct server *s = server_start(answer, NULL);
    hub = (struct hub){COMMIT, true};
    assert_int_equal(pull_it(s, &x, &e), OTK_ENOENT);
    assert_true(there(".pull/config.json"));
    assert_false(there(""));
    /* what there is stays, but not when the model has changed */
    assert_int_equal(
        file_write(arena_printf(arena, "%s.pull/vocab.json", folder),
                   STR("old"), 0600, &e),
        0);
    hub = (struct hub){OTHER, false};
    int before = server_count(s);
    if (pull_it(s, &x, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(server_count(s) - before, 4);
    assert_int_equal(x.n, 3);
    assert_int_equal(x.bytes, 15);
    assert_int_equal(x.fetched, 15);
    assert_false(x.already || x.files[0].checked);
    assert_string_equal(x.commit, OTHER);
    assert_true(there("/pulled.json") && there("/model.safetensors"));
    assert_false(there("/vocab.json") || there(".pull"));
    /* again: nobody is asked */
    before = server_count(s);
    assert_int_equal(pull_it(s, &x, &e), 0);
    assert_true(x.already);
    assert_int_equal(x.n, 3);
    assert_int_equal(server_count(s), before);
    server_stop(s);
    /* damaged */
    assert_int_equal(file_write(arena_printf(arena, "%s/vocab.txt", folder),
                                STR("a\nc"), 0600, &e),
                     0);
    assert_int_equal(pull_verify(arena, folder, &x, &e), OTK_EFORMAT);
    assert_non_null(strstr(e.msg, "vocab.txt"));
}

static void test_folder_in_the_way(void **state)
{
    (void)state;
    struct pull_report x;
    struct err e;
    struct server *s = server_start(answer, NULL);
    hub = (struct hub){COMMIT, false};
    /* an empty one is no obstacle; one with something in it is */
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(
        file_write(arena_printf(arena, "%s/mine", folder), STR("x"), 0600, &e),
        0);
    assert_int_equal(pull_it(s, &x, &e), OTK_ECONFLICT);
    assert_int_equal(server_count(s), 0);
    assert_true(there("/mine"));
    assert_int_equal(unlink(arena_printf(arena, "%s/mine", folder)), 0);
    const char *begun = arena_printf(arena, "%s.pull", folder);
    assert_int_equal(mkdir(begun, 0700), 0);
    const char *mine = arena_printf(arena, "%s/mine", begun);
    assert_int_equal(file_write(mine, STR("x"), 0600, &e), 0);
    assert_int_equal(pull_it(s, &x, &e), OTK_ECONFLICT);
    assert_true(file_exists(mine));
    assert_int_equal(unlink(mine), 0);
    assert_int_equal(pull_it(s, &x, &e), 0);
    server_stop(s);
}

static void clear(const char *name)
{
    static const char *const files[] = {"config.json", "vocab.txt",
                                        "model.safetensors", "pulled.json"};
    char path[256];
    for (size_t i = 0; i < ROWS(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", name, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(name);
}

static int set_up(void **state)
{
    (void)state;
    (void)setenv("no_proxy", "127.0.0.1", 1);
    (void)snprintf(top, sizeof(top), "/tmp/otklik-hub-XXXXXX");
    if (!mkdtemp(top))
        return 1;
    (void)snprintf(folder, sizeof(folder), "%s/a-b", top);
    arena = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clear(folder);
    arena_free(arena);
    return rmdir(top);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_pull),
        TEST(test_folder_in_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/hub.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "model/pull.h"
#include "net/download.h"
#include "unit/net/server.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define OTHER  "fedcba9876543210fedcba9876543210fedcba98"
#define BASICS                                                                 \
    "{\"rfilename\":\"config.json\",\"size\":2},"                              \
    "{\"rfilename\":\"vocab.txt\",\"size\":3}"
#define WEIGHTS "{\"rfilename\":\"model.safetensors\",\"size\":10}"
#define LISTING(files)                                                         \
    "{\"sha\":\"" COMMIT "\",\"private\":false,\"siblings\":[" files "]}"

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* ---- names -----------------------------------------------------------------
 */

static const struct {
    const char *text, *revision, *name, *want, *folder;
} names[] = {
    {"minilm", NULL, "sentence-transformers/all-MiniLM-L6-v2", "main",
     "sentence-transformers-all-MiniLM-L6-v2"},
    {"rubert-tiny2@v1", NULL, "cointegrated/rubert-tiny2", "v1",
     "cointegrated-rubert-tiny2"},
    {"a/b", NULL, "a/b", "main", "a-b"},
    {"a/b", "refs/pr/1", "a/b", "refs/pr/1", "a-b"},
    {"a/b@x", "x", "a/b", "x", "a-b"},
    {"A_1/b.c-d", NULL, "A_1/b.c-d", "main", "A_1-b.c-d"},
};

static const struct {
    const char *text, *revision;
    int code;
    const char *holds;
} bad_names[] = {
    {"minilmm", NULL, OTK_ENOENT, "did you mean minilm"},
    {"unknown-model", NULL, OTK_ENOENT, "OWNER/MODEL"},
    {"", NULL, OTK_ENOENT, "OWNER/MODEL"},
    {"a/b/c", NULL, OTK_EINVAL, "OWNER/MODEL"},
    {"../b", NULL, OTK_EINVAL, "OWNER/MODEL"},
    {"a/..", NULL, OTK_EINVAL, "OWNER/MODEL"},
    {"/b", NULL, OTK_EINVAL, "OWNER/MODEL"},
    {"a/", NULL, OTK_EINVAL, "OWNER/MODEL"},
    {"a/b?x=1", NULL, OTK_EINVAL, "OWNER/MODEL"},
    {"a/b c", NULL, OTK_EINVAL, "OWNER/MODEL"},
    {"a/b@", NULL, OTK_EINVAL, "revision"},
    {"a/b@../x", NULL, OTK_EINVAL, "revision"},
    {"a/b@x#y", NULL, OTK_EINVAL, "revision"},
    {"a/b@x", "y", OTK_EINVAL, "leave one out"},
};

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(names); i++) {
        struct hub_name n;
        struct err e = {0};
        if (hub_name_read(arena, str_from(names[i].text), names[i].revision, &n,
                          &e))
            fail_msg("%s: %s", names[i].text, e.msg);
        assert_string_equal(n.name, names[i].name);
        assert_string_equal(n.revision, names[i].want);
        assert_string_equal(n.folder, names[i].folder);
    }
    for (size_t i = 0; i < ROWS(bad_names); i++) {
        struct hub_name n;
        struct err e = {0};
        int r = hub_name_read(arena, str_from(bad_names[i].text),
                              bad_names[i].revision, &n, &e);
        if (r != bad_names[i].code || !strstr(e.msg, bad_names[i].holds))
            fail_msg("%s: %d %s", bad_names[i].text, r, e.msg);
    }
}

static void test_short_names(void **state)
{
    (void)state;
    for (const struct hub_short *s = hub_short; s->name; s++) {
        struct hub_name n;
        struct err e = {0};
        assert_int_equal(hub_name_read(arena, str_from(s->name), NULL, &n, &e),
                         0);
        assert_string_equal(n.name, s->means);
        assert_true(s->about[0]);
    }
}

static void test_urls(void **state)
{
    (void)state;
    struct hub_name n = {"a/b", "refs/pr/1", "a-b"};
    assert_string_equal(
        hub_listing_url(arena, "https://hub.example//", &n),
        "https://hub.example/api/models/a/b/revision/refs%2Fpr%2F1?blobs=true");
    assert_string_equal(
        hub_file_url(arena, "http://m:8/hub", &n, COMMIT, "1_Pooling/c.json"),
        "http://m:8/hub/a/b/resolve/" COMMIT "/1_Pooling/c.json");
}

/* ---- listings --------------------------------------------------------------
 */

static void test_listing(void **state)
{
    (void)state;
    struct hub_listing l;
    struct err e = {0};
    static const char json[] = LISTING(
        BASICS ",{\"rfilename\":\"pytorch_model.bin\",\"size\":900},"
               "{\"rfilename\":\"onnx/model.onnx\",\"size\":900},"
               "{\"rfilename\":\"1_Pooling/config.json\",\"size\":4},"
               "{\"rfilename\":\"2_Dense/model.safetensors\",\"size\":900},"
               "{\"rfilename\":\"model-00001-of-00001.safetensors\",\"size\":9}"
               ",{\"rfilename\":\"model.safetensors.index.json\",\"size\":9},"
               "{\"rfilename\":\"model.safetensors\",\"size\":130,\"blobId\":"
               "\"b\",\"lfs\":{\"sha256\":\"53aa51172d142c89d9012cce15ae4d6cc0"
               "ca6895895114379cacb4fab128d9db\",\"size\":1000,\"pointerSize\":"
               "134}}");
    if (hub_listing_read(arena, str_from(json), &l, &e))
        fail_msg("%s: %s", e.field, e.msg);
    assert_string_equal(l.commit, COMMIT);
    assert_int_equal(l.n, 4);
    assert_int_equal(l.bytes, 2 + 3 + 4 + 1000);
    assert_string_equal(l.files[0].path, "1_Pooling/config.json");
    assert_string_equal(l.files[0].sha256, "");
    assert_string_equal(l.files[2].path, "model.safetensors");
    assert_int_equal(l.files[2].bytes, 1000);
    assert_int_equal(strlen(l.files[2].sha256), 64);
}

static void test_shards(void **state)
{
    (void)state;
    struct hub_listing l;
    struct err e = {0};
    static const char json[] = LISTING(
        BASICS ",{\"rfilename\":\"model.safetensors.index.json\",\"size\":9},"
               "{\"rfilename\":\"model-00002-of-00002.safetensors\","
               "\"size\":9},"
               "{\"rfilename\":\"model-00001-of-00002.safetensors\","
               "\"size\":9}");
    if (hub_listing_read(arena, str_from(json), &l, &e))
        fail_msg("%s: %s", e.field, e.msg);
    assert_int_equal(l.n, 5);
    assert_string_equal(l.files[1].path, "model-00001-of-00002.safetensors");
}

static const struct {
    const char *json;
    int code;
    const char *holds;
} bad_listings[] = {
    {"", OTK_EFORMAT, "JSON"},
    {"<html>", OTK_EFORMAT, "JSON"},
    {"[]", OTK_EFORMAT, "missing"},
    {"{\"siblings\":[]}", OTK_EFORMAT, "missing"},
    {"{\"sha\":\"../../x\",\"siblings\":[]}", OTK_EFORMAT, "commit"},
    {"{\"sha\":\"" COMMIT "\"}", OTK_EFORMAT, "list"},
    {"{\"sha\":\"" COMMIT "\",\"siblings\":{}}", OTK_EFORMAT, "list"},
    {LISTING(""), OTK_ENOENT, "config.json"},
    {LISTING(BASICS), OTK_ENOENT, "safetensors"},
    {LISTING(BASICS ",{\"rfilename\":\"pytorch_model.bin\",\"size\":1}"),
     OTK_ENOENT, "pickles"},
    {LISTING(WEIGHTS ",{\"rfilename\":\"config.json\",\"size\":1}"), OTK_ENOENT,
     "tokenizer"},
    {LISTING(BASICS "," WEIGHTS "," WEIGHTS), OTK_EFORMAT, "twice"},
    {LISTING(BASICS "," WEIGHTS ",{\"rfilename\":\"../evil\",\"size\":1}"),
     OTK_EFORMAT, "outside"},
    {LISTING(BASICS "," WEIGHTS ",{\"rfilename\":\"a/../../e\",\"size\":1}"),
     OTK_EFORMAT, "outside"},
    {LISTING(BASICS "," WEIGHTS ",{\"rfilename\":\"/etc/passwd\",\"size\":1}"),
     OTK_EFORMAT, "outside"},
    {LISTING(BASICS "," WEIGHTS ",{\"rfilename\":\"a\\\\b\",\"size\":1}"),
     OTK_EFORMAT, "outside"},
    {LISTING(BASICS "," WEIGHTS ",{\"rfilename\":\"a//b\",\"size\":1}"),
     OTK_EFORMAT, "outside"},
    {LISTING(BASICS "," WEIGHTS ",{\"size\":1}"), OTK_EFORMAT, "missing"},
    {LISTING(BASICS "," WEIGHTS ",7"), OTK_EFORMAT, "missing"},
    {LISTING(BASICS ",{\"rfilename\":\"model.safetensors\"}"), OTK_EFORMAT,
     "missing"},
    {LISTING(BASICS ",{\"rfilename\":\"model.safetensors\",\"size\":-1}"),
     OTK_EFORMAT, "between"},
    {LISTING(BASICS ",{\"rfilename\":\"model.safetensors\",\"size\":1,\"lfs\":"
                    "{\"sha256\":\"zz\"}}"),
     OTK_EFORMAT, "hex"},
    {LISTING(BASICS
             ",{\"rfilename\":\"model.safetensors.index.json\",\"size\":9},"
             "{\"rfilename\":\"model-00001-of-00002.safetensors\","
             "\"size\":9}"),
     OTK_EFORMAT, "1 of 2"},
};

static void test_bad_listings(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(bad_listings); i++) {
        struct hub_listing l;
        struct err e = {0};
        int r = hub_listing_read(arena, str_from(bad_listings[i].json), &l, &e);
        if (r != bad_listings[i].code || !strstr(e.msg, bad_listings[i].holds))
            fail_msg("%s: %d %s", bad_listings[i].json, r, e.msg);
    }
}

static void test_many_shards(void **state)
{
    (void)state;
    struct hub_listing l;
    struct err e = {0};
    struct buf b = BUF_INIT(1 << 20);
    buf_puts(&b, "{\"sha\":\"" COMMIT "\",\"siblings\":[" BASICS);
    for (int i = 1; i <= HUB_FILES_MAX; i++)
        buf_printf(&b,
                   ",{\"rfilename\":\"model-%05d-of-%05d.safetensors\","
                   "\"size\":1}",
                   i, HUB_FILES_MAX);
    buf_puts(&b, "]}");
    assert_int_equal(hub_listing_read(arena, buf_str(&b), &l, &e), OTK_ELIMIT);
    buf_free(&b);
}

/* ---- pulling ---------------------------------------------------------------
 */

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
    return pull_model(arena, &p, ret, e);
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

static int set_up_folder(void **state)
{
    (void)setenv("no_proxy", "127.0.0.1", 1);
    (void)snprintf(top, sizeof(top), "/tmp/otklik-hub-XXXXXX");
    if (!mkdtemp(top))
        return 1;
    (void)snprintf(folder, sizeof(folder), "%s/a-b", top);
    return set_up(state);
}

static int tear_down_folder(void **state)
{
    clear(folder);
    (void)tear_down(state);
    return rmdir(top);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
#define PULL(fn)                                                               \
    cmocka_unit_test_setup_teardown(fn, set_up_folder, tear_down_folder)
    const struct CMUnitTest tests[] = {
        TEST(test_names),
        TEST(test_short_names),
        TEST(test_urls),
        TEST(test_listing),
        TEST(test_shards),
        TEST(test_bad_listings),
        TEST(test_many_shards),
        PULL(test_pull),
        PULL(test_folder_in_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

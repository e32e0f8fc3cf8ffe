/* SPDX-License-Identifier: Apache-2.0 */
#include "model/hub.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "test.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
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
    {"..a/b", NULL, OTK_EINVAL, "OWNER/MODEL"},
    {"-a/b", NULL, OTK_EINVAL, "OWNER/MODEL"},
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

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_names),       TEST(test_short_names), TEST(test_urls),
        TEST(test_listing),     TEST(test_shards),      TEST(test_bad_listings),
        TEST(test_many_shards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

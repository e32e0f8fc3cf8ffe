/* SPDX-License-Identifier: Apache-2.0 */
/* The description and the routes name each other, both ways. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "base/embed.h"
#include "test.h"

extern const struct embed api_description[];

static json_t *paths(json_t **ret_doc)
{
    struct str text = embed_bytes(embed_find(api_description, "openapi.json"));
    *ret_doc = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(*ret_doc);
    assert_string_equal(json_string_value(json_object_get(*ret_doc, "openapi")),
                        "3.1.0");
    return json_object_get(*ret_doc, "paths");
}

/* Pages are no part of the API. */
static bool is_page(const struct http_route *r)
{
    static const char *const pages[] = {"/", "/desk", "/docs", "/{file}"};
    for (size_t i = 0; i < ROWS(pages); i++) {
        if (strcmp(r->pattern, pages[i]) == 0)
            return true;
    }
    return false;
}

static void lower(const char *method, char ret[16])
{
    size_t i = 0;
    for (; method[i] && i < 15; i++)
        ret[i] = (char)tolower((unsigned char)method[i]);
    ret[i] = '\0';
}

static void test_routes_are_described(void **state)
{
    (void)state;
    json_t *doc;
    json_t *all = paths(&doc);
    for (const struct http_route *r = api_routes; r->method; r++) {
        char method[16];
        if (is_page(r))
            continue;
        lower(r->method, method);
        json_t *operation =
            json_object_get(json_object_get(all, r->pattern), method);
        if (!operation)
            fail_msg("%s %s is not described", r->method, r->pattern);
        assert_non_null(json_object_get(operation, "summary"));
        assert_non_null(json_object_get(operation, "responses"));
    }
    json_decref(doc);
}

static void test_descriptions_have_routes(void **state)
{
    (void)state;
    json_t *doc;
    json_t *all = paths(&doc);
    const char *path;
    const char *method;
    json_t *item;
    json_t *operation;
    json_object_foreach(all, path, item)
    {
        json_object_foreach(item, method, operation)
        {
            bool found = false;
            for (const struct http_route *r = api_routes; r->method; r++) {
                char own[16];
                lower(r->method, own);
                found |=
                    strcmp(r->pattern, path) == 0 && strcmp(own, method) == 0;
            }
            if (!found)
                fail_msg("%s %s has no route", method, path);
        }
    }
    json_decref(doc);
}

/* The object itself, or what its $ref names. */
static const json_t *resolve(const json_t *doc, const json_t *v)
{
    const json_t *ref = json_object_get(v, "$ref");
    if (!ref)
        return v;
    struct str rest = str_from(json_string_value(ref) + 2);
    struct str part;
    v = doc;
    while (str_next(&rest, '/', &part)) {
        char name[64];
        (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(part));
        v = json_object_get(v, name);
    }
    return v;
}

static bool holds(const char *words, const char *word)
{
    struct str rest = str_from(words);
    struct str one;
    while (str_next(&rest, ' ', &one)) {
        if (str_is(one, word))
            return true;
    }
    return false;
}

/* The parameters of a route's query are described, and no others. */
static void test_queries(void **state)
{
    (void)state;
    json_t *doc;
    json_t *all = paths(&doc);
    for (const struct http_route *r = api_routes; r->method; r++) {
        char method[16];
        char described[1000] = "";
        size_t i;
        json_t *one;
        lower(r->method, method);
        json_array_foreach(
            json_object_get(
                json_object_get(json_object_get(all, r->pattern), method),
                "parameters"),
            i, one)
        {
            const json_t *x = resolve(doc, one);
            const char *name = json_string_value(json_object_get(x, "name"));
            if (strcmp(json_string_value(json_object_get(x, "in")), "query") !=
                    0 ||
                strcmp(name, "language") == 0)
                continue;
            if (!holds(r->query, name))
                fail_msg("%s %s does not know '%s'", method, r->pattern, name);
            size_t n = strlen(described);
            (void)snprintf(described + n, sizeof(described) - n, "%s ", name);
        }
        struct str rest = str_from(r->query);
        struct str name;
        while (str_next(&rest, ' ', &name)) {
            char text[64];
            (void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(name));
            if (!holds(described, text))
                fail_msg("%s %s does not describe '%s'", method, r->pattern,
                         text);
        }
    }
    json_decref(doc);
}

/* Every {"$ref": "#/…"} leads somewhere. */
static void check_refs(const json_t *doc, const json_t *v)
{
    const char *key;
    const json_t *item;
    size_t i;
    if (json_is_array(v)) {
        json_array_foreach(v, i, item) check_refs(doc, item);
        return;
    }
    for (void *it = json_object_iter((json_t *)(uintptr_t)v); it;
         it = json_object_iter_next((json_t *)(uintptr_t)v, it)) {
        key = json_object_iter_key(it);
        item = json_object_iter_value(it);
        if (strcmp(key, "$ref") != 0) {
            check_refs(doc, item);
            continue;
        }
        if (!resolve(doc, v))
            fail_msg("%s leads nowhere", json_string_value(item));
    }
}

static void test_references(void **state)
{
    (void)state;
    json_t *doc;
    (void)paths(&doc);
    check_refs(doc, doc);
    json_decref(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes_are_described),
        cmocka_unit_test(test_descriptions_have_routes),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

static const struct api_about ask = {.scope = SCOPE_REQUESTS,
                                     .anonymous = true};
static const struct api_about tickets = {.scope = SCOPE_TICKETS};
static const struct api_about knowledge = {.scope = SCOPE_KNOWLEDGE};
static const struct api_about model = {.scope = SCOPE_TRIAGE};
static const struct api_about door = {.anonymous = true};

#define GET(path, fn, who)                                                     \
    {                                                                          \
        .method = "GET", .pattern = path, .run = fn, .about = who              \
    }
#define POST(path, fn, who)                                                    \
    {                                                                          \
        .method = "POST", .pattern = path, .run = fn, .about = who             \
    }

/* clang-format off */
const struct http_route api_routes[] = {
    {.method = "POST", .pattern = "/predict", .run = predict_post, .flags = HTTP_INLINE},
    POST("/api/v1/requests", request_post, &ask),
    GET("/api/v1/requests/{id}", request_get, &ask),
    POST("/api/v1/requests/{id}/feedback", request_feedback, &ask),

    GET("/api/v1/tickets", ticket_list_get, &tickets),
    GET("/api/v1/tickets/{id}", ticket_one_get, &tickets),
    {.method = "PATCH", .pattern = "/api/v1/tickets/{id}", .run = ticket_patch, .about = &tickets},
    POST("/api/v1/tickets/{id}/messages", ticket_message_post, &tickets),
    GET("/api/v1/tickets/{id}/route", ticket_route_get, &tickets),

    POST("/api/v1/session", session_post, &door),
    GET("/api/v1/session", session_get, &tickets),
    {.method = "DELETE", .pattern = "/api/v1/session", .run = session_delete, .about = &tickets},
    GET("/api/v1/staff", staff_get, &tickets),
    GET("/api/v1/topics", topics_get, &door),
    GET("/api/v1/events", events_get, &tickets),

    GET("/api/v1/knowledge/search", knowledge_search_get, &knowledge),
    GET("/api/v1/knowledge/unanswered", unanswered_get, &knowledge),
    POST("/api/v1/triage", triage_post, &model),
    GET("/api/v1/openapi.json", openapi_get, NULL),

    GET("/health", health_get, NULL),
    GET("/ready", ready_get, NULL),
    POST("/v1/bert_prediction", bert_post, NULL),
    POST("/v1/bert_prediction_async", bert_async_post, NULL),
    GET("/result/{id}", result_get, NULL),
    GET("/status", status_get, NULL),

    GET("/healthz", healthz_get, NULL),
    GET("/readyz", readyz_get, NULL),
    GET("/metrics", metrics_get, NULL),
    GET("/", page_index, NULL),
    GET("/desk", page_desk, NULL),
    GET("/docs", page_docs, NULL),
    GET("/{file}", page_file, NULL),
    {0},
};
/* clang-format on */

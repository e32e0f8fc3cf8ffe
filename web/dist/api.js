export class Problem extends Error {
    constructor(status, detail, field) {
        super(detail);
        this.status = status;
        this.detail = detail;
        this.field = field;
    }
}
let csrf = "";
export function setCsrf(token) {
    csrf = token;
}
export async function call(method, path, body, headers = {}) {
    if (body !== undefined)
        headers["Content-Type"] = "application/json";
    if (csrf && method !== "GET")
        headers["X-CSRF-Token"] = csrf;
    const reply = await fetch("/api/v1" + path, {
        method,
        headers,
        credentials: "same-origin",
        body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (reply.status === 204)
        return undefined;
    const value = await reply.json().catch(() => ({}));
    if (!reply.ok)
        throw new Problem(reply.status, value.detail ?? value.title ?? reply.statusText, value.field);
    return value;
}
export function idempotencyKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

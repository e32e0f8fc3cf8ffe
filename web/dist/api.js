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
async function send(method, path, body, headers) {
    if (csrf && method !== "GET")
        headers["X-CSRF-Token"] = csrf;
    const reply = await fetch("/api/v1" + path, { method, headers, credentials: "same-origin", body });
    if (reply.status === 204)
        return undefined;
    const value = await reply.json().catch(() => ({}));
    if (!reply.ok)
        throw new Problem(reply.status, value.detail ?? value.title ?? reply.statusText, value.field);
    return value;
}
export async function call(method, path, body, headers = {}) {
    if (body !== undefined)
        headers["Content-Type"] = "application/json";
    return send(method, path, body === undefined ? undefined : JSON.stringify(body), headers);
}
export async function upload(path, file) {
    return send("POST", `${path}?name=${encodeURIComponent(file.name)}`, file, { "Content-Type": file.type || "application/octet-stream" });
}
export function idempotencyKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

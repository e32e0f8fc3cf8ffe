// The viewer of the API description.
export {};

interface Viewer { (options: Record<string, unknown>): unknown }
declare global {
  interface Window { SwaggerUIBundle?: Viewer }
}

const url = "/api/v1/openapi.json";
const place = document.getElementById("docs")!;

if (window.SwaggerUIBundle) {
  window.SwaggerUIBundle({ url, dom_id: "#docs", deepLinking: true, validatorUrl: null });
} else {
  const link = document.createElement("a");
  link.href = url;
  link.textContent = "OpenAPI 3.1: " + url;
  place.append(link);
}

// The viewer of the API description.
interface Viewer { (options: Record<string, unknown>): unknown }
declare const SwaggerUIBundle: Viewer;

SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  validatorUrl: null,
});

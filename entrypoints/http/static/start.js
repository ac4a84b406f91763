// The document is always our own: a ?url= in the address must not show somebody else's.
window.ui = SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: "/openapi.json",
  queryConfigEnabled: false,
  validatorUrl: null,
  deepLinking: true,
});

// The few lines that HTML and htmx cannot say: rest in hidden tabs, and admit when the server is not reached.
(() => {
  "use strict";
  const unreachable = () => document.getElementById("unreachable");
  const polls = (event) => event.detail.elt && event.detail.elt.id === "panel";

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (polls(event) && document.hidden) event.preventDefault();
  });
  for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(failure, () => { unreachable().hidden = false; });
  }
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.status < 400) unreachable().hidden = true;
  });
})();

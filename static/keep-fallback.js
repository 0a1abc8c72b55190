// Lets this browser keep the fallback plan, so that it opens when no server answers.
(() => {
  "use strict";
  const { worker, scope } = document.currentScript.dataset;
  // Over plain http there are no service workers, and a frame of another site may be refused: then it stays as it is.
  if ("serviceWorker" in navigator) navigator.serviceWorker.register(worker, { scope }).catch(() => {});
})();

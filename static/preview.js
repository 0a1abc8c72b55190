// The few lines that HTML and htmx cannot say: rest in hidden tabs, and admit when the server is not reached.
(() => {
  "use strict";
  const unreachable = () => document.getElementById("unreachable");
  const polls = (event) => event.detail.elt && ["panel", "banner"].includes(event.detail.elt.id);

  // A hidden tab asks seldom, and only while something is on its way: its title then tells when that is done.
  let asked = 0;
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!polls(event)) return;
    const awaits = document.getElementById("panel")?.ariaBusy === "true" && Date.now() - asked > 10_000;
    if (document.hidden && !awaits) event.preventDefault();
    else asked = Date.now();
  });
  for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(failure, () => { unreachable().hidden = false; });
  }
  // What a reader has unfolded stays unfolded when the panel is refreshed.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.tagName === "DETAILS");
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (node) => !node.dataset || !("kept" in node.dataset); // what is typed

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const text = document.getElementById(button.dataset.copy);
    getSelection().selectAllChildren(text);
    try {
      await navigator.clipboard.writeText(text.textContent);
    } catch { // not over plain http, and not in every frame
      if (!document.execCommand("copy")) return;
    }
    button.textContent = button.dataset.copied;
  });

  // One tab for the viewer: rel="noopener" makes a browser forget the tab's name and open another at every click.
  // So the viewer (one host, named in the settings) keeps its opener; without this script the link has none.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[target=ohif]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const tab = window.open(link.href, "ohif");
    if (!tab) return; // refused: the link itself does it
    event.preventDefault();
    tab.focus();
  });
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.status < 400) unreachable().hidden = true;
  });
})();

// The few lines that HTML and htmx cannot say: rest in hidden tabs, and admit when the server is not reached.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const polls = (event) => event.detail.elt && ["panel", "banner"].includes(event.detail.elt.id);

  // A hidden tab asks seldom, and only while something is on its way: its title then tells when that is done.
  let asked = 0;
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!polls(event)) return;
    const awaits = (wasBusy ?? byId("panel")?.ariaBusy) === "true" && Date.now() - asked > 10_000;
    if (document.hidden && !awaits) event.preventDefault();
    else asked = Date.now();
  });

  // Without the server nothing on the page may look as if it went on. What says so lies over the page's own head line, so
  // that nothing moves; where it would cover more than that, or what has the focus, the page makes room.
  let heard = new Date(), wasBusy = null;
  const root = document.documentElement;
  function when(moment, timeZone) { // with its date unless it is of today, as everywhere on the page
    const two = "2-digit", day = { day: two, year: "numeric", month: "numeric", timeZone };
    const format = new Intl.DateTimeFormat(root.lang, { ...day, hour: two, minute: two, hourCycle: "h23" });
    const month = new Intl.DateTimeFormat(root.lang, { month: "short", timeZone }); // by itself it is written without a point
    const [then, now] = [moment, new Date()].map((one) => {
      const part = Object.fromEntries(format.formatToParts(one).map(({ type, value }) => [type, value]));
      return { day: `${part.day}-${month.format(one)}-${part.year}`, time: `${part.hour}:${part.minute}` };
    });
    return then.day === now.day ? then.time : `${then.day} ${then.time}`;
  }
  function put(id, text) { // what is the same need not be read out again
    if (byId(id).textContent !== text) byId(id).textContent = text;
  }
  function cutOff(event) {
    const bar = byId("unreachable");
    put("cut-off-why", event.type === "htmx:responseError" ? bar.dataset.refused : bar.dataset.silent);
    put("heard", when(heard, bar.dataset.zone)); // anew each time: it may stand there over midnight
    byId("heard").dateTime = heard.toISOString();
    if (!bar.hidden) return;
    bar.hidden = false;
    root.classList.add("cut-off");
    wasBusy = byId("panel")?.ariaBusy ?? null;
    if (wasBusy) byId("panel").ariaBusy = "false";
    const head = document.querySelector("header.frame + *")?.getBoundingClientRect().top ?? 0;
    makeRoom(bar.offsetHeight - Math.max(0, head) - scrollY);
    uncover();
  }
  function reached() {
    heard = new Date();
    if (byId("unreachable").hidden) return;
    if (byId("unreachable").contains(document.activeElement)) byId("content").focus({ preventScroll: true });
    byId("unreachable").hidden = true;
    root.classList.remove("cut-off");
    document.body.style.paddingTop = "";
    if (wasBusy && byId("panel")) byId("panel").ariaBusy = wasBusy;
    wasBusy = null;
    byId("tidings").textContent = byId("unreachable").dataset.over;
  }
  function makeRoom(pixels) {
    const had = parseFloat(document.body.style.paddingTop) || 0;
    if (pixels > 0) document.body.style.paddingTop = `${Math.ceil(had + pixels)}px`;
  }
  function uncover() {
    const bar = byId("unreachable"), one = document.activeElement;
    if (bar.hidden || one === document.body || bar.contains(one) || one.matches(".skip")) return; // that lies over it
    const edge = bar.getBoundingClientRect().bottom + 4, place = one.getBoundingClientRect();
    const covered = edge - place.top;
    if (covered <= 0 || place.bottom <= 0 || place.bottom > edge + 24) return; // seen, or not on the screen at all
    makeRoom(covered - scrollY);
    scrollBy(0, -covered);
  }
  for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(failure, cutOff);
  }
  addEventListener("offline", cutOff);
  document.addEventListener("focusin", uncover);
  // What a reader has unfolded stays unfolded when the panel is refreshed.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.tagName === "DETAILS");
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (node) => !node.dataset || !("kept" in node.dataset); // what is typed

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const text = byId(button.dataset.copy);
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
    if (event.detail.xhr.status < 400) reached();
  });
})();

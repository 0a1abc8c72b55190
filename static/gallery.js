// The study preview: step, scrub and play through a series with the small pictures, which are brought ahead. The image
// that somebody stays at is then opened as its link would, so all that is said of it comes from the server.
(() => {
  "use strict";
  const STAYED_MS = 250, PER_SECOND = 12, AT_ONCE = 6, MOST_HELD = 2000;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const byId = (id) => document.getElementById(id);
  const held = new Map(); // address → picture: one that is held is shown at once
  let moving = false, staying = 0, playing = 0, bringing = 0, focused = false, centred = {};

  const links = () => [...(byId("film")?.querySelectorAll("a") ?? [])];
  const current = () => (byId("slider")?.value ?? 1) - 1;
  const small = (link) => link.querySelector("img").getAttribute("src");
  const isHere = (address) => held.get(address)?.complete && held.get(address).naturalWidth > 0;

  function hold(address, then) {
    if (held.has(address)) return held.get(address);
    if (held.size >= MOST_HELD) held.clear();
    const picture = new Image();
    picture.onload = picture.onerror = then;
    picture.src = address;
    held.set(address, picture);
    return picture;
  }

  // The nearest first, from wherever the reader is by now; all of them once the page itself has loaded.
  function bringAhead() {
    const all = links(), here = current();
    const most = navigator.connection?.saveData || document.readyState !== "complete" ? 10 : all.length;
    const missing = all.map(small).map((address, index) => ({ address, away: Math.abs(index - here) }))
      .filter((one) => one.away <= most && !held.has(one.address)).sort((one, other) => one.away - other.away);
    while (bringing < AT_ONCE && missing.length) {
      bringing += 1;
      hold(missing.shift().address, () => { bringing -= 1; bringAhead(); });
    }
  }

  function centre(link) {
    const list = link.closest("ul");
    list.scrollLeft = link.offsetLeft - list.offsetLeft - (list.clientWidth - link.offsetWidth) / 2;
  }

  function put(address) {
    const picture = byId("large");
    if (picture.getAttribute("src") !== address) picture.src = address;
    const late = !isHere(address);
    picture.classList.toggle("late", late); // what is still seen is another image than the words say
    if (late) hold(address).addEventListener("load", () => picture.getAttribute("src") === address && picture.classList.remove("late"));
  }

  function show(index) {
    const all = links(), slider = byId("slider");
    if (!slider) return;
    const to = Math.min(Math.max(index, 0), all.length - 1), link = all[to];
    const before = all.find((one) => one.ariaCurrent);
    if (link === before) return;
    moving = true;
    byId("stage").classList.add("moving");
    const [was, is] = [before, link].map((one) => one?.querySelector("img").alt ?? "");
    slider.value = to + 1;
    slider.setAttribute("aria-valuetext", is);
    byId("position").textContent = is;
    byId("said").textContent = link.querySelector(".badge")?.textContent ?? "";
    if ("window" in link.dataset || "window" in (before?.dataset ?? {})) byId("window").textContent = link.dataset.window ?? "";
    byId("large").alt = byId("large").alt.replace(was, is);
    before?.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    put(small(link));
    const larger = link.dataset.larger;
    if (larger && !playing) hold(larger).decode().then(() => link.ariaCurrent && put(larger), () => {});
    centre(link);
    bringAhead();
    clearTimeout(staying);
    if (!playing) staying = setTimeout(stay, STAYED_MS);
  }

  // Where somebody stays is opened; the page that comes says the rest, and brings the larger picture.
  function stay() {
    moving = false;
    links()[current()]?.click();
  }

  function step(by) {
    stop();
    show(current() + by);
  }

  function series(by) {
    const shown = [...document.querySelectorAll(".strip li:not([hidden]) a")];
    stop();
    shown[shown.findIndex((one) => one.ariaCurrent) + by]?.click();
  }

  // Never by itself. Who wants little motion (many hospital desktops do) gets two images a second, and once only.
  function play() {
    const button = byId("play");
    if (!button) return;
    if (playing) { stop(); return; }
    button.setAttribute("aria-pressed", "true");
    button.textContent = button.dataset.stop;
    clearTimeout(staying);
    const next = () => {
      const all = links(), to = (current() + 1) % all.length;
      if (document.hidden || (calm.matches && to === 0)) { stop(); return; }
      if (isHere(small(all[to]))) show(to);
      playing = setTimeout(next, 1000 / (calm.matches ? 2 : PER_SECOND));
    };
    playing = setTimeout(next, 0);
  }

  function stop() {
    if (!playing) return;
    clearTimeout(playing);
    playing = 0;
    const button = byId("play");
    button.setAttribute("aria-pressed", "false");
    button.textContent = button.dataset.play;
    if (moving) staying = setTimeout(stay, STAYED_MS);
  }

  // Series of which only some are to be seen.
  function narrow() {
    const typed = byId("narrow");
    if (!typed) return;
    const words = typed.value.toLowerCase().split(/\s+/), all = [...document.querySelectorAll(".strip li")];
    for (const one of all) one.hidden = !words.every((word) => one.textContent.toLowerCase().includes(word));
    byId("narrowed").textContent = typed.value ? `${all.filter((one) => !one.hidden).length} / ${all.length}` : "";
  }

  // What the picture shares its screen with, for the stylesheet; it does not depend on how high the picture is.
  function makeRoom() {
    const figure = document.querySelector(".large"), controls = document.querySelector(".step");
    if (!figure) return;
    const around = figure.getBoundingClientRect().bottom + scrollY - byId("easel").getBoundingClientRect().height;
    document.documentElement.style.setProperty("--around", `${Math.ceil(around + controls.offsetHeight)}px`);
  }

  function arrange() {
    narrow();
    makeRoom();
    const link = links()[current()], tile = document.querySelector(".strip a[aria-current]");
    // Who has scrolled a list stays there, until something else is looked at.
    if (tile && tile.id !== centred.tile) centre(tile);
    if (link && link.id !== centred.link) centre(link);
    centred = { tile: tile?.id, link: link?.id };
    if (!link) return;
    bringAhead();
    for (const near of links().slice(Math.max(0, current() - 2), current() + 3)) if (near.dataset.larger) hold(near.dataset.larger);
  }

  // Wherever the list of keys stands, it is brought into view; what had the focus has it again afterwards.
  let back = null;
  function help() {
    const list = byId("keys-help");
    if (!list) return;
    list.open = !list.open;
    if (list.open) back = document.activeElement;
    const next = list.open ? list.querySelector("summary") : back;
    if (next?.isConnected) next.focus({ focusVisible: true });
    if (list.open) list.scrollIntoView({ block: "nearest" });
  }

  const keys = {
    ArrowLeft: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => series(-1), ArrowDown: () => series(1),
    Home: () => step(-Infinity), End: () => step(Infinity), " ": play,
    v: () => byId("viewer-here")?.click(), "/": () => byId("narrow")?.focus(),
    "?": help,
  };
  document.addEventListener("keydown", (event) => {
    const own = { " ": "a, button, summary, input:not([type=range])" }[event.key] ?? "input:not([type=range])";
    const elsewhere = event.ctrlKey || event.metaKey || event.altKey || !event.target.closest("#gallery");
    if (elsewhere || !keys[event.key] || event.target.closest(own)) return;
    event.preventDefault();
    keys[event.key]();
  });
  document.addEventListener("input", (event) => {
    if (event.target.id === "slider") { const to = current(); stop(); show(to); }
    if (event.target.id === "narrow") narrow();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("#play")) play();
    else if (event.target.closest("#before, #after") && byId("slider") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      event.stopPropagation();
      step(event.target.closest("#before") ? -1 : 1);
    }
  }, true);

  // At either end the wheel moves the page on, but not within the same turn.
  let turned = 0, lastTurn = 0;
  document.addEventListener("wheel", (event) => {
    if (!event.target.closest?.("#easel") || event.ctrlKey || !byId("slider")) return;
    const forward = event.deltaY > 0, end = forward ? links().length - 1 : 0;
    if (current() === end && event.timeStamp - lastTurn > 400) return;
    event.preventDefault();
    lastTurn = event.timeStamp;
    turned = (turned > 0) === forward ? turned + event.deltaY * (event.deltaMode ? 20 : 1) : event.deltaY;
    const by = Math.trunc(turned / 50);
    turned -= by * 50;
    if (by) step(by);
  }, { passive: false });

  // Dragging sideways, with a finger or the mouse.
  let drag = null;
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest("#easel") || event.button || !byId("slider")) return;
    const width = byId("easel").clientWidth;
    drag = { x: event.clientX, from: current(), step: Math.min(24, Math.max(3, width / links().length)) };
    byId("slider").focus({ preventScroll: true });
  });
  document.addEventListener("pointermove", (event) => {
    if (!drag) return scrub(event);
    const to = drag.from + Math.round((event.clientX - drag.x) / drag.step);
    if (to !== current()) { stop(); show(to); }
  });
  for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { drag = null; });
  for (const end of ["mousedown", "dragstart"]) {
    document.addEventListener(end, (event) => { if (event.target.closest("#easel")) event.preventDefault(); });
  }

  // Moving over the tile of a series looks through it. The tile's link and the keys do the same without a mouse.
  const lists = new Map(); // address → what it lists, once it is there
  let over = null, lastMove = null;
  function listed(address) {
    if (!lists.has(address)) {
      lists.set(address, []);
      fetch(address).then((answer) => answer.json()).then((list) => {
        lists.set(address, list.pictures);
        scrub(lastMove);
      }).catch(() => lists.delete(address));
    }
    return lists.get(address);
  }
  function leave() {
    if (!over) return;
    over.image.src = over.poster;
    over.label.remove();
    over = null;
  }
  function scrub(event) {
    lastMove = event;
    const tile = event.pointerType === "mouse" ? event.target.closest?.("[data-pictures]") : null;
    if (over && over.tile !== tile) leave();
    const image = tile?.querySelector(".picture img");
    if (!image) return;
    const where = tile.dataset.pictures, below = where.startsWith("/") ? "" : `${tile.pathname}/`; // short ones, as there are many
    const pictures = listed(below + where), box = image.getBoundingClientRect();
    if (!pictures.length || event.clientX < box.left || event.clientX >= box.right) return;
    if (!over) {
      over = { tile, image, poster: image.getAttribute("src"), label: document.createElement("span") };
      over.label.className = "position scrubbed";
      image.after(over.label);
      pictures.forEach((one) => hold(one.src));
    }
    const one = pictures[Math.floor(((event.clientX - box.left) / box.width) * pictures.length)];
    over.label.textContent = one.at;
    if (image.getAttribute("src") !== one.src) image.src = one.src;
  }

  // Nothing replaces the page under somebody who is moving through it.
  document.addEventListener("htmx:beforeRequest", (event) => { if (moving && event.detail.elt.id === "panel") event.preventDefault(); });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id !== "panel") return;
    if (moving) event.detail.shouldSwap = false;
    focused = Boolean(document.activeElement.closest("#gallery"));
    leave();
  });
  document.addEventListener("htmx:afterSwap", () => {
    arrange();
    // What had the focus may not be there any more: a series of one image has no slider.
    if (focused && !document.activeElement.closest("#gallery")) document.querySelector(".strip a[aria-current]")?.focus({ preventScroll: true });
  });
  document.addEventListener("DOMContentLoaded", arrange);
  addEventListener("load", bringAhead);
  addEventListener("resize", makeRoom);
  if (document.readyState !== "loading") arrange();
})();

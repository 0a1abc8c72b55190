// Two studies are ticked and compared. Should this script not come, the server says what is amiss; with it, nobody gets so far.
(() => {
  "use strict";
  const form = document.getElementById("compare");
  if (!form) return;
  const said = document.getElementById("ticked"), button = document.getElementById("compare-ticked");
  const none = said.textContent;
  const boxes = () => [...document.querySelectorAll("input[form=compare]")];
  const ticks = () => boxes().filter((box) => box.checked);

  // Whoever presses Fetch, or chooses other dates, gets a new page: what was ticked stays so. Only our own keys are kept,
  // for as long as the tab is open.
  const place = "ticked " + new URL(form.action).pathname;
  function kept(keys) {
    try {
      if (keys) sessionStorage.setItem(place, keys.join(" "));
      return (sessionStorage.getItem(place) ?? "").split(" ").filter(Boolean);
    } catch { // a frame of another site may be refused any storage
      return [];
    }
  }
  function keep() { // also one that is ticked and not on this page: other dates may show it again
    const ticked = ticks().map((box) => box.value), here = new Set(boxes().map((box) => box.value));
    kept([...ticked, ...kept().filter((key) => !here.has(key))].slice(0, 2));
  }
  function tickAgain() {
    for (const key of kept()) {
      const box = document.getElementById("tick-" + key);
      if (box) box.checked = true;
    }
  }

  function tell(more) {
    const many = ticks().length;
    const words = more ? form.dataset.more : [none, form.dataset.one, form.dataset.two][Math.min(many, 2)];
    if (said.textContent !== words) said.textContent = words;
    button.disabled = many !== 2;
    form.classList.toggle("ticking", many > 0);
  }

  document.addEventListener("change", (event) => {
    if (!event.target.matches("input[form=compare]")) return;
    const more = ticks().length > 2;
    if (more) event.target.checked = false;
    keep();
    tell(more);
  });
  const again = () => { tickAgain(); tell(false); }; // a ticked study may be gone, or come later
  document.addEventListener("htmx:afterSwap", again);
  addEventListener("pageshow", again);
  again();
})();

// Two studies are ticked and compared. Should this script not come, the server says what is amiss; with it, nobody gets so far.
(() => {
  "use strict";
  const form = document.getElementById("compare");
  if (!form) return;
  const said = document.getElementById("ticked"), button = document.getElementById("compare-ticked");
  const none = said.textContent;
  const ticks = () => [...document.querySelectorAll("input[form=compare]:checked")];

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
    tell(more);
  });
  document.addEventListener("htmx:afterSwap", () => tell(false)); // a ticked study may be gone
  addEventListener("pageshow", () => tell(false));
  tell(false);
})();

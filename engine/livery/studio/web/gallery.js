// The gallery's filters. Without this script, the page shows everything.
(() => {
  "use strict";

  const start = () => {
    const form = document.getElementById("filters");
    if (!form) return;
    if (form.dataset.ready) {
      form.dispatchEvent(new Event("change"));
      return;
    }
    form.dataset.ready = "yes";
    form.hidden = false;
    const inputs = [...form.querySelectorAll("[data-filter]")];
    const shots = [...document.querySelectorAll(".shot")];
    const valueOf = (input) => (input.type === "checkbox" ? (input.checked ? input.value : "") : input.value);

    const apply = () => {
      const wanted = inputs.map((input) => [input.dataset.filter, valueOf(input)]).filter(([, value]) => value);
      let shown = 0;
      for (const shot of shots) {
        // A picture without a device is the same on all of them.
        shot.hidden = !wanted.every(([key, value]) =>
          shot.dataset[key] === value || (key === "device" && shot.dataset[key] === ""));
        shown += shot.hidden ? 0 : 1;
      }
      for (const part of document.querySelectorAll(".language, .group")) {
        part.hidden = !part.querySelector(".shot:not([hidden])");
      }
      document.getElementById("none").hidden = shown > 0 || shots.length === 0;
      document.getElementById("count").textContent = `${shown} of ${shots.length} pictures`;
      const kept = new URLSearchParams(inputs.map((input) => [input.dataset.filter, valueOf(input)]));
      history.replaceState(null, "", `#${kept}`);
    };

    const small = matchMedia("(max-width: 720px)").matches;
    const kept = new URLSearchParams(location.hash.slice(1));
    const first = kept.size ? kept : new URLSearchParams({ scheme: "light", device: small ? "phone" : "desktop" });
    for (const input of inputs) {
      const value = first.get(input.dataset.filter) || "";
      if (input.type === "checkbox") input.checked = value === input.value;
      else if ([...input.options].some((option) => option.value === value)) input.value = value;
    }
    form.addEventListener("change", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
  };

  start();
  document.addEventListener("livery:refreshed", start);
})();

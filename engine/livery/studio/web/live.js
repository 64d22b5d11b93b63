// The preview's live part: shows the newest rendering as soon as there is one, and sends the designer's own event.
(() => {
  "use strict";

  const meta = document.querySelector("meta[name=livery]");
  const { token, root } = meta.dataset;
  let { version, overview } = meta.dataset;
  let busy = false;
  let again = false;

  const say = (state, text) => {
    const status = document.getElementById("live");
    status.dataset.state = state;
    status.querySelector(".says").textContent = text;
  };

  const picturesOf = (page) => [...page.querySelectorAll(".shot iframe")].map((one) => one.getAttribute("src").split("?")[0]);

  const sameShots = (fresh) => {
    const now = picturesOf(document);
    return now.length > 0 && now.join() === picturesOf(fresh).join();
  };

  const refresh = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.redirected) {
        location.replace(answer.url);
        return;
      }
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const told = fresh.querySelector("meta[name=livery]").dataset;
      if (told.token !== token) {
        location.reload(); // another preview has started in this one's place
        return;
      }
      // Where there are the same pictures, they are fetched anew in their places: a page of hundreds does not flicker.
      const isSame = sameShots(fresh);
      const parts = isSame ? "#trouble, .intro, .shot figcaption" : "#trouble, #page";
      const shots = isSame ? [...fresh.querySelectorAll(".shot")] : [];
      [...document.querySelectorAll(".shot")].slice(0, shots.length).forEach((shot, at) => {
        const [frame, newest] = [shot, shots[at]].map((one) => one.querySelector("iframe"));
        if (frame.getAttribute("src") !== newest.getAttribute("src")) frame.setAttribute("src", newest.getAttribute("src"));
        shot.dataset.attention = shots[at].dataset.attention;
      });
      const renewed = [...fresh.querySelectorAll(parts)];
      const isOpen = [...document.querySelectorAll("#page details")].map((one) => one.open);
      [...document.querySelectorAll(parts)].forEach((old, at) => {
        if (!old.isEqualNode(renewed[at])) old.replaceWith(document.adoptNode(renewed[at]));
      });
      document.querySelectorAll("#page details").forEach((one, at) => (one.open = isOpen[at]));
      if (fresh.getElementById("editor") && !document.getElementById("editor")) {
        document.body.append(document.adoptNode(fresh.getElementById("editor")));
        listen();
      }
      document.title = fresh.title;
      document.querySelector(".brand").replaceWith(document.adoptNode(fresh.querySelector(".brand")));
      ({ version, overview } = told);
      const wrong = document.querySelector("#trouble .trouble");
      say(wrong ? "wrong" : "fresh", wrong ? "The last edit has errors" : `Refreshed at ${new Date().toLocaleTimeString()}`);
      document.dispatchEvent(new CustomEvent("livery:refreshed"));
    } catch {
      say("lost", "The preview has stopped");
    } finally {
      busy = false;
      if (again) {
        again = false;
        refresh();
      }
    }
  };

  const watch = () => {
    const source = new EventSource(`${root}live`);
    source.addEventListener("state", (event) => {
      const state = JSON.parse(event.data);
      if (String(state.version) !== version || (overview && state.overview !== overview)) refresh();
      else say(state.errors ? "wrong" : "watching", state.errors ? "The last edit has errors" : "Watching for changes");
    });
    source.addEventListener("error", () => say("lost", "The preview has stopped"));
  };

  const listen = () => {
    const form = document.getElementById("own-event");
    if (!form) return;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const wrong = document.getElementById("wrong");
      wrong.textContent = "";
      try {
        const answer = await fetch(`${root}event?at=${encodeURIComponent(form.dataset.at)}`, {
          method: "POST",
          headers: { "Content-Type": "application/json", "X-Livery-Token": token },
          body: form.elements.event.value,
        });
        const told = await answer.json();
        if (answer.ok) location.assign(`${root}${told.page}`);
        else wrong.textContent = told.problems.join("\n");
      } catch {
        wrong.textContent = "The preview has stopped; start it again.";
      }
    });
  };

  listen();
  watch();
})();

/* What a reader would miss without scripts and can do without: where one was is remembered on this
   machine and nowhere else, the first page offers to go on from there, and search shows what
   surrounds a hit where a server lets it look. */
(function () {
  "use strict";
  const STORE = "xavier-reading", DONE = 0.95; // share of a page below which it is not finished
  const PAUSE = 500; // ms between two looks at where the reader is

  // Pages from disk may not read one another, those from a server may.
  if (location.protocol.startsWith("http") && typeof DOCUMENTATION_OPTIONS !== "undefined")
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = true;

  function remembered() {
    try {
      const found = JSON.parse(localStorage.getItem(STORE) ?? "{}");
      return found?.pages instanceof Object ? found : { pages: {} };
    } catch {
      return { pages: {} }; // not allowed here, or not ours
    }
  }

  function remember(found) {
    try {
      localStorage.setItem(STORE, JSON.stringify(found));
    } catch { /* not allowed here: then nothing is offered */ }
  }

  function follow(name, article) {
    const heading = article.querySelector("h1").cloneNode(true);
    heading.querySelectorAll(".section-number, .headerlink").forEach((one) => one.remove());
    const title = heading.textContent.trim();
    const sections = [...article.querySelectorAll("section[id]:not([id$='-content'])")];
    let waiting = false;

    function look() {
      waiting = false;
      const seen = (innerHeight - article.getBoundingClientRect().top) / article.scrollHeight;
      const above = sections.filter((one) => one.getBoundingClientRect().top < innerHeight / 2);
      const found = remembered(), before = found.pages[name]?.share ?? 0;
      found.pages[name] = { share: Math.max(before, Math.min(1, seen)), title };
      if (scrollY > 0) found.last = { name, at: above.at(-1)?.id ?? "" };
      remember(found);
    }

    addEventListener("scroll", () => {
      if (!waiting) setTimeout(look, PAUSE);
      waiting = true;
    }, { passive: true });
  }

  function offer(doors) {
    const found = remembered();
    for (const card of document.querySelectorAll(".chapter-cards > li")) {
      const name = card.querySelector("a")?.getAttribute("href").replace(".html", "");
      const share = found.pages[name]?.share ?? 0, minutes = card.querySelector(".card-minutes");
      if (share >= DONE) minutes.append(", read");
      else if (share > 0) minutes.append(`, ${Math.round(100 * share)} % seen`);
    }
    const { name, at } = found.last ?? {}, page = found.pages[name];
    if (!page || !/^\w+$/.test(name)) return;
    const line = document.createElement("p"), link = document.createElement("a");
    const forget = document.createElement("button");
    line.className = "go-on";
    link.href = `${name}.html${at ? "#" + encodeURIComponent(at) : ""}`;
    link.textContent = page.title;
    forget.type = "button";
    forget.textContent = "Forget where I was";
    forget.addEventListener("click", () => {
      try { localStorage.removeItem(STORE); } catch { /* then there is nothing */ }
      location.reload();
    });
    line.append("Go on with ", link, " ", forget);
    doors.after(line);
  }

  document.addEventListener("DOMContentLoaded", () => {
    const name = location.pathname.match(/\/(\d\d_\w+)\.html$/)?.[1];
    const article = document.querySelector("article.bd-article"), doors = document.querySelector(".doors");
    if (name && article?.querySelector("h1")) follow(name, article);
    if (doors) offer(doors);
  });
})();

// Everything works by plain links; this makes them land gently and light up what they lead to.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const pane = document.getElementById("transcript");
  const marks = [...document.querySelectorAll("mark[data-e]")];

  const marksOf = (anchor) => marks.filter((mark) => mark.dataset.e.split(" ").includes(anchor));

  const flash = (elements) => {
    for (const element of elements) {
      element.classList.remove("flash");
      void element.offsetWidth; // restarts the animation
      element.classList.add("flash");
    }
    setTimeout(() => elements.forEach((element) => element.classList.remove("flash")), 2200);
  };

  // Beside the findings the transcript scrolls on its own, and the page stays where it is.
  const bringIntoView = (element) => {
    const behavior = still.matches ? "auto" : "smooth";
    if (pane.contains(element) && pane.scrollHeight > pane.clientHeight + 1 && getComputedStyle(pane).overflowY === "auto") {
      const offset = element.getBoundingClientRect().top - pane.getBoundingClientRect().top;
      pane.scrollTo({ top: pane.scrollTop + offset - pane.clientHeight / 3, behavior });
      const box = pane.getBoundingClientRect();
      if (box.top < 0 || box.bottom > innerHeight + 1) {
        pane.scrollIntoView({ block: box.top < 0 ? "start" : "end", behavior });
      }
    } else {
      const tall = element.offsetHeight > innerHeight * 0.7;
      element.scrollIntoView({ block: tall ? "start" : "center", behavior });
    }
  };

  const choose = (finding) => {
    document.querySelectorAll(".finding.current").forEach((article) => article.classList.remove("current"));
    document.getElementById(`f${finding}`)?.classList.add("current");
  };

  const visit = (anchor) => {
    const target = document.getElementById(anchor);
    if (!target) {
      return false;
    }
    const words = marksOf(anchor);
    if (words.length) {
      choose(anchor.slice(1).split("-")[0]);
      bringIntoView(words[0]);
      flash(words);
    } else {
      if (target.matches(".finding")) {
        if (target.hidden || target.parentElement.hidden) {
          show("all");
        }
        choose(anchor.slice(1));
      }
      bringIntoView(target);
      flash([target]);
    }
    return true;
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      const anchor = link.getAttribute("href").slice(1);
      if (/^[eft]\d/.test(anchor) && visit(anchor)) {
        event.preventDefault();
        history.pushState(null, "", `#${anchor}`);
        const target = document.getElementById(anchor);
        // The keyboard goes on from what was reached: from words, at the link back to their finding.
        const back = target.closest("li")?.querySelector(`a.ref[href="#f${anchor.slice(1).split("-")[0]}"]`);
        const focus = target.matches("[tabindex]") ? target : (back ?? target.querySelector("a"));
        focus?.focus({ preventScroll: true });
      }
      return;
    }
    const mark = event.target.closest("mark[data-f]");
    if (mark && !getSelection().toString()) {
      visit(`f${mark.dataset.f}`);
    }
  });
  addEventListener("popstate", () => location.hash && visit(location.hash.slice(1)));
  if (location.hash) {
    visit(location.hash.slice(1));
  }

  const buttons = [...document.querySelectorAll("[data-show]")];
  const show = (outcome) => {
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.show === outcome)));
    for (const category of document.querySelectorAll(".category")) {
      const articles = [...category.querySelectorAll(".finding")];
      articles.forEach((article) => {
        article.hidden = outcome !== "all" && article.dataset.outcome !== outcome;
      });
      category.hidden = articles.every((article) => article.hidden);
    }
  };
  buttons.forEach((button) => button.addEventListener("click", () => show(button.dataset.show)));
  addEventListener("beforeprint", () => show("all"));
});

// The theme: the system's, until the reader chooses.
(() => {
  "use strict";
  const root = document.documentElement;
  const key = "tahoe-theme";
  root.classList.add("js");

  // Storage is refused to some local files; the choice then lasts as long as the page.
  const recall = () => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const remember = (theme) => {
    try {
      localStorage.setItem(key, theme);
    } catch {
      // nothing to do: see above
    }
  };

  const chosen = recall();
  if (!root.dataset.theme && (chosen === "dark" || chosen === "light")) {
    root.dataset.theme = chosen;
  }

  document.addEventListener("DOMContentLoaded", () => {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const button = document.getElementById("theme");
    const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
    const show = () => button.setAttribute("aria-pressed", String(isDark()));
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      remember(root.dataset.theme);
      show();
    });
    system.addEventListener("change", show);
    show();
    document.getElementById("print").addEventListener("click", () => print());
  });
})();

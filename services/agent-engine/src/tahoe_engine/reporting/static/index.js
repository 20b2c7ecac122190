// Sorting and filtering; without it, the table stands in the order that it was written in.
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const body = document.querySelector("tbody");
  if (!body) {
    return;
  }
  const rows = [...body.rows];
  const heads = [...document.querySelectorAll("thead th")];

  const compare = (column, kind) => (first, second) => {
    const [a, b] = [first, second].map((row) => row.cells[column].dataset.value);
    return kind === "number" ? Number(a) - Number(b) : a.localeCompare(b);
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const order = compare(column, head.dataset.kind);
      body.append(...rows.toSorted((a, b) => (descending ? order(b, a) : order(a, b))));
    });
  });

  const filters = [...document.querySelectorAll("[data-filter]")];
  const apply = () => {
    let shown = 0;
    for (const row of rows) {
      row.hidden = filters.some((filter) => filter.value && row.dataset[filter.dataset.filter] !== filter.value);
      shown += row.hidden ? 0 : 1;
    }
    document.getElementById("shown").textContent = shown === rows.length ? "" : `${shown} of ${rows.length} shown`;
  };
  filters.forEach((filter) => filter.addEventListener("change", apply));
});

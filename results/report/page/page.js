"use strict";
// What a figure is worth for sorting: times in seconds, "2 of 5" as a share.
function worth(text) {
  const share = text.match(/^(\d+) of (\d+)/);
  if (share) return share[1] / share[2];
  if (/^∞/.test(text)) return Infinity;
  const units = { h: 3600, min: 60, s: 1 };
  let total = 0, found = false, rest = text;
  for (let m; (m = rest.match(/^\s*([\d.]+) (h|min|s)\b/)); rest = rest.slice(m[0].length)) {
    total += m[1] * units[m[2]];
    found = true;
  }
  if (found) return total;
  const size = text.match(/^([\d.]+)\s?([KMG]i?B)\b/);
  if (size) return size[1] * { K: 1, M: 1024, G: 1048576 }[size[2][0]];
  const number = text.match(/^[<>]?([+-]?[\d.]+(e[+-]?\d+)?)/);
  return number ? Number(number[1]) : NaN;
}
// What has no figure comes last either way.
function compare(a, b, sign) {
  const x = worth(a), y = worth(b);
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x === y ? 0 : sign * (x < y ? -1 : 1);
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
  return sign * a.localeCompare(b);
}
for (const table of document.querySelectorAll("table.sortable")) {
  for (const cell of table.querySelectorAll("td")) if (cell.textContent.length > 60) cell.classList.add("long");
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach((h) => h.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0];
    const text = (row) => row.cells[column].textContent;
    body.append(...[...body.rows].sort((a, b) => compare(text(a), text(b), up ? 1 : -1)));
  }));
}

# SPDX-License-Identifier: GPL-3.0-or-later
"""How the page looks, in light, in the dark and on paper, and the script that sorts it.

Colours of text have a contrast of 4.5 to 1 at least, those of pictures 3 to 1.
"""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --page: #ffffff; --text: #1c2024; --quiet: #59626c;
  --line: #d5dade; --band: #f4f6f8; --link: #0b5cad; --track: #e3e7eb;
  --done: #1a6b34; --failed: #b3261e; --cancelled: #7a5200; --other: #59626c;
  --good: #3d7f9f; --some: #b36b00; --poor: #c62f26;
  --s0: #1f5fa8; --s1: #4f93d8; --s2: #7d6fc4; --s3: #0f7f74; --s4: #3f9a4d; --s5: #8a8a1f;
  --s6: #c07a1e; --s7: #b8577f; --s8: #7b858e; }
@media screen and (prefers-color-scheme: dark) {
  :root { --page: #16191d; --text: #e6e9ec; --quiet: #a3adb7; --line: #363d45; --band: #1e2328;
    --link: #83bdf5; --track: #2d343b;
    --done: #74cf8d; --failed: #ff9189; --cancelled: #e8b75a; --other: #a3adb7;
    --good: #62a9cb; --some: #e39a36; --poor: #f2675d;
    --s0: #4a86cf; --s1: #8cc0f5; --s2: #a99af0; --s3: #35b3a6; --s4: #6cc77a; --s5: #c3c24f;
    --s6: #eba64d; --s7: #e588ae; --s8: #9aa5af; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1.25rem; background: var(--page); color: var(--text);
  font: 14px/1.4 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { margin: 0; font-size: 1.5rem; overflow-wrap: anywhere; }
h2 { margin: 0 0 .3rem; font-size: .8rem; color: var(--quiet); font-weight: 600; }
p { margin: 0; }
a { color: var(--link); }
ul, ol, dl { margin: 0; padding: 0; list-style: none; }
svg { vertical-align: baseline; }
.small { color: var(--quiet); font-size: .85em; }
.summary { display: flex; flex-wrap: wrap; gap: 1.25rem 2.5rem; margin: 1.25rem 0; }
.summary section { max-width: 34rem; }
.summary section:last-child { flex: 1 1 20rem; }
.summary li, .summary p { white-space: nowrap; }
.summary a { display: inline-block; max-width: 16rem; overflow: hidden; text-overflow: ellipsis;
  vertical-align: bottom; }
.counts b { display: inline-block; min-width: 1.6em; text-align: right; }
.summary b, .number, .time { font-variant-numeric: tabular-nums; }
.legend { display: grid; grid-template-columns: auto auto; gap: 0 1.5rem; }
.links { display: flex; flex-wrap: wrap; gap: 0 .9rem; }
.tools { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center;
  margin: 0 0 .75rem; }
.tools input, .tools select { font: inherit; color: inherit; background: var(--page);
  border: 1px solid var(--quiet); border-radius: 4px; padding: .2rem .4rem; }
table { width: 100%; border-collapse: collapse; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { padding: .4rem .5rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
thead th { position: sticky; top: 0; z-index: 1; background: var(--band); white-space: nowrap;
  font-size: .8rem; color: var(--quiet); box-shadow: 0 1px 0 var(--line); border: 0; }
thead button { all: unset; cursor: pointer; color: inherit; }
.paper { display: none; }
thead button:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
[aria-sort] button::after { content: " ▴"; content: " ▴" / ""; }
[aria-sort=descending] button::after { content: " ▾"; content: " ▾" / ""; }
tbody th { font-weight: inherit; }
tbody tr { scroll-margin-top: 2.2rem; }
tbody tr:target { background: var(--band); box-shadow: inset 3px 0 0 var(--link); }
td.number { white-space: nowrap; }
.number .small, .take .small, .map .small, td > .small { display: block; }
.take { min-width: 9rem; max-width: 18rem; overflow-wrap: anywhere; }
.time { white-space: nowrap; }
.time svg { display: block; margin-top: .25rem; }
td.map { min-width: 8rem; max-width: 12rem; overflow-wrap: anywhere; }
.messages { max-width: 26rem; overflow-wrap: anywhere; }
td.messages:has(.error) { min-width: 14rem; }
.messages ul { margin: .2rem 0 0 1.1rem; list-style: disc; }
.error { color: var(--failed); }
td.files { min-width: 10rem; max-width: 18rem; overflow-wrap: anywhere; }
summary { cursor: pointer; }
dt { color: var(--quiet); font-size: .85em; }
dd { margin: 0 0 .2rem .8rem; }
.status { font-weight: 600; white-space: nowrap; color: var(--other); }
.status.done { color: var(--done); }
.status.failed { color: var(--failed); }
.status.cancelled { color: var(--cancelled); }
img { display: block; width: 104px; height: auto; border-radius: 3px; }
.track { fill: var(--track); }
.good { fill: var(--good); }
.some { fill: var(--some); }
.poor { fill: var(--poor); }
.s0 { fill: var(--s0); } .s1 { fill: var(--s1); } .s2 { fill: var(--s2); }
.s3 { fill: var(--s3); } .s4 { fill: var(--s4); } .s5 { fill: var(--s5); }
.s6 { fill: var(--s6); } .s7 { fill: var(--s7); } .s8 { fill: var(--s8); }
@media print {
  @page { size: A4 landscape; margin: 10mm; }
  body { padding: 0; font-size: 8pt; }
  h2, thead th { font-size: 8pt; }
  .tools, thead button { display: none; }
  .paper { display: inline; }
  thead { display: table-header-group; }
  thead th { position: static; }
  tr, section { break-inside: avoid; }
  th, td { padding: 3px 5px; }
  td.messages:has(.error) { min-width: 10rem; }
  td.map, td.files, .take { min-width: 6rem; }
  img { width: 64px; }
  svg, .status { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .messages details::details-content { content-visibility: visible; block-size: auto; }
  .files details { display: none; }
}
"""

SCRIPT = """
"use strict";
(() => {
  const table = document.querySelector("table");
  if (!table) return;
  const WARNED = "(warned)";
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const make = (name, more) => Object.assign(document.createElement(name), more);
  const value = (row, at) => row.cells[at].dataset.v ?? "";
  const compare = (a, b) => a === b ? 0 : a === "" ? 1 : b === "" ? -1 :
    isNaN(a) || isNaN(b) ? a.localeCompare(b, undefined, { numeric: true }) : a - b;
  const sort = (at) => {
    const up = heads[at].getAttribute("aria-sort") !== "ascending";
    for (const head of heads) head.removeAttribute("aria-sort");
    heads[at].setAttribute("aria-sort", up ? "ascending" : "descending");
    const filled = rows.filter((row) => value(row, at) !== "");
    filled.sort((a, b) => (up ? 1 : -1) * compare(value(a, at), value(b, at)));
    body.append(...filled, ...rows.filter((row) => value(row, at) === ""));
  };
  heads.forEach((head, at) => {
    if (!rows.some((row) => value(row, at) !== "")) return;
    const button = make("button", { type: "button", textContent: head.textContent });
    button.addEventListener("click", () => sort(at));
    const paper = make("span", { className: "paper", textContent: head.textContent });
    head.replaceChildren(button, paper);
  });
  const tools = make("div", { className: "tools" });
  const wanted = make("input", { type: "search" }), kind = make("select", {});
  const shown = make("output", { className: "small" });
  kind.append(make("option", { value: "", textContent: "all" }));
  for (const status of new Set(rows.map((row) => row.dataset.status)))
    kind.append(make("option", { value: status, textContent: status }));
  if (rows.some((row) => row.dataset.warnings))
    kind.append(make("option", { value: WARNED, textContent: "with warnings" }));
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const filter = () => {
    const text = wanted.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      const isKind = !kind.value || row.dataset.status === kind.value ||
        (kind.value === WARNED && row.dataset.warnings);
      const fits = Boolean(isKind) && texts.get(row).includes(text);
      row.hidden = !fits;
      count += fits;
    }
    shown.textContent = count === rows.length ? "" : `${count} of ${rows.length} shown`;
  };
  for (const [text, field] of [["Find ", wanted], ["Status ", kind]]) {
    const label = make("label", { textContent: text });
    label.append(field);
    tools.append(label);
    field.addEventListener("input", filter);
  }
  tools.append(shown);
  table.before(tools);
  window.addEventListener("beforeprint", () => {
    for (const details of table.querySelectorAll(".messages details")) details.open = true;
  });
})();
"""

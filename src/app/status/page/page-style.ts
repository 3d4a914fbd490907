/** The style of the status page. Each color has a contrast of at least 4.5 on its background. */

export const PAGE_STYLE = `:root {
  color-scheme: light dark;
  --back: #ffffff; --text: #1b1d1f; --muted: #5a6068; --line: #d5d9de; --focus: #0b57d0;
  --up: #1a6b2d; --connecting: #7a4d00; --stale: #a4161a; --unknown: #5a6068;
  --received: #1f5fbf; --sent: #a04a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #16181b; --text: #e6e8ea; --muted: #a6adb5; --line: #3a3f45; --focus: #8ab4f8;
    --up: #74cf8f; --connecting: #f0b849; --stale: #ff8f8f; --unknown: #a6adb5;
    --received: #8ab4f8; --sent: #f0a868;
  }
}
* { box-sizing: border-box; }
body {
  max-width: 70rem; margin: 0 auto; padding: 1rem;
  background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; justify-content: space-between; }
h1 { margin: 0; font-size: 1.1rem; }
h1 span { font-weight: 400; }
h2 { margin: 0 0 .5rem; font-size: 1rem; }
section { margin-top: 2rem; }
main > section:first-child { margin-top: 1rem; }
p { margin: .25rem 0; }
button {
  padding: .25rem .75rem; border: 1px solid var(--muted); border-radius: .25rem;
  background: transparent; color: inherit; font: inherit; cursor: pointer;
}
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
[hidden] { display: none !important; }
#state { border-inline-start: .375rem solid var(--unknown); padding-inline-start: .75rem; }
#headline { margin: 0; font-size: 1.5rem; line-height: 1.3; color: var(--unknown); }
#state[data-state=up], #state[data-state=up] #headline { border-color: var(--up); color: var(--up); }
#state[data-state=connecting], #state[data-state=connecting] #headline { border-color: var(--connecting); color: var(--connecting); }
#state[data-state=stale], #state[data-state=stale] #headline { border-color: var(--stale); color: var(--stale); }
#lost { color: var(--stale); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; margin: 1rem 0 0; }
dt, .note, .empty, figcaption { color: var(--muted); }
dd { margin: 0; }
.note, figcaption { font-size: .875rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0 2rem; }
.legend span::before { content: ""; display: inline-block; width: 1.5rem; margin-inline-end: .5rem; vertical-align: middle; border-top: 2px solid; }
.legend .sent::before { border-top-style: dashed; }
.legend .received { color: var(--received); }
.legend .sent { color: var(--sent); }
b { display: inline-block; min-width: 6em; color: var(--text); font-weight: 600; font-variant-numeric: tabular-nums; }
figure { margin: .5rem 0 0; }
svg { display: block; width: 100%; height: 8rem; }
path { fill: none; stroke-width: 1.5; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.grid { stroke: var(--line); stroke-width: 1; }
path.received { stroke: var(--received); }
path.sent { stroke: var(--sent); stroke-dasharray: 5 3; }
figcaption { display: flex; justify-content: space-between; gap: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { padding: .25rem 1rem .25rem 0; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top; }
thead th { color: var(--muted); font-weight: 400; white-space: nowrap; }
tbody th { font-weight: 400; }
.number { text-align: end; white-space: nowrap; }
th:last-child, td:last-child { padding-inline-end: 0; }
@media (max-width: 30rem) {
  dl { grid-template-columns: minmax(0, 7rem) minmax(0, 1fr); gap: .25rem .75rem; }
  th, td { padding-inline-end: .75rem; }
  .number { padding-inline-end: .75rem; }
}
`;

/** The style sheet of the emulator's page: one column, light or dark as the system is set. */
export const STYLE = `:root {
  color-scheme: light dark;
  --background: #ffffff;
  --surface: #f4f5f7;
  --text: #1b1f24;
  --muted: #545d68;
  --line: #d0d7de;
  --field-line: #6e7781;
  --accent: #0a58ca;
  --accent-text: #ffffff;
  --good: #116329;
  --bad: #a40e26;
}
@media (prefers-color-scheme: dark) {
  :root {
    --background: #14171a;
    --surface: #1e2226;
    --text: #e6e8ea;
    --muted: #a3abb4;
    --line: #3a4047;
    --field-line: #8b949e;
    --accent: #79b0ff;
    --accent-text: #0b1a2e;
    --good: #6cc780;
    --bad: #ff9492;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  max-width: 60rem;
  padding: 1rem;
  background: var(--background);
  color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif;
}
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.125rem; margin: 0 0 0.5rem; }
p { margin: 0 0 0.75rem; }
section { margin-top: 2rem; }
code, pre, textarea { font-family: ui-monospace, monospace; font-size: 0.8125rem; }
#sim-summary, #messages-heading + p, small { color: var(--muted); }
small { display: block; font-size: 0.8125rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.state { color: var(--bad); white-space: nowrap; }
.state::before { content: '○ '; }
.state.up { color: var(--good); }
.state.up::before { content: '● '; }
table { width: 100%; border-collapse: collapse; font-size: 0.875rem; }
th, td { padding: 0.375rem 0.75rem 0.375rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--muted); font-weight: 600; white-space: nowrap; }
td { overflow-wrap: anywhere; }
#sim-table code, time { white-space: nowrap; }
#message-table td:nth-child(4) { width: 50%; }
pre { margin: 0; max-height: 12rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }
form { display: grid; grid-template-columns: 2fr 1fr 1fr 1fr; gap: 0.75rem; padding: 1rem; border-radius: 0.5rem; background: var(--surface); }
form p { margin: 0; min-width: 0; }
.wide { grid-column: 1 / -1; }
label { display: block; font-size: 0.875rem; font-weight: 600; }
input, select, textarea { width: 100%; min-height: 2.5rem; padding: 0.375rem 0.5rem; border: 1px solid var(--field-line); border-radius: 0.25rem; background: var(--background); color: inherit; }
input, select { font: inherit; }
textarea { display: block; resize: vertical; }
button { min-height: 2.5rem; padding: 0.375rem 1.5rem; border: 0; border-radius: 0.25rem; background: var(--accent); color: var(--accent-text); font: inherit; font-weight: 600; cursor: pointer; }
button:disabled, button[aria-disabled='true'] { background: var(--line); color: var(--text); cursor: default; }
output { margin-left: 0.5rem; white-space: pre-wrap; overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@media (max-width: 40rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, td { display: block; }
  tr { padding: 0.5rem 0; border-bottom: 1px solid var(--line); }
  td { display: grid; grid-template-columns: 5.5rem minmax(0, 1fr); padding: 0.125rem 0; border: 0; }
  #message-table td:nth-child(4) { width: auto; }
  td::before { content: attr(data-label); color: var(--muted); }
  form { grid-template-columns: 1fr 1fr 1fr; }
  form p:first-child { grid-column: 1 / -1; }
  output { display: block; margin: 0.5rem 0 0; }
}
`;

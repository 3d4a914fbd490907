/**
 * The script of the status page. It places texts with textContent only, so a text is never read as
 * HTML. It uses no inline handler, timer or request besides those shown here.
 */

export const PAGE_SCRIPT = String.raw`'use strict';
(() => {
  /** The plot's length, and how long the page waits for an event, in ms. */
  const SPAN = 300000;
  const PATIENCE = 10000;
  const NUMBERS = new Set(['Received', 'Sent', 'Age', 'Open', 'Total', 'Failed', 'Dropped']);
  const byId = (id) => document.getElementById(id);
  let source;
  let view;
  let samples = [];
  let last;
  let lostSince;
  let heardAt = performance.now();
  let isPaused = false;

  function set(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function listen() {
    if (source) source.close();
    source = new EventSource('/events');
    heardAt = performance.now();
    source.onmessage = (event) => {
      heardAt = performance.now();
      lostSince = undefined;
      view = JSON.parse(event.data);
      sample(view.totals);
      if (!isPaused) show();
    };
    // The browser reconnects, except after an HTTP error.
    source.onerror = () => lose();
  }

  function lose() {
    lostSince ??= new Date();
    showLost();
  }

  /** A lost connection may cause no error, for example if the computer slept. */
  setInterval(() => {
    const isOver = source.readyState === EventSource.CLOSED;
    const isSilent = performance.now() - heardAt > PATIENCE;
    if (isSilent) lose();
    if (isSilent || isOver) listen();
  }, 5000);

  function showLost() {
    const isLost = lostSince !== undefined;
    byId('lost').hidden = !isLost;
    if (!isLost) return;
    byId('state').dataset.state = 'unknown';
    document.title = 'Connection lost – arctun';
    set(byId('headline'), 'The connection to arctun is lost');
    set(byId('lost'), 'Since ' + lostSince.toLocaleTimeString() + '. The values below are from before. Reconnecting.');
  }

  function show() {
    showLost();
    document.title = view.headline + ' – ' + view.name + ' – arctun';
    set(byId('name'), view.name);
    byId('state').dataset.state = view.state;
    set(byId('headline'), view.headline);
    set(byId('reason'), view.reason);
    fill(byId('facts'), view.facts.flat(), (index) => document.createElement(index % 2 ? 'dd' : 'dt'), set);
    for (const [id, rows] of Object.entries(view.tables)) showTable(id, rows);
    plot();
  }

  function showTable(id, rows) {
    byId(id + '-box').hidden = rows.length === 0;
    byId(id + '-empty').hidden = rows.length > 0;
    const heads = [...byId(id + '-box').querySelectorAll('thead th, thead td')];
    fill(byId(id), rows, () => document.createElement('tr'), (row, cells) =>
      fill(row, cells, (index) => cell(heads[index], index), set));
  }

  function cell(head, index) {
    const element = document.createElement(index === 0 ? 'th' : 'td');
    if (index === 0) element.scope = 'row';
    if (NUMBERS.has(head.textContent)) element.className = 'number';
    return element;
  }

  /** Keeps the elements of an earlier call, so that selections and screen readers are not disturbed. */
  function fill(parent, values, create, place) {
    while (parent.children.length > values.length) parent.lastElementChild.remove();
    values.forEach((value, index) => {
      if (!parent.children[index]) parent.append(create(index));
      place(parent.children[index], value);
    });
  }

  function sample(totals) {
    const before = last;
    last = totals;
    if (!totals || !before || before.tunnel !== totals.tunnel || totals.at <= before.at) return;
    const seconds = (totals.at - before.at) / 1000;
    const rate = (name) => Math.max(0, totals[name] - before[name]) / seconds;
    samples.push({ at: performance.now(), received: rate('received'), sent: rate('sent') });
    samples = samples.filter(({ at }) => at > performance.now() - SPAN);
  }

  function plot() {
    const now = performance.now();
    const most = Math.max(1, ...samples.flatMap(({ received, sent }) => [received, sent]));
    const latest = samples.at(-1);
    for (const name of ['received', 'sent']) {
      set(byId('rate-' + name), latest ? rateText(latest[name]) : '–');
      byId('plot-' + name).setAttribute('d', line(name, now, most));
    }
    const top = samples.length > 1 ? 'top: ' + rateText(most) : 'collecting values';
    set(byId('top'), top);
    byId('plot').setAttribute('aria-label', 'Rates in the last 5 minutes, ' + top);
  }

  function line(name, now, most) {
    let previous = -Infinity;
    return samples.map((one) => {
      const x = 300 + ((one.at - now) / SPAN) * 300;
      const y = 99 - (one[name] / most) * 98;
      const command = one.at - previous > 5000 ? 'M' : 'L';
      previous = one.at;
      return command + x.toFixed(2) + ' ' + y.toFixed(2);
    }).join('');
  }

  function rateText(bytes) {
    const units = ['B/s', 'kB/s', 'MB/s', 'GB/s'];
    let unit = 0;
    while (bytes >= 999.95 && unit < 3) { bytes /= 1000; unit++; }
    return (unit === 0 ? Math.round(bytes) : bytes.toFixed(1)) + ' ' + units[unit];
  }

  byId('pause').addEventListener('click', () => {
    isPaused = !isPaused;
    set(byId('pause'), isPaused ? 'Resume updates' : 'Pause updates');
    if (!isPaused && view) show();
  });
  for (const head of document.querySelectorAll('thead th')) {
    if (NUMBERS.has(head.textContent)) head.className = 'number';
  }
  listen();
})();
`;

/**
 * The script of the emulator's page, for browsers. The server escapes all HTML in the events, and
 * the page's Content-Security-Policy does not allow inline scripts.
 */
import { MAX_MESSAGES } from './message-rows.js';
import { PAGE_PATHS } from './page-paths.js';

export const SCRIPT = `'use strict';
const byId = (id) => document.getElementById(id);

function setState(text, isUp) {
  const state = byId('connection');
  state.textContent = text;
  state.classList.toggle('up', isUp);
}

function showLocalTimes(root) {
  for (const time of root.querySelectorAll('time')) {
    const at = new Date(time.dateTime);
    const isToday = at.toDateString() === new Date().toDateString();
    time.textContent = isToday ? at.toLocaleTimeString() : at.toLocaleString();
    time.title = time.dateTime;
  }
}

function setRows(rows, html) {
  rows.innerHTML = html;
  showLocalTimes(rows);
}

function showSims({ rows, choices, summary }) {
  setRows(byId('sim-rows'), rows);
  byId('sim-summary').textContent = summary;
  const list = byId('sim-choice');
  // Do not replace an unchanged list, because that closes it if it is open.
  if (list.dataset.choices !== choices) {
    const chosen = list.value;
    list.innerHTML = choices;
    if ([...list.options].some(({ value }) => value === chosen)) list.value = chosen;
    list.dataset.choices = choices;
  }
  byId('send').disabled = list.options.length === 0;
}

let summary = '';
let isAnnounced = true;

function announce() {
  byId('news').textContent = summary;
  isAnnounced = true;
}

function addMessages(news) {
  const rows = byId('message-rows');
  rows.insertAdjacentHTML('afterbegin', news.rows);
  while (rows.rows.length > ${MAX_MESSAGES}) rows.lastElementChild.remove();
  showLocalTimes(rows);
  summary = 'Newest: ' + news.summary;
  // Screen readers read each announcement, so limit their number.
  if (isAnnounced) setTimeout(announce, 1000);
  isAnnounced = false;
}

function connect() {
  const source = new EventSource('${PAGE_PATHS.events}');
  const on = (name, show) => source.addEventListener(name, ({ data }) => show(JSON.parse(data)));
  source.addEventListener('open', () => setState('Live', true));
  source.addEventListener('error', () => {
    setState('Not connected, retrying', false);
    // The browser does not retry after a response with an error status.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  });
  on('sims', showSims);
  on('messages', ({ rows }) => setRows(byId('message-rows'), rows));
  on('news', addMessages);
}

function answerText({ body, bodyEncoding, bytes, truncated }) {
  if (bytes === 0) return 'The SIM sent an empty answer.';
  const hex = (character) => character.charCodeAt(0).toString(16).padStart(2, '0');
  const text = bodyEncoding === 'utf8' ? body : Array.from(atob(body), hex).join(' ');
  return 'Answer (' + bytes + ' bytes' + (truncated ? ', only the beginning' : '') + '):\\n' + text;
}

async function send(fields) {
  const { port, ...rest } = fields;
  const response = await fetch('${PAGE_PATHS.downlink}', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...rest, port: Number(port) }),
  });
  const result = await response.json();
  if (!response.ok) return 'Not delivered. ' + result.message;
  const sent = 'Sent ' + result.bytes + ' bytes to ' + result.host + ' port ' + result.port + '. ';
  return sent + (result.answer === null ? 'No answer.' : answerText(result.answer));
}

byId('downlink-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const result = byId('result');
  const button = byId('send');
  result.textContent = 'Sending…';
  // The disabled attribute would move the focus away from the button.
  if (button.getAttribute('aria-disabled') === 'true') return;
  button.setAttribute('aria-disabled', 'true');
  const fields = Object.fromEntries(new FormData(event.target));
  result.textContent = await send(fields).catch(() => 'The emulator cannot be reached.');
  button.removeAttribute('aria-disabled');
});

byId('send').disabled = byId('sim-choice').options.length === 0;
showLocalTimes(document);
connect();
`;

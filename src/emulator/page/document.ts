/** The HTML of the emulator's page. */
import { escapeHtml } from '../../lib/text/escape-html.js';
import { MAX_MESSAGES } from './message-rows.js';
import { PAGE_PATHS } from './page-paths.js';
import type { SimList } from './sim-rows.js';

export interface DocumentContent {
  /** The Arc server's endpoint. */
  readonly endpoint: string;
  readonly sims: SimList;
  /** The rows of the messages, as HTML. */
  readonly messageRows: string;
}

export function documentText({ endpoint, sims, messageRows }: DocumentContent): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>arctun emulator</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${PAGE_PATHS.style}">
<script src="${PAGE_PATHS.script}" defer></script>
</head>
<body>
<header>
<h1>arctun emulator</h1>
<p>Arc server: <code>${escapeHtml(endpoint)}</code> (UDP) <span id="connection" role="status" class="state">Connecting</span></p>
<noscript><p>Without JavaScript, this page does not update, and its form does not work.</p></noscript>
</header>
<main>
${section('sims', 'SIMs', simTable(sims))}
${section('downlink', 'Send a downlink', form(sims.choices))}
${section('messages', 'Messages', messageTable(messageRows))}
</main>
</body>
</html>
`;
}

function section(id: string, heading: string, content: string): string {
  return `<section aria-labelledby="${id}-heading">\n<h2 id="${id}-heading">${heading}</h2>\n${content}\n</section>`;
}

function simTable({ rows, summary }: SimList): string {
  const names = ['Name', 'IMSI', 'SIM ID', 'Address', 'Session', 'Tunnel', 'Last seen'];
  return `<p id="sim-summary">${escapeHtml(summary)}</p>\n${table('sim', 'Virtual SIMs', names, rows)}`;
}

function messageTable(rows: string): string {
  const names = ['Time', 'SIM', 'Endpoint', 'Content'];
  const note = `<p>Messages to the Unified Endpoint, newest first, at most ${MAX_MESSAGES}. <span id="news" role="status"></span></p>`;
  return `${note}\n${table('message', 'Messages', names, rows)}`;
}

/** The roles keep the table's meaning if the style sheet shows its rows as lists. */
function table(id: string, label: string, names: readonly string[], rows: string): string {
  const heads = names.map((name) => `<th role="columnheader" scope="col">${name}</th>`).join('');
  return [
    `<table role="table" aria-label="${label}" id="${id}-table">`,
    `<thead role="rowgroup"><tr role="row">${heads}</tr></thead>`,
    `<tbody role="rowgroup" id="${id}-rows">${rows}</tbody>`,
    '</table>',
  ].join('\n');
}

function form(choices: string): string {
  return `<form id="downlink-form">
<p><label for="sim-choice">SIM</label><select id="sim-choice" name="simId" required>${choices}</select></p>
<p><label for="protocol">Protocol</label><select id="protocol" name="protocol"><option value="udp">UDP</option><option value="tcp">TCP</option></select></p>
<p><label for="port">Port</label><input id="port" name="port" type="number" min="1" max="65535" required inputmode="numeric"></p>
<p><label for="encoding">Format</label><select id="encoding" name="payloadEncoding"><option value="utf8">Text</option><option value="hex">Hex</option></select></p>
<p class="wide"><label for="payload">Content</label><textarea id="payload" name="payload" rows="3" maxlength="16384" spellcheck="false"></textarea></p>
<p class="wide"><button type="submit" id="send">Send</button> <output id="result" for="sim-choice protocol port encoding payload"></output></p>
</form>`;
}

/** The web page that lists the SIMs of a fleet. It needs no script, and loads itself again. */
import { escapeHtml } from '../../lib/text/escape-html.js';
import { bytesText } from '../../lib/text/amounts.js';
import type { Page } from '../../proxy/page-listener.js';
import { healthText } from '../status/status-texts.js';
import { PAGE_HEADERS } from '../status/page/status-page.js';
import type { SimStatus } from '../status/tunnel-metrics.js';

/** A SIM, and why its status is unknown. */
export type ShownSim = SimStatus & { readonly problem?: string };

/** Seconds. */
const REFRESH = 5;

const COLUMNS = ['Name', 'SIM ID', 'Received', 'Sent', 'Health'];

export function tablePage(sims: readonly ShownSim[]): Page {
  const up = sims.filter(({ status }) => status?.health === 'up').length;
  const state = up === sims.length ? 'up' : up > 0 ? 'connecting' : 'stale';
  const heads = COLUMNS.map((column) => `<th scope="col">${column}</th>`).join('');
  const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="${REFRESH}">
<title>arctun</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/page.css">
</head>
<body>
<header><h1>arctun</h1></header>
<main>
<div id="state" role="status" data-state="${state}">
<h2 id="headline">${up} of ${sims.length} tunnels are up</h2>
</div>
<section aria-label="SIMs">
<div class="scroll" role="region" aria-label="SIMs" tabindex="0">
<table><thead><tr>${heads}</tr></thead><tbody>
${sims.map(rowOf).join('\n')}
</tbody></table>
</div>
</section>
</main>
</body>
</html>
`;
  return { status: 200, contentType: 'text/html; charset=utf-8', body, headers: PAGE_HEADERS };
}

function rowOf({ sim, simId, status, problem = '' }: ShownSim): string {
  const [peer] = status?.peers ?? [];
  const amount = (bytes: number | undefined) => (bytes === undefined ? '' : bytesText(bytes));
  const health = status === undefined ? `closed: ${problem}` : healthText(status);
  const cells = [sim, simId, amount(peer?.receivedBytes), amount(peer?.sentBytes), health];
  return `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`;
}

/** The HTML of the status page. All values come later, from the script. */

export const PAGE_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>arctun</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body>
<header>
<h1>arctun <span id="name"></span></h1>
<button id="pause" type="button">Pause updates</button>
</header>
<main>
<section aria-labelledby="headline">
<div id="state" role="status" data-state="unknown">
<h2 id="headline">Connecting to arctun</h2>
<p id="lost" hidden></p>
</div>
<p id="reason"></p>
<dl id="facts"></dl>
<noscript><p>This page needs JavaScript. Without JavaScript, use <code>arctun status</code>.</p></noscript>
</section>
<section aria-labelledby="rates">
<h2 id="rates">Rates</h2>
<p class="legend"><span class="received">Received <b id="rate-received">–</b></span>
<span class="sent">Sent <b id="rate-sent">–</b></span></p>
<figure>
<svg id="plot" viewBox="0 0 300 100" preserveAspectRatio="none" role="img" aria-label="Rates in the last 5 minutes">
<path class="grid" d="M0 .5H300M0 50H300M0 99.5H300"></path>
<path id="plot-received" class="received"></path>
<path id="plot-sent" class="sent"></path>
</svg>
<figcaption><span>5 minutes ago</span><span id="top"></span><span>now</span></figcaption>
</figure>
</section>
${table('traffic', 'Traffic outside the tunnel', ['', 'Received', 'Sent'])}
<p class="note">Bytes of WireGuard messages with their IP and UDP headers. A bill may count other layers.</p>
</section>
${table('connections', 'Connections', ['Opened by', 'Target', 'Age', 'Received', 'Sent'])}
<p class="note">The latest 100 TCP connections through the listeners.</p>
</section>
${table('forwards', 'Port forwards', ['Kind', 'Listens on', 'Target', 'Open', 'Total', 'Failed', 'Dropped', 'Received', 'Sent'])}
</section>
${table('listeners', 'Listeners', ['Listener', 'Address'])}
</section>
</main>
</body>
</html>
`;

/** The beginning of a section with a table. A wide table scrolls in its own box. */
function table(id: string, title: string, columns: readonly string[]): string {
  const cells = columns.map((column) =>
    column === '' ? '<td></td>' : `<th scope="col">${column}</th>`,
  );
  return `<section aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
<p class="empty" id="${id}-empty">None</p>
<div class="scroll" id="${id}-box" role="region" aria-labelledby="${id}-title" tabindex="0" hidden>
<table><thead><tr>${cells.join('')}</tr></thead><tbody id="${id}"></tbody></table>
</div>`;
}

export const PAGE_ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M2 14V8a6 6 0 0 1 12 0v6h-3V8a3 3 0 0 0-6 0v6z" fill="#2f7d4f"/></svg>
`;

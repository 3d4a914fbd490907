/** Draws the two modes of `arctun up` for README: `node tools/generate/draw-modes.js`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SANS = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', sans-serif";
const MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace";

const SCHEMES = {
  light: {
    card: '#f6f8fa',
    edge: '#d0d7de',
    box: '#ffffff',
    text: '#1f2328',
    muted: '#59636e',
    own: '#0969da',
    ownFill: '#ddf4ff',
    ownBox: '#ffffff',
    far: '#1a7f37',
    farFill: '#eefbf1',
    onTube: '#ffffff',
  },
  dark: {
    card: '#151b23',
    edge: '#3d444d',
    box: '#212830',
    text: '#f0f6fc',
    muted: '#9198a1',
    own: '#4493f8',
    ownFill: '#132339',
    ownBox: '#1c2f4a',
    far: '#3fb950',
    farFill: '#12261e',
    onTube: '#0d1117',
  },
};

const DESCRIPTION =
  'Userspace mode: your program sends HTTP to the forwarder on 127.0.0.1:8888, and other TCP clients use the SOCKS5 and HTTP ' +
  'proxy on 127.0.0.1:1080. Both are in one arctun process with TCP/IP and WireGuard. Network interface mode, on Linux: every ' +
  'program uses the TCP/IP of Linux and its routes to the interface soratun0, and arctun does WireGuard. In both modes, ' +
  'encrypted UDP goes to SORACOM Arc, with the Unified Endpoint, the services and VPGs behind it.';

/** @param {'light' | 'dark'} scheme */
export function drawModes(scheme) {
  const color = SCHEMES[scheme];

  const text = (x, y, words, { size = 13, fill = color.text, bold, mono, middle } = {}) =>
    `<text x="${x}" y="${y}" font-size="${size}" fill="${fill}"${bold ? ' font-weight="600"' : ''}` +
    `${mono ? ' class="mono"' : ''}${middle ? ' text-anchor="middle"' : ''}>${words}</text>`;

  const rect = (x, y, width, height, { fill, stroke, radius = 8, dash } = {}) =>
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}" fill="${fill}" stroke="${stroke}"` +
    `${dash ? ' stroke-dasharray="4 3"' : ''}/>`;

  /** Draws a card for a mode: its name, its requirements, and its command. */
  const card = (y, height, name, needs, command) =>
    rect(8, y, 572, height, { fill: color.card, stroke: color.edge, radius: 12 }) +
    text(24, y + 24, `${name} <tspan dx="6" class="small">${needs}</tspan>`, {
      size: 16,
      bold: true,
    }) +
    `<text x="564" y="${y + 24}" font-size="12" fill="${color.muted}" class="mono" text-anchor="end">${command}</text>`;

  /** Draws a box with a name, and a line of small text below the name. */
  const box = (x, y, width, height, name, detail, { own, mono } = {}) => {
    const center = x + width / 2;
    const middle = y + height / 2;
    return [
      rect(x, y, width, height, {
        fill: own ? color.ownBox : color.box,
        stroke: own ? color.own : color.edge,
      }),
      text(center, detail ? middle - 4 : middle + 4.5, name, { bold: true, middle: true }),
      detail
        ? text(center, middle + 13, detail, { size: 12, fill: color.muted, mono, middle: true })
        : '',
    ].join('\n');
  };

  const own = (x, y, width, height) =>
    rect(x, y, width, height, { fill: color.ownFill, stroke: color.own, radius: 10, dash: true }) +
    text(x + 12, y + 16, 'arctun', { fill: color.own, bold: true });

  const arrow = (from, to, y) =>
    `<path d="M${from} ${y}H${to - 6}" stroke="${color.muted}" stroke-width="1.5" fill="none"/>` +
    `<path d="M${to - 1} ${y}l-7 -4v8z" fill="${color.muted}"/>`;

  const tube = (y) =>
    `<path d="M557 ${y - 11}H634v-7l15 18l-15 18v-7H557z" fill="${color.own}"/>` +
    text(600, y + 4, 'encrypted', { size: 11.5, fill: color.onTube, bold: true, middle: true });

  const service = (y, name, ...details) =>
    rect(662, y, 120, 74, { fill: color.box, stroke: color.edge }) +
    text(722, y + 23, name, { size: 12, bold: true, middle: true }) +
    details
      .map((detail, line) =>
        text(722, y + 43 + 17 * line, detail, { size: 12, fill: color.muted, middle: true }),
      )
      .join('');

  const parts = [
    card(8, 156, 'Userspace', 'no root', 'arctun up --mode userspace'),
    own(164, 42, 404, 114),
    box(24, 62, 112, 40, 'Your program', 'any language'),
    box(24, 108, 112, 40, 'TCP clients', 'ssh, browsers'),
    box(176, 62, 164, 40, 'HTTP forwarder', '127.0.0.1:8888', { own: true, mono: true }),
    box(176, 108, 164, 40, 'SOCKS5/HTTP proxy', '127.0.0.1:1080', { own: true, mono: true }),
    box(364, 62, 68, 86, 'TCP/IP', '', { own: true }),
    box(456, 62, 100, 86, 'WireGuard', '', { own: true }),
    arrow(136, 176, 82),
    arrow(136, 176, 128),
    arrow(340, 364, 82),
    arrow(340, 364, 128),
    arrow(432, 456, 105),
    card(174, 110, 'Network interface', 'Linux, root', 'sudo arctun up --mode tun'),
    own(444, 208, 124, 68),
    box(24, 228, 112, 40, 'Any program', 'unchanged'),
    box(176, 228, 140, 40, 'Linux', 'TCP/IP and routes'),
    box(340, 228, 80, 40, 'Interface', 'soratun0', { mono: true }),
    box(456, 228, 100, 40, 'WireGuard', '', { own: true }),
    arrow(136, 176, 248),
    arrow(316, 340, 248),
    arrow(420, 456, 248),
    rect(652, 8, 140, 276, { fill: color.farFill, stroke: color.far, radius: 12 }),
    text(722, 32, 'SORACOM Arc', { size: 15, bold: true, middle: true }),
    service(44, 'Unified Endpoint', 'Beam, Funk,', 'Funnel, Harvest'),
    service(122, 'Services', 'metadata,', 'DNS, pong'),
    service(200, 'VPG', 'your private', 'network'),
    tube(105),
    tube(248),
  ];

  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 292" width="800" height="292" role="img" aria-labelledby="title desc">',
    '<title id="title">The two modes of arctun up</title>',
    `<desc id="desc">${DESCRIPTION}</desc>`,
    `<style>text { font-family: ${SANS} } text.mono { font-family: ${MONO} } .small { font-size: 13px; font-weight: 400; fill: ${color.muted} }</style>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = new URL('../../docs/images/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  for (const scheme of Object.keys(SCHEMES))
    writeFileSync(new URL(`modes-${scheme}.svg`, folder), drawModes(scheme));
}

/**
 * The status page for people: HTML, CSS, an SVG plot and a small script, which listens to events.
 * The page loads nothing from anywhere else.
 */
import { messageOf } from '../../../lib/errors/error-message.js';
import type { Clock, WallClock } from '../../../ports/clock.js';
import type { Page } from '../../../proxy/page-listener.js';
import type { StatusReport } from '../status-report.js';
import { PAGE_HTML, PAGE_ICON } from './page-html.js';
import { PAGE_SCRIPT } from './page-script.js';
import { PAGE_STYLE } from './page-style.js';
import { pageView, viewWithout } from './page-view.js';
import { EventStream } from '../../../proxy/status/event-stream.js';

export interface StatusPageOptions {
  /** Returns the name of the tunnel, which is known soon after the start. */
  readonly name: () => string;
  /** @throws Error with the reason if no status is available */
  readonly report: (name: string) => Promise<StatusReport>;
  readonly clock: Clock;
  readonly wallClock: WallClock;
}

/**
 * The policy allows only this server's own files, and no inline script or style. It also keeps the
 * page out of frames of other pages.
 */
const POLICY = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ');

export const PAGE_HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
};

/** The paths of the page's files. */
export type PageFile = '/' | '/page.css' | '/page.js' | '/icon.svg';

const FILES: Readonly<Record<PageFile, Page>> = {
  '/': file('text/html; charset=utf-8', PAGE_HTML),
  '/page.css': file('text/css; charset=utf-8', PAGE_STYLE),
  '/page.js': file('text/javascript; charset=utf-8', PAGE_SCRIPT),
  '/icon.svg': file('image/svg+xml', PAGE_ICON),
};

export function pageFile(path: PageFile): Page {
  return FILES[path];
}

export function openEvents(options: StatusPageOptions): EventStream {
  const { name, report, clock, wallClock } = options;
  const view = async () => {
    try {
      const moment = { now: clock.now(), unix: wallClock.unixMilliseconds() };
      return pageView(await report(name()), moment);
    } catch (error) {
      return viewWithout(name(), messageOf(error));
    }
  };
  return new EventStream({ view, clock });
}

function file(contentType: string, body: string): Page {
  return { status: 200, contentType, body, headers: PAGE_HEADERS };
}

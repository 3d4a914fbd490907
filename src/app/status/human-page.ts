/** The status page for people. Its code is loaded when a client first asks for the page. */
import type { EventStream } from '../../proxy/status/event-stream.js';
import type { Page, Stream } from '../../proxy/page-listener.js';
import type { PageFile, StatusPageOptions } from './page/status-page.js';

export interface HumanPage {
  readonly pages: ReadonlyMap<string, () => Promise<Page>>;
  readonly streams: ReadonlyMap<string, Stream>;
  /** Ends the streams. */
  close(): void;
}

const FILES: readonly PageFile[] = ['/', '/page.css', '/page.js', '/icon.svg'];

export function humanPage(options: StatusPageOptions): HumanPage {
  let events: EventStream | undefined;
  let isClosed = false;
  const load = () => import('./page/status-page.js');
  const stream: Stream = (request, response) => {
    const handle = async () => {
      const { openEvents } = await load();
      events ??= openEvents(options);
      if (isClosed) events.close();
      events.handle(request, response);
    };
    // The code cannot be loaded if this program was replaced meanwhile.
    handle().catch(() => response.destroy());
  };
  return {
    pages: new Map(FILES.map((path) => [path, async () => (await load()).pageFile(path)])),
    streams: new Map([['/events', stream]]),
    close: () => {
      isClosed = true;
      events?.close();
    },
  };
}

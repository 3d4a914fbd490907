/** Describes the messages of a spool in one line. */
import type { SpoolStatus } from '../spool/forwarder-spool.js';

export function spoolText({ folder, queued, sending, unknown, refused }: SpoolStatus): string {
  const counts = Object.entries({ sending, unknown, refused })
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `, ${count} ${state}`);
  return `${queued} queued${counts.join('')} (${folder})`;
}

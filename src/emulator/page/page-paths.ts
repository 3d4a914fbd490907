/** The paths of the emulator's page. This file is separate so that the page is loaded on demand. */
export const PAGE_PATHS = {
  document: '/',
  style: '/emulator/page.css',
  script: '/emulator/page.js',
  events: '/emulator/events',
  downlink: '/emulator/downlink',
} as const;

const ALL: ReadonlySet<string> = new Set(Object.values(PAGE_PATHS));

export function isPagePath(path: string): boolean {
  return ALL.has(path);
}

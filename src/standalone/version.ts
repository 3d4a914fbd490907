/** Set by the bundler: no package.json stands beside a single executable. */
declare const ARCTUN_VERSION: string;

/** Of this program; empty where nobody has bundled it. */
export const VERSION = typeof ARCTUN_VERSION === 'string' ? ARCTUN_VERSION : '';

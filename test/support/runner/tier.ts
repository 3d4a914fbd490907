/** How much a test does: a short run in `npm test`, the whole in `npm run test:long`. */

/** Set by jest.long.config.js, which runs the files that import this one. */
export const isLong = (globalThis as { isLongRun?: boolean }).isLongRun === true;

/** A size, a duration or a table of cases. */
export function atLength<T>(tier: { readonly short: T; readonly long: T }): T {
  return isLong ? tier.long : tier.short;
}

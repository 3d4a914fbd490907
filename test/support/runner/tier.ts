/** Selects the amount of testing: short in `npm test`, full in `npm run test:release`. */

/** Set by jest.release.config.js, which runs the files that import this module. */
export const isLong = (globalThis as { isLongRun?: boolean }).isLongRun === true;

/** Selects a size, a duration or a table of cases. */
export function atLength<T>(tier: { readonly short: T; readonly long: T }): T {
  return isLong ? tier.long : tier.short;
}

/** `it`, for a test that only `npm run test:release` runs. */
export const itInRelease: jest.It = isLong
  ? it
  : (Object.assign(() => undefined, { each: () => () => undefined }) as unknown as jest.It);
